import { inspect } from 'node:util';
import fc from 'fast-check';
import { ANSWERS } from './answers.ts';
import { ENTRIES } from './entries.ts';
import { type Kind, outcomeOf, takeBroken } from './hostile.ts';
import { SIGNING } from './signing.ts';

const KINDS: readonly Kind[] = [...SIGNING, ...ANSWERS, ...ENTRIES];

/** Some values are too deep for fast-check to show. */
function show(value: unknown): string {
  try {
    return fc.stringify(value).slice(0, SHOWN);
  } catch {
    return inspect(value, { depth: 9 }).slice(0, SHOWN);
  }
}

/** Characters of a failing input that are shown. */
const SHOWN = 3000;

/** A run of few cases goes on, so many at a time and up to so many, until each kind has shown every outcome that it must. */
const MORE = 100;
const ENOUGH = 2000;

/** Runs so many cases of all kinds by their shares, or of one alone; `path` is that of a failure, to see it again. Resolves to what is wrong, and how many were run. */
export async function runKinds(
  cases: number,
  seed: number,
  only?: { kind: string; path?: string | undefined },
  kinds = KINDS,
): Promise<{ failures: string[]; ran: number }> {
  const chosen = kinds.filter(({ name }) => only === undefined || name === only.kind);
  if (chosen.length === 0)
    throw new TypeError(`There are the kinds ${kinds.map(({ name }) => name).join(', ')}.`);
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const failures: string[] = [];
  let total = 0;
  for (const one of chosen) {
    const numRuns = Math.max(1, Math.round((cases * one.share) / shares));
    const outcomes = new Map<string, number>();
    const property = fc.asyncProperty(one.cases, async (value) => {
      const outcome = await outcomeOf(() => one.run(value));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    });
    const began = performance.now();
    const check = (runs: number, from: number) =>
      fc.check(property, { numRuns: runs, seed: from, ...(only?.path ? { path: only.path } : {}) });
    const missing = () => one.reached.filter((outcome) => !outcomes.has(outcome));
    let result = await check(numRuns, seed);
    let ran = result.numRuns;
    while (!result.failed && missing().length > 0 && only?.path === undefined && ran < numRuns + ENOUGH) {
      result = await check(MORE, seed + ran);
      ran += result.numRuns;
    }
    const seconds = (performance.now() - began) / 1000;
    const counts = [...outcomes]
      .sort(([, a], [, b]) => b - a)
      .map(([outcome, count]) => `${count} ${outcome}`);
    console.log(`${one.name}: ${ran} cases in ${seconds.toFixed(0)} s: ${counts.join(', ')}`);
    if (result.failed) {
      const { error, stack } = Object(result.errorInstance) as { error?: string; stack?: string };
      failures.push(
        [
          `${one.name}: ${stack ?? error ?? result.errorInstance}`,
          `shortest input: ${show(result.counterexample)}`,
          `again: npm run test:fuzz -- --kind ${one.name} --seed ${result.seed} --path ${result.counterexamplePath}`,
        ].join('\n        '),
      );
    }
    if (missing().length > 0 && !result.failed && only?.path === undefined)
      failures.push(`${one.name}: no case came to ${missing().join(', ')}`);
    // What was not kept after a case had ended.
    await new Promise(setImmediate);
    failures.push(...takeBroken().map((what) => `${one.name}: ${what}`));
    total += ran;
  }
  return { failures, ran: total };
}
