import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '../infra/build-app.ts';
import type { SystemDeclaration } from '../infra/declaration/schema.ts';
import { readAssembly } from '../infra/proof/assembly/read-assembly.ts';
import { deriveAssembly } from '../infra/proof/derived/derive.ts';
import { decide, rolePrincipal, type World } from '../infra/proof/policy/index.ts';
import { prove } from '../infra/proof/prove.ts';
import shipped from '../test/two-clients.zones.ts';
import { alone, beside, type Figure, type Part, type Scale, wallTime } from './figures.ts';

const ZONES = [3, 10, 30];

/**
 * Synth and proof for systems of several sizes: the whole proof as the plugin runs it, with the assembly that it derives and compares
 * with, which has to add less than two seconds to a synth of the shipped app; and the policy engine on that system's roles.
 */
export async function benchProof({ rounds, share }: Scale): Promise<Part> {
  const figures: Figure[] = [];
  for (const zones of share < 1 ? ZONES.slice(0, 2) : ZONES) {
    const system = systemOf(zones);
    const times: Record<'synth' | 'proof' | 'questions', number[]> = { synth: [], proof: [], questions: [] };
    for (let round = 0; round < Math.ceil(rounds / 2); round++) {
      const directory = mkdtempSync(join(tmpdir(), 'zones-'));
      try {
        times.synth.push(await wallTime(() => buildApp(system, { outdir: directory }).synth()));
        let proved: ReturnType<typeof prove> | undefined;
        times.proof.push(
          await wallTime(() => {
            const assembly = readAssembly(directory);
            proved = prove(assembly, system, { derived: deriveAssembly(system, assembly) });
          }),
        );
        const world = proved?.input.world as World;
        const questions = questionsOf(world);
        times.questions.push(await wallTime(() => questions.map((question) => decide(question, world))));
      } finally {
        rmSync(directory, { recursive: true });
      }
    }
    const target = zones === 3 ? ({ of: 'value', most: 2000 } as const) : undefined;
    figures.push(
      beside(`proof and comparison, ${zones} zones`, 'ms', times.proof, ['synth', times.synth], target),
      alone(`which role may invoke which function, ${zones} zones`, 'ms', times.questions),
    );
  }
  return { figures };
}

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
