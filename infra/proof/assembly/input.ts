import type { SystemDeclaration } from '../../declaration/schema.ts';
import { readNetwork } from '../network/model.ts';
import { computeReach } from '../network/reach.ts';
import { buildWorld } from '../policy/world/build.ts';
import { readActors } from '../rules/actors.ts';
import type { ProofInput } from '../rules/rule.ts';
import type { ResolvedAssembly } from './resolve.ts';

/** Reads out of a resolved assembly everything that rules look at. */
export function readInput(assembly: ResolvedAssembly, declaration: SystemDeclaration): ProofInput {
  const network = readNetwork(assembly, declaration);
  const reach = computeReach(network);
  const world = buildWorld(assembly);
  const actors = readActors(assembly, world, network, reach, declaration);
  return { declaration, assembly, network, reach, world, actors };
}
