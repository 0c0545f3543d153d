import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '../infra/build-app.ts';
import type { SystemDeclaration } from '../infra/declaration/schema.ts';
import { readAssembly } from '../infra/proof/assembly/read-assembly.ts';
import { deriveAssembly } from '../infra/proof/derived/derive.ts';
import { authorize, decide, rolePrincipal, type World } from '../infra/proof/policy/index.ts';
import { prove } from '../infra/proof/prove.ts';
import shipped from '../test/two-clients.zones.ts';
import { type BenchResult, fastest } from './result.ts';

const ZONES = [3, 10, 30];
const ROUNDS = 5;

/**
 * The whole proof of a synthesized system, as the plugin runs it, for systems of several sizes: first as a synth meets it, cold and with
 * the assembly that it derives and compares with, which has to add less than two seconds to a synth of the shipped app; then warm. And
 * the policy engine on that system's roles: one request, and the questions of all of them.
 */
export async function benchProof(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const zones of ZONES) {
    const system = systemOf(zones);
    const directory = mkdtempSync(join(tmpdir(), 'zones-'));
    try {
      buildApp(system, { outdir: directory }).synth();
      const run = () => {
        const assembly = readAssembly(directory);
        return prove(assembly, system, { derived: deriveAssembly(system, assembly) });
      };
      const first = await fastest(1, run);
      const again = await fastest(ROUNDS, run);
      const figure = (name: string, value: number) =>
        results.push({ name: `${name}, ${zones} zones`, value: value / 1000, unit: 'ms' });
      figure('proof and comparison, first time', first);
      figure('proof and comparison', again);
      figure('proof and comparison, of each zone', again / zones);
      const { world } = run().input;
      const questions = questionsOf(world);
      const decideAll = () => questions.map((question) => decide(question, world));
      figure('which role may invoke which function', await fastest(1, decideAll));
      const request = { ...questions[0], context: CONTEXT } as Parameters<typeof authorize>[0];
      figure(
        'authorize a thousand times',
        1000 * (await fastest(ROUNDS, () => authorize(request, world), 1000)),
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
  return results;
}

const CONTEXT = { 'aws:SourceVpce': 'vpce-0bench', 'aws:SourceVpc': 'vpc-0bench' };

/** Every role about every function. */
function questionsOf({ roles, resources }: World) {
  const functions = [...resources.keys()].filter((arn) => arn.includes(':function:'));
  return [...roles.keys()].flatMap((arn) =>
    functions.map((resource) => ({
      ...{ principal: rolePrincipal(arn, 'bench'), action: 'lambda:InvokeFunction', resource },
    })),
  );
}

/** The shipped system with as many event zones more as make `count`. */
function systemOf(count: number): SystemDeclaration {
  const { internal, ...zones } = shipped.zones;
  if (internal === undefined) return shipped;
  const more = Array.from({ length: count - Object.keys(shipped.zones).length }, (_, index) => [
    `internal${index}`,
    { ...internal, cidr: `10.${100 + index}.0.0/20` },
  ]);
  return { ...shipped, zones: { ...zones, internal, ...Object.fromEntries(more) } };
}
