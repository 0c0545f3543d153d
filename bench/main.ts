import { benchOther } from './other.ts';
import { benchProof } from './proof.ts';
import type { BenchResult } from './result.ts';
import { benchSigning } from './signing.ts';

/** What is measured; a module a subject. Figures of one run compare with each other, not with those of another machine. */
const BENCHES: readonly [string, () => Promise<BenchResult[]>][] = [
  ['signing', benchSigning],
  ['policy engine beside iam-simulate', benchOther],
  ['boundary proof and policy engine', benchProof],
];

for (const [subject, measure] of BENCHES) {
  console.log(`\n${subject}`);
  for (const { name, value, unit } of await measure())
    console.log(`  ${name.padEnd(64)} ${format(value).padStart(8)} ${unit}`);
}

/** Three figures that count, never in scientific notation. */
function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
