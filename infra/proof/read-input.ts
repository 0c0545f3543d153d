import type { SystemDeclaration } from '../declaration/schema.ts';
import { readNetwork } from './assembly/network.ts';
import type { ResolvedAssembly } from './assembly/resolve.ts';
import type { Comparison } from './derived/compare.ts';
import { computeReach } from './network/reach.ts';
import { buildWorld } from './policy/world/build.ts';
import { readActors } from './rules/actors.ts';
import type { ProofInput } from './rules/rule.ts';

/** Reads out of a resolved assembly everything that rules look at. */
export function readInput(
  assembly: ResolvedAssembly,
  declaration: SystemDeclaration,
  comparison?: Comparison,
): ProofInput {
  const network = readNetwork(assembly, declaration);
  const reach = computeReach(network);
  const world = buildWorld(assembly);
  const read = { declaration, assembly, network, reach, world };
  return { ...read, actors: readActors(read), ...(comparison ? { comparison } : {}) };
}
