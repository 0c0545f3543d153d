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
import { type Figure, type Scale, wallTime } from './figures.ts';

/**
 * Synth and proof for systems of several sizes: the whole proof as the plugin runs it, with the assembly that it derives and compares
 * with, which has to add less than two seconds to a synth of the shipped app; and the policy engine on that system's roles.
 */
export async function benchProof({ rounds, share }: Scale): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const zones of share < 1 ? [3] : [3, 10, 30]) {
    const system = systemOf(zones);
    const [synths, proofs, questions]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < Math.ceil(rounds / 2); round++) {
      const directory = mkdtempSync(join(tmpdir(), 'zones-'));
      let world: World | undefined;
      synths.push(await wallTime(() => buildApp(system, { outdir: directory }).synth()));
      proofs.push(
        await wallTime(() => {
          const assembly = readAssembly(directory);
          ({ world } = prove(assembly, system, { derived: deriveAssembly(system, assembly) }).input);
        }),
      );
      rmSync(directory, { recursive: true });
      const asked = questionsOf(world as World);
      questions.push(await wallTime(() => asked.map((question) => decide(question, world as World))));
    }
    figures.push(
      {
        ...{
          what: `proof and comparison, ${zones} zones`,
          unit: 'ms',
          here: proofs,
          peer: ['synth', synths],
        },
        target: zones === 3 ? ['value', 'most', 2000] : undefined,
      },
      { what: `which role may invoke which function, ${zones} zones`, unit: 'ms', here: questions },
    );
  }
  return figures;
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
