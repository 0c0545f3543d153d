import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { decideRequest } from '../../local/aws/decide-request.ts';
import { caseArbitrary } from '../infra/proof/policy/arbitrary.ts';
import { requestOf, worldOf } from '../infra/proof/policy/build.ts';
import { simulate } from './simulate.ts';

const CASES = 300;
const ROUNDS = 5;

/** Microseconds that one evaluation takes on either side: the best of a few rounds over the same requests, policies loaded beforehand where the side can. */
export async function measureSpeed(): Promise<{ ours: number; theirs: number }> {
  const cases = fc.sample(caseArbitrary(1), { seed: 1, numRuns: CASES });
  const prepared = cases.map((given) => ({
    world: worldOf(given),
    request: requestOf(given, given.contexts[0] ?? {}),
  }));
  const best = { ours: Number.POSITIVE_INFINITY, theirs: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (const { world, request } of prepared) decideRequest(request, world);
    const between = performance.now();
    for (const given of cases) await simulate(given, given.contexts[0] ?? {});
    best.ours = Math.min(best.ours, ((between - start) * 1000) / CASES);
    best.theirs = Math.min(best.theirs, ((performance.now() - between) * 1000) / CASES);
  }
  return best;
}
