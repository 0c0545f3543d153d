import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { readArguments } from '../infra/declaration/options.ts';
import { benchCalls, benchLatency } from './calls.ts';
import { benchCold } from './cold.ts';
import { describe, type Figure, type Scale } from './figures.ts';
import { benchAge, benchOverload } from './overload.ts';
import { benchProof } from './proof.ts';
import { benchSigning } from './signing.ts';

/** What is measured, in the order in which it is reported. */
const PARTS: Readonly<Record<string, readonly [string, (scale: Scale) => Promise<Figure[]>]>> = {
  signing: ['A proof in memory', benchSigning],
  cold: ['Cold starts and memory', benchCold],
  calls: ['What a token and a call take', benchCalls],
  latency: ['Latency', benchLatency],
  overload: ['Overload', benchOverload],
  age: ['Age of a proof', benchAge],
  proof: ['Synth and boundary proof', benchProof],
};

const USAGE = `npm run bench -- [--quick] [--json] [--only PART]… | --write
Parts: ${Object.keys(PARTS).join(', ')}. --write is for the whole (docs/performance.md).`;
const flag = { type: 'boolean', default: false } as const;
const options = {
  quick: flag,
  json: flag,
  write: flag,
  help: flag,
  only: { type: 'string', multiple: true, default: Object.keys(PARTS) },
} as const;
const { values } = readArguments({ options }, (what) => {
  console.error(`${what}.\n${USAGE}`);
  process.exit(1);
});
const isPart = values.write && (values.quick || values.only.length < Object.keys(PARTS).length);
if (values.help || isPart || values.only.some((name) => !Object.hasOwn(PARTS, name))) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 1);
}
const scale: Scale = values.quick ? { rounds: 2, share: 0.1 } : { rounds: 5, share: 1 };
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`;
const parts: { title: string; figures: Figure[] }[] = [];
for (const name of values.only) {
  const [title, measure] = PARTS[name] ?? [];
  if (!title || !measure) continue;
  parts.push({ title, figures: await measure(scale) });
  if (!values.json) console.log(`${render()}\n`);
}
const rows = parts.flatMap(({ title, figures }) => figures.map((figure) => [title, ...describe(figure)]));
const missed = rows
  .filter((cells) => cells.at(-1) === '**missed**')
  .map((cells) => `- ${cells[0]}: ${cells[1]} (${cells[5]})`);
const verdict = missed.length === 0 ? 'Every target is met.' : `**Missed:**\n\n${missed.join('\n')}`;
if (values.quick && missed.length > 0)
  console.error('Of few rounds and a tenth of the calls: look at what was missed without --quick.');
console.log(values.json ? JSON.stringify({ machine, missed, parts }, null, 1) : verdict);
if (values.write) {
  const file = new URL('../docs/performance.md', import.meta.url);
  const [before] = readFileSync(file, 'utf8').split('## Figures\n');
  const said = `Written by \`npm run bench -- --write\` on ${machine}.`;
  const tables = parts.map((_, index) => render(index));
  writeFileSync(file, `${[`${before}## Figures`, said, verdict, ...tables].join('\n\n')}\n`);
}
process.exitCode = missed.length === 0 ? 0 : 1;

/** A part as a Markdown table, which a terminal shows as well. */
function render(index = parts.length - 1): string {
  const { title, figures } = parts[index] ?? { title: '', figures: [] };
  const head = [['What', 'Here', 'Beside', 'Ratio', 'Target', ''], Array(6).fill('---')];
  const lines = [...head, ...figures.map(describe)].map((cells) => `| ${cells.join(' | ')} |`);
  return [`### ${title}`, '', ...lines].join('\n');
}
