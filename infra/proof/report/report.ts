import { escapeControls, escapeStrings, table } from '../../terminal.ts';
import { matrixOf, type Proof } from '../prove.ts';
import { CAPABILITIES } from '../rules/capabilities.ts';
import type { CapabilityRow } from '../rules/capability.ts';
import { RULES } from '../rules/index.ts';
import { CONNECT } from '../rules/reach-rows.ts';
import { type NameIds, nameIds } from './names-in-words.ts';

/** A part of the capability matrix that is shown line by line. */
interface Section {
  title: string;
  actions: readonly string[];
}

/** What is shown line by line: who may sign, ask, administer, reach. All else is summed up by rule. */
const SECTIONS: readonly Section[] = [
  { title: 'Who may sign', actions: ['kms:Sign'] },
  { title: 'Who may ask for signatures', actions: ['lambda:InvokeFunction'] },
  {
    title: 'Who may administer keys',
    actions: ['kms:CreateKey', 'kms:TagResource', 'kms:DisableKey', 'kms:EnableKey'],
  },
  {
    title: 'Who may read and write client records',
    actions: [
      'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
      'secretsmanager:RotateSecret',
    ],
  },
  { title: 'Who may reach what', actions: [CONNECT] },
];

/** The proof for people: matrix, what nobody may do, exceptions, violations, verdict. `width` is in characters. */
export function reportProof(proof: Proof, width: number): string {
  const inWords = nameIds(proof.input);
  const names: NameIds = (text) => escapeControls(inWords(text));
  const matrix = escapeStrings(matrixOf(proof));
  const parts = [
    reportAssumptions(proof),
    reportAdditions(proof, width),
    ...SECTIONS.map((section) => reportSection(section, matrix, names, width)),
    reportNevers(proof, width),
    reportSingles(matrix, names),
    reportExceptions(proof),
    reportViolations(proof, names),
    reportVerdict(proof, matrix.length),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function reportSection(
  { title, actions }: Section,
  matrix: readonly CapabilityRow[],
  names: NameIds,
  width: number,
): string {
  const rows = matrix.filter(({ action }) => actions.includes(action));
  const shown = rows.filter(({ verdict, action }) => verdict !== 'never' || action === CONNECT);
  const lines = merge(shown).map(({ row, principals, actions }) => [
    principals.join(' '),
    `${actions.join(' ')} ${names(row.resource)}`.replace(`${CONNECT} `, ''),
    row.verdict === 'when' ? names(row.when) : row.verdict,
    row.layers.join(', '),
  ]);
  const head = ['who', 'what', 'when', 'held by'];
  const others = rows.filter(({ verdict, allowed }) => verdict === 'never' && !allowed);
  return [heading(title), table([head, ...lines], width), nobodyElse(others)].filter(Boolean).join('\n');
}

/** What the declaration takes for granted; empty where nothing. */
export function reportAssumptions({ assumptions }: Pick<Proof, 'assumptions'>): string {
  if (assumptions.length === 0) return '';
  const lines = escapeStrings(assumptions).map(
    ({ kind, name, field, assumes }) => `  ${kind} ${name} (${field}): ${assumes}.`,
  );
  return [heading('Assumed, since no template shows it'), ...lines].join('\n');
}

/** What is there beside what the declaration yields; empty where nothing is, or where nobody compared. */
function reportAdditions({ input }: Proof, width: number): string {
  const additions = escapeStrings(input.comparison?.additions ?? []);
  if (additions.length === 0) return '';
  const zoneOf = (stack: string) => input.assembly.stacks.find(({ name }) => name === stack)?.zone ?? stack;
  const lines = additions.map(({ resource, type, stack, statements }) => [
    ...[zoneOf(stack), statements ? 'more statements of a role' : type, resource],
  ]);
  return [
    heading('What this system adds to its declaration'),
    table([['where', 'type', 'resource'], ...lines], width),
  ].join('\n');
}

interface Line {
  row: CapabilityRow;
  principals: string[];
  actions: string[];
}

/** Rows that differ in their action only as one, and then those that differ in the role only. */
function merge(rows: readonly CapabilityRow[]): Line[] {
  const lines = rows.map((row) => ({ row, principals: [row.principal], actions: [row.action] }));
  const same = ({ resource, verdict, when, layers }: CapabilityRow) =>
    [resource, verdict, when, layers.join()].join('|');
  const byRole = mergeBy(lines, ({ row, principals }) => `${same(row)}|${principals.join()}`);
  return mergeBy(byRole, ({ row, actions }) => `${same(row)}|${actions.join()}`);
}

function mergeBy(lines: readonly Line[], id: (line: Line) => string): Line[] {
  const merged = new Map<string, Line>();
  for (const line of lines) {
    const known = merged.get(id(line));
    merged.set(id(line), {
      row: line.row,
      principals: [...new Set([...(known?.principals ?? []), ...line.principals])],
      actions: [...new Set([...(known?.actions ?? []), ...line.actions])],
    });
  }
  return [...merged.values()];
}

function nobodyElse(rows: readonly CapabilityRow[]): string {
  if (rows.length === 0) return '';
  const roles = new Set(rows.map(({ principal }) => principal)).size;
  return `  Beyond that never: ${rows.length} questions about ${roles} roles, ${weakest(rows)}.`;
}

/** How few layers hold any of these lines, and which. */
function weakest(rows: readonly CapabilityRow[]): string {
  const fewest = Math.min(...rows.map(({ layers }) => layers.length));
  const which = new Set(
    rows.filter(({ layers }) => layers.length === fewest).map(({ layers }) => layers.join(' and ')),
  );
  return `${fewest} ${fewest === 1 ? 'layer' : 'layers'} or more (at the least ${[...which].slice(0, 3).join('; or ')})`;
}

function reportNevers({ input }: Proof, width: number): string {
  const lines = CAPABILITIES.flatMap((rule): string[][] => {
    const rows = rule.rows(input);
    if (rows.length === 0 || rows.some(({ verdict }) => verdict !== 'never')) return [];
    return [
      [
        rule.title,
        String(new Set(rows.map(({ action }) => action)).size),
        String(rows.length),
        weakest(rows),
      ],
    ];
  });
  return [
    heading('What nobody may do'),
    table([['rule', 'actions', 'questions', 'held by'], ...lines], width),
  ].join('\n');
}

function reportSingles(matrix: readonly CapabilityRow[], names: NameIds): string {
  const reasons = new Map<string, string>();
  for (const { principal, action, resource, alone } of matrix)
    if (alone !== '' && !reasons.has(alone))
      reasons.set(alone, `${principal}, ${action} on ${names(resource)}`);
  if (reasons.size === 0) return '';
  return [
    heading('What one layer holds, and why'),
    ...[...reasons].map(([why, first]) => `  ${why}\n    e.g. ${first}`),
  ].join('\n');
}

/** The declared exceptions and what each excepts this time; empty where none is declared. */
export function reportExceptions({ exceptions }: Proof): string {
  if (exceptions.length === 0) return '';
  const lines = escapeStrings(exceptions).map(
    ({ rule, resource, about, reason, findings }) =>
      `  ${rule} at ${resource}, ${about.join(' ')}: ${reason}\n    ${findings.length === 0 ? 'Excepts nothing any more: remove it.' : `Excepts: ${findings.map(({ message }) => message).join(' ')}`}`,
  );
  return [heading('Exceptions declared in zones.ts'), ...lines].join('\n');
}

function reportViolations({ violations }: Proof, names: NameIds): string {
  if (violations.length === 0) return '';
  const lines = escapeStrings(violations).map(({ rule, invariant, resource, about, message, path, remedy }) =>
    [
      `  ${invariant} ${rule}`,
      `    ${names(message)}`,
      `    at      ${resource}`,
      `    about   ${about.join(' ')}`,
      `    path    ${path.map(names).join(' -> ')}`,
      `    remedy  ${remedy}`,
    ].join('\n'),
  );
  return [heading('Violations'), ...lines].join('\n');
}

function reportVerdict(proof: Proof, questions: number): string {
  const { ok, assumptions, violations, exceptions, input } = proof;
  const scope = `${RULES.length} rules, ${input.actors.length} roles, ${questions} questions`;
  const excepted = exceptions.length === 0 ? '' : `, ${exceptions.length} declared exceptions`;
  const assuming = assumptions.length === 0 ? '' : ` assuming ${assumptions.length} things named above`;
  return ok
    ? `The boundaries of ${input.declaration.name} hold${assuming} (${scope}${excepted}). docs/proof.md says what is left.`
    : `The boundaries of ${input.declaration.name} DO NOT HOLD: ${violations.length} violations (${scope}${excepted}).`;
}

function heading(title: string): string {
  return title.toUpperCase();
}
