import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchCalls, benchLatency } from './calls.ts';
import { benchCold } from './cold.ts';
import type { Part, Scale } from './figures.ts';
import { benchOther } from './other.ts';
import { benchAge, benchOverload } from './overload.ts';
import { benchProof } from './proof.ts';
import { describeMachine, findMissed, type Measured, renderPart } from './report.ts';
import { benchSigning } from './signing.ts';

const USAGE = `npm run bench [-- --quick] [--json] [--only PART]… [--write]
  Measures what a signature costs, beside what one would use instead, in the same run. --quick: a fifth of it. --only: ${'`'}signing${'`'} and so on.
  --write: puts the figures into docs/performance.md. Exits with 1 where a target is missed.`;

/** What is measured, in the order in which it is reported. */
const PARTS: Readonly<Record<string, readonly [title: string, measure: (scale: Scale) => Promise<Part>]>> = {
  signing: ['A proof in memory', benchSigning],
  cold: ['Cold starts and memory', benchCold],
  calls: ['What a token and a call take', benchCalls],
  latency: ['Latency that is added', benchLatency],
  overload: ['Overload', benchOverload],
  age: ['Age of a proof', benchAge],
  proof: ['Synth and boundary proof', benchProof],
  engine: ['The policy engine beside iam-simulate', benchOther],
};

const { values } = parseArgs({
  options: {
    ...{
      quick: { type: 'boolean' },
      json: { type: 'boolean' },
      write: { type: 'boolean' },
      help: { type: 'boolean' },
    },
    only: { type: 'string', multiple: true, default: Object.keys(PARTS) },
  },
});
if (values.help || values.only.some((name) => PARTS[name] === undefined)) {
  console.log(`${USAGE}\n  Parts: ${Object.keys(PARTS).join(', ')}`);
  process.exit(values.help ? 0 : 2);
}

const scale: Scale = values.quick ? { rounds: 2, share: 0.1 } : { rounds: 5, share: 1 };
const parts: Measured[] = [];
for (const [name, [title, measure]] of Object.entries(PARTS)) {
  if (!values.only.includes(name)) continue;
  const start = performance.now();
  const part = await measure(scale);
  parts.push({ title, seconds: Math.round((performance.now() - start) / 1000), ...part });
  if (!values.json) console.log(`${renderPart(parts.at(-1) as Measured)}\n`);
}
const missed = findMissed(parts);
const machine = describeMachine();
if (values.json) console.log(JSON.stringify({ machine, missed, parts }, null, 2));
else
  console.log(
    missed.length === 0 ? 'Every target is met.' : `Missed:\n${missed.map((each) => `- ${each}`).join('\n')}`,
  );
if (values.write) {
  const file = new URL('../docs/performance.md', import.meta.url);
  const [before] = readFileSync(file, 'utf8').split('## Figures\n');
  const verdict =
    missed.length === 0
      ? 'Every target is met.'
      : `**Missed:**\n\n${missed.map((each) => `- ${each}`).join('\n')}`;
  writeFileSync(
    file,
    `${[`${before}## Figures`, `Written by ${'`npm run bench -- --write`'} on ${machine}.`, verdict, ...parts.map(renderPart)].join('\n\n')}\n`,
  );
}
process.exitCode = missed.length === 0 ? 0 : 1;
