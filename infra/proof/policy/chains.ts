import { decide, type Verdict } from './decide.ts';
import { rolePrincipal } from './principal.ts';
import type { World } from './world.ts';

/** A role that can be had from another, and the roles passed on the way, the last being `role` itself. */
export interface Chain {
  role: string;
  through: readonly string[];
  /** Of the last step: it is `when` or `always`. */
  verdict: Verdict;
}

/**
 * Every role of the world whose credentials a session of `start` can have by assuming roles, one after the
 * other; each by a shortest way. A step that depends on a condition counts. A chained session may bring a
 * session policy with it, which only takes away.
 */
export function roleChains(world: World, start: string): Chain[] {
  const found = new Map<string, Chain>();
  let ends: Chain[] = [{ role: start, through: [], verdict: { verdict: 'always' } }];
  while (ends.length > 0) {
    const next = ends
      .flatMap((chain) => stepsFrom(world, chain))
      .filter(({ role }) => role !== start && !found.has(role));
    ends = [...new Map(next.map((chain) => [chain.role, chain])).values()];
    for (const chain of ends) found.set(chain.role, chain);
  }
  return [...found.values()];
}

function stepsFrom(world: World, { role: from, through }: Chain): Chain[] {
  return [...world.roles.keys()].flatMap((role) => {
    const verdict = decide(
      { principal: rolePrincipal(from), action: 'sts:AssumeRole', resource: role },
      world,
    );
    return verdict.verdict === 'never' || role === from
      ? []
      : [{ role, through: [...through, role], verdict }];
  });
}
