import fc from 'fast-check';
import { ANSWERS } from './answers.ts';
import { ENTRIES } from './entries.ts';
import { type Kind, outcomeOf } from './hostile.ts';
import { SIGNING } from './signing.ts';

const KINDS: readonly Kind[] = [...SIGNING, ...ANSWERS, ...ENTRIES];

/** Characters of a failing input that are shown. */
const SHOWN = 3000;

/** Runs so many cases of all kinds by their shares, or of one alone; `path` is that of a failure, to see it again. Resolves to what is wrong. */
export async function runKinds(
  cases: number,
  seed: number,
  only?: { kind: string; path?: string | undefined },
): Promise<string[]> {
  const chosen = KINDS.filter(({ name }) => only === undefined || name === only.kind);
  if (chosen.length === 0)
    throw new TypeError(`There are the kinds ${KINDS.map(({ name }) => name).join(', ')}.`);
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const failures: string[] = [];
  for (const one of chosen) {
    const numRuns = Math.max(1, Math.round((cases * one.share) / shares));
    const outcomes = new Map<string, number>();
    const property = fc.asyncProperty(one.cases, async (value) => {
      const outcome = await outcomeOf(() => one.run(value));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    });
    const began = performance.now();
    const result = await fc.check(property, { numRuns, seed, ...(only?.path ? { path: only.path } : {}) });
    const seconds = (performance.now() - began) / 1000;
    const counts = [...outcomes]
      .sort(([, a], [, b]) => b - a)
      .map(([outcome, count]) => `${count} ${outcome}`);
    console.log(`${one.name}: ${result.numRuns} cases in ${seconds.toFixed(0)} s: ${counts.join(', ')}`);
    if (result.failed) {
      const { error, stack } = Object(result.errorInstance) as { error?: string; stack?: string };
      failures.push(
        [
          `${one.name}: ${stack ?? error ?? result.errorInstance}`,
          `shortest input: ${fc.stringify(result.counterexample).slice(0, SHOWN)}`,
          `again: npm run test:fuzz -- --kind ${one.name} --seed ${result.seed} --path ${result.counterexamplePath}`,
        ].join('\n        '),
      );
    }
    const missing = one.reached.filter((outcome) => !outcomes.has(outcome));
    if (missing.length > 0 && !result.failed && only?.path === undefined && numRuns >= 1000)
      failures.push(`${one.name}: no case came to ${missing.join(', ')}`);
  }
  return failures;
}
