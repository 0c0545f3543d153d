import type { SystemDeclaration } from '../declaration/types.ts';
import { readActors } from './actors.ts';
import { readNetwork } from './network/model.ts';
import { computeReach } from './network/reach.ts';
import type { ResolvedAssembly } from './resolve.ts';
import type { ProofInput } from './rule.ts';
import { buildWorld } from './world/build.ts';

/** Reads out of a resolved assembly everything that rules look at. */
export function readInput(assembly: ResolvedAssembly, declaration: SystemDeclaration): ProofInput {
  const network = readNetwork(assembly, declaration);
  const reach = computeReach(network);
  const world = buildWorld(assembly);
  const actors = readActors(assembly, world, network, reach, declaration);
  return { declaration, assembly, network, reach, world, actors };
}
