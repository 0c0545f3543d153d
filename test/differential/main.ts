import fc from 'fast-check';
import type { Context } from '../../infra/proof/policy/request.ts';
import { decideRequest } from '../../local/aws/decide-request.ts';
import { type Case, caseArbitrary } from '../infra/proof/policy/arbitrary.ts';
import { requestOf, worldOf } from '../infra/proof/policy/build.ts';
import { DIFFERENCES, HAND_WRITTEN } from '../infra/proof/policy/cases.ts';
import { simulate } from './simulate.ts';
import { measureSpeed } from './speed.ts';

/** How many random requests are compared. */
const COMPARED = 10_000;
const CONTEXTS = 2;
const SEED = 20_261_124;
/** How many times faster one evaluation is to be. */
const FASTER = 20;

const failures: string[] = [];
let passed = 0;

/** Records one result; `what` is told only when it failed. */
function record(ok: boolean, what: () => string): void {
  if (ok) passed++;
  else failures.push(what());
}

/** Whether the engine allows; keys that AWS does not put into such a request are left out, as the other side does. */
function decide(given: Case, context: Context, ignoredKeys: readonly string[]): boolean {
  const kept = Object.fromEntries(Object.entries(context).filter(([key]) => !ignoredKeys.includes(key)));
  return decideRequest(requestOf(given, kept), worldOf(given)).allowed;
}

async function compareHandWritten(): Promise<void> {
  for (const { name, given, context, allowed } of HAND_WRITTEN) {
    const theirs = await simulate(given, context);
    const ours = decide(given, context, []);
    record(
      ours === allowed && theirs.allowed === allowed,
      () => `${name}: expected ${allowed}, the engine says ${ours}, iam-simulate ${theirs.allowed}`,
    );
  }
  for (const { name, heading, given, context, allowed } of DIFFERENCES) {
    const theirs = await simulate(given, context);
    const ours = decide(given, context, []);
    record(
      ours === allowed && theirs.allowed !== allowed,
      () =>
        `${name}: a known difference (${heading}) is gone or has changed: the engine says ${ours}, iam-simulate ${theirs.allowed}`,
    );
  }
}

async function compareRandom(): Promise<{ allowed: number }> {
  const seen = { allowed: 0 };
  let compared = 0;
  for (const given of fc.sample(caseArbitrary(CONTEXTS), { seed: SEED, numRuns: COMPARED })) {
    for (const context of given.contexts) {
      if (compared === COMPARED) return seen;
      const theirs = await simulate(given, context);
      const ours = decide(given, context, theirs.ignoredKeys);
      compared++;
      if (ours) seen.allowed++;
      record(
        ours === theirs.allowed,
        () =>
          `the engine says ${ours}, iam-simulate ${theirs.allowed}: ${JSON.stringify({ ...given, contexts: [context] })}`,
      );
    }
  }
  return seen;
}

await compareHandWritten();
const { allowed } = await compareRandom();
const { ours, theirs } = await measureSpeed();
record(
  theirs >= FASTER * ours,
  () =>
    `one evaluation takes ${ours.toFixed(2)} µs, iam-simulate's ${theirs.toFixed(2)} µs: less than ${FASTER} times as long`,
);

for (const failure of failures.slice(0, 20)) console.error(failure);
console.log(`${COMPARED} random requests compared, ${allowed} of them allowed`);
console.log(`${HAND_WRITTEN.length} hand-written, ${DIFFERENCES.length} known differences`);
console.log(
  `one evaluation: ${ours.toFixed(2)} µs, iam-simulate's ${theirs.toFixed(2)} µs (${(theirs / ours).toFixed(0)} times as long)`,
);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
