import { escapeStrings, table } from '../../terminal.ts';
import { matrixOf, type Proof } from '../prove.ts';
import { RULES } from '../rules/index.ts';
import { counted } from './map/model.ts';
import { type NameIds, nameIds } from './names-in-words.ts';

/** How many violations, and how many additions, the first screen shows one by one. */
const FIRST = { violations: 3, additions: 6 };

/**
 * What to know first, in one screen: whether the boundaries hold, violations, assumptions, additions, exceptions, and what one layer
 * holds. `width` is in characters; `all` shows every violation and addition.
 */
export function reportSummary(proof: Proof, width: number, all = false): string {
  const names = nameIds(proof.input);
  const parts = [
    reportVerdict(proof, width),
    reportViolations(proof, names, width, all ? Infinity : FIRST.violations),
    reportAssumptions(proof, width),
    reportAdditions(proof, width, all ? Infinity : FIRST.additions),
    reportExceptions(proof, width),
    reportSingles(proof, names, width),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function reportVerdict(proof: Proof, width: number): string {
  const { verdict, assumptions, violations, input } = proof;
  const { name } = input.declaration;
  const scope = `${RULES.length} rules, ${input.actors.length} roles, ${matrixOf(proof).length} questions`;
  const words = {
    holds: `The boundaries of ${name} hold (${scope}).`,
    'holds assuming': `The boundaries of ${name} hold assuming ${counted(assumptions.length, 'thing')} that no template shows (${scope}).`,
    violated: `The boundaries of ${name} DO NOT HOLD: ${counted(violations.length, 'violation')} (${scope}).`,
  };
  return table([[words[verdict]]], width + 2).replace(/^ {2}/gm, '');
}

function reportViolations({ violations }: Proof, names: NameIds, width: number, most: number): string {
  if (violations.length === 0) return '';
  const inset = (rows: string[][]) => table(rows, width - 2).replace(/^/gm, '  ');
  const shown = escapeStrings(violations.slice(0, most)).map(
    ({ rule, invariant, resource: at, about, message, path, remedy }) => {
      const facts = { at, about: about.join(' '), path: path.map(names).join(' -> '), remedy };
      const head = table([[`${invariant} ${rule}`]], width);
      return [head, inset([[names(message)]]), inset(Object.entries(facts))].join('\n');
    },
  );
  const rest = Map.groupBy(violations.slice(most), ({ rule }) => rule);
  const counts = [...rest].map(([rule, found]) => `${rule} ${found.length}`).join(', ');
  const more = rest.size === 0 ? [] : [table([[`and by rule (--all shows them): ${counts}`]], width)];
  return [heading('Violations'), ...shown, ...more].join('\n');
}

/** What the declaration takes for granted; empty where nothing. */
export function reportAssumptions({ assumptions }: Pick<Proof, 'assumptions'>, width: number): string {
  const lines = assumptions.map(({ kind, name, assumes }) => [`${kind} ${name}`, `${assumes}.`]);
  return section('Assumed, since no template shows it', lines, width);
}

/** What is there beside what the declaration yields; empty where nothing is, or where nobody compared. */
function reportAdditions({ input }: Proof, width: number, most: number): string {
  const additions = input.comparison?.additions ?? [];
  const zoneOf = (stack: string) => input.assembly.stacks.find(({ name }) => name === stack)?.zone ?? stack;
  const lines = additions
    .slice(0, most)
    .map(({ resource, type, stack, statements }) => [
      zoneOf(stack),
      statements ? 'more statements of a role' : type,
      resource,
    ]);
  const more = additions.length - lines.length;
  if (more > 0) lines.push(['', `and ${more} more`, '--all shows them']);
  return section('What this system adds to its declaration', lines, width);
}

/** The declared exceptions and what each excepts this time; empty where none is declared. */
export function reportExceptions({ exceptions }: Pick<Proof, 'exceptions'>, width: number): string {
  const lines = exceptions.map(({ rule, resource, about, reason, findings }) => [
    `${rule} at ${resource}, ${about.join(' ')}: ${reason} ${
      findings.length === 0
        ? 'Excepts nothing any more: remove it.'
        : `Excepts: ${findings.map(({ message }) => message).join(' ')}`
    }`,
  ]);
  return section('Exceptions declared in zones.ts', lines, width);
}

function reportSingles(proof: Proof, names: NameIds, width: number): string {
  const reasons = new Map<string, string>();
  for (const { principal, action, resource, alone } of matrixOf(proof))
    if (alone !== '' && !reasons.has(alone))
      reasons.set(alone, `${principal}, ${action} on ${names(resource)}`);
  const lines = [...reasons].map(([why, first]) => [`${why} E.g. ${first}.`]);
  return section('What one layer holds, and why', lines, width);
}

/** Lines under a heading; nothing without a line. */
function section(title: string, lines: readonly (readonly string[])[], width: number): string {
  return lines.length === 0 ? '' : `${heading(title)}\n${table(lines, width)}`;
}

/** How headings are written. */
export function heading(title: string): string {
  return title.toUpperCase();
}
