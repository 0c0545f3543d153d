import { buildApp } from '../infra/build-app.ts';
import type { SystemDeclaration } from '../infra/declaration/schema.ts';
import { readAssembly } from '../infra/proof/assembly/read-assembly.ts';
import { deriveAssembly } from '../infra/proof/derived/derive.ts';
import { prove } from '../infra/proof/prove.ts';
import { inNewFolder } from '../infra/with-assembly.ts';
import shipped from '../test/two-clients.zones.ts';
import { type Figure, type Scale, wallTime } from './figures.ts';

/**
 * Synth and proof for systems of several sizes: the whole proof as the plugin runs it, with the assembly that it derives and compares
 * with, which has to add less than two seconds to a synth of the shipped app.
 */
export async function benchProof({ rounds, share }: Scale): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const zones of share < 1 ? [3] : [3, 10, 30]) {
    const system = systemOf(zones);
    const [synths, proofs]: [number[], number[]] = [[], []];
    for (let round = 0; round < Math.ceil(rounds / 2); round++)
      await inNewFolder(async (outdir) => {
        synths.push(await wallTime(() => buildApp(system, { outdir }).synth()));
        proofs.push(
          await wallTime(() => {
            const assembly = readAssembly(outdir);
            prove(assembly, system, { derived: deriveAssembly(system, assembly) });
          }),
        );
      });
    figures.push({
      what: `proof and comparison, ${zones} zones`,
      unit: 'ms',
      here: proofs,
      peer: ['synth', synths],
      target: zones === 3 ? ['value', 'most', 2000] : undefined,
    });
  }
  return figures;
}

/** The shipped system with as many event zones more as make `count`. */
function systemOf(count: number): SystemDeclaration {
  const { zones } = shipped;
  const more = Array.from({ length: count - Object.keys(zones).length }, (_, index) => [
    `internal${index}`,
    { ...zones.internal, cidr: `10.${100 + index}.0.0/20` },
  ]);
  return { ...shipped, zones: { ...zones, ...Object.fromEntries(more) } };
}
