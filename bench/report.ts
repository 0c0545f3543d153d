import { cpus } from 'node:os';
import { type Figure, isMet, type Part, type Spread } from './figures.ts';

/** One measured part of the bench, with its heading. */
export interface Measured extends Part {
  title: string;
  seconds: number;
}

/** Whose figures they are: those of one run compare with each other, not with another machine's. */
export function describeMachine(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}`;
}

/** What is missed, as sentences. */
export function findMissed(parts: readonly Measured[]): string[] {
  return parts.flatMap(({ title, figures }) =>
    figures
      .filter((figure) => isMet(figure) === false)
      .map((figure) => `${title}: ${figure.what} (${sayTarget(figure)})`),
  );
}

/** A part as a Markdown table, which a terminal shows as well. */
export function renderPart({ title, figures, notes = [] }: Measured): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${saySpread(figure.value)} ${figure.unit}`.trim(),
    figure.peer ? `${saySpread(figure.peer.value)} (${figure.peer.name})` : '',
    figure.ratio ? `${saySpread(figure.ratio)}` : '',
    sayTarget(figure),
    { true: 'met', false: '**missed**', undefined: '' }[String(isMet(figure))] ?? '',
  ]);
  const all = [
    ['What', 'Here', 'Beside', 'Of that', 'Target', ''],
    ['---', '---', '---', '---', '---', '---'],
    ...rows,
  ];
  return [
    `### ${title}`,
    '',
    ...all.map((cells) => `| ${cells.join(' | ')} |`),
    ...notes.flatMap((note) => ['', note]),
  ].join('\n');
}

function sayTarget({ target }: Figure): string {
  if (!target) return '';
  const [word, bound] = target.most === undefined ? ['least', target.least] : ['most', target.most];
  return `at ${word} ${bound}`;
}

/** The middle one, and where they differ the lowest and the highest. */
function saySpread({ median, low, high }: Spread): string {
  return low === high ? say(median) : `${say(median)} (${say(low)}–${say(high)})`;
}

/** Three figures that count, never in scientific notation. */
function say(value: number): string {
  if (!Number.isFinite(value)) return 'none';
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
}
