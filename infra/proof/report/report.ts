import { ZonesError } from '@helseid-zones/protocol/errors';
import { escapeStrings, table } from '../../terminal.ts';
import { matrixOf, type Proof } from '../prove.ts';
import { CAPABILITIES } from '../rules/capabilities.ts';
import type { CapabilityRow } from '../rules/capability.ts';
import { CONNECT } from '../rules/reach-rows.ts';
import { wordsOf } from '../rules/rule.ts';
import { type NameIds, nameIds } from './names-in-words.ts';
import { reportSignable } from './signable.ts';
import { heading } from './summary.ts';

/** What is shown line by line: who may sign, ask, administer, reach. All else is summed up by rule. */
const SECTIONS: readonly (readonly [title: string, actions: string])[] = [
  ['Who may sign', 'kms:Sign'],
  ['Who may ask for signatures', 'lambda:InvokeFunction'],
  ['Who may administer keys', 'kms:CreateKey kms:TagResource kms:DisableKey kms:EnableKey'],
  [
    'Who may read and write client records',
    `secretsmanager:GetSecretValue secretsmanager:PutSecretValue secretsmanager:UpdateSecretVersionStage
    secretsmanager:RotateSecret`,
  ],
  ['Who may reach what', CONNECT],
];

/** A part of the matrix: all of it, or what one zone's roles, or one role, may do. */
export interface Part {
  zone?: string | undefined;
  role?: string | undefined;
}

/**
 * Who may do what, for people, and what nobody may do. `width` is in characters.
 * @throws {ZonesError} config_invalid: there is no such zone or role
 */
export function reportMatrix(proof: Pick<Proof, 'input'>, width: number, { zone, role }: Part = {}): string {
  const names = nameIds(proof.input);
  const all = escapeStrings(matrixOf(proof));
  const ofZone = all.filter((row) => (zone ?? row.zone) === row.zone);
  if (ofZone.length === 0) throw absent(`zone ${zone}`, new Set(all.map((row) => row.zone)));
  const matrix = ofZone.filter((row) => (role ?? row.principal) === row.principal);
  const where = zone === undefined ? '' : ` in zone ${zone}`;
  if (matrix.length === 0) throw absent(`${role}${where}`, new Set(ofZone.map((row) => row.principal)));
  const whole = zone === undefined && role === undefined;
  const parts = [
    reportSignable(proof.input, width, { zone, role }),
    ...SECTIONS.map(([title, actions]) => {
      const rows = matrix.filter(({ action }) => wordsOf(actions).includes(action));
      return reportSection(title, rows, names, width);
    }),
    whole ? reportNevers(proof, width) : '',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

const absent = (wanted: string, present: ReadonlySet<string>): ZonesError =>
  new ZonesError('config_invalid', `There is no ${wanted}; there are ${[...present].join(', ')}.`);

function reportSection(title: string, rows: readonly CapabilityRow[], names: NameIds, width: number): string {
  const shown = rows.filter(({ verdict, action }) => verdict !== 'never' || action === CONNECT);
  const lines = merge(shown).map(({ row, principals, actions }) => [
    principals.join(' '),
    `${actions.join(' ')} ${names(row.resource)}`.replace(`${CONNECT} `, ''),
    row.verdict === 'when' ? names(row.when) : row.verdict,
    row.layers.join(', '),
  ]);
  if (lines.length === 0) return '';
  const head = ['who', 'what', 'when', 'held by'];
  const others = rows.filter(({ verdict, allowed }) => verdict === 'never' && !allowed);
  const shape = width < WIDE ? blocks : table;
  return [heading(title), shape([head, ...lines], width), nobodyElse(others, width)]
    .filter(Boolean)
    .join('\n');
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
  return [...Map.groupBy(lines, id).values()].flatMap((same) =>
    same.slice(-1).map(({ row }) => ({
      row,
      principals: [...new Set(same.flatMap(({ principals }) => principals))],
      actions: [...new Set(same.flatMap(({ actions }) => actions))],
    })),
  );
}

/** Columns from which four columns have room for names. */
const WIDE = 110;

/** The same as `table`, each row a block under what is in its first column. */
function blocks([head = [], ...rows]: readonly (readonly string[])[], width: number): string {
  return rows
    .map(([first = '', ...cells]) => {
      const rest = cells.flatMap((cell, at) => (cell === '' ? [] : [[head[at + 1] ?? '', cell]]));
      return `${table([[first]], width)}\n${table(rest, width - 2).replace(/^/gm, '  ')}`;
    })
    .join('\n');
}

function nobodyElse(rows: readonly CapabilityRow[], width: number): string {
  if (rows.length === 0) return '';
  const roles = new Set(rows.map(({ principal }) => principal)).size;
  const text = `Beyond that never: ${rows.length} questions about ${roles} roles, ${weakest(rows)}.`;
  return table([[text]], width);
}

/** How few layers hold any of these lines, and which. */
function weakest(rows: readonly CapabilityRow[]): string {
  const fewest = Math.min(...rows.map(({ layers }) => layers.length));
  const few = rows.filter(({ layers }) => layers.length === fewest);
  const which = [...new Set(few.map(({ layers }) => layers.join(' and ')))].slice(0, 3).join('; or ');
  return `${fewest} ${fewest === 1 ? 'layer' : 'layers'} or more (at the least ${which})`;
}

function reportNevers({ input }: Pick<Proof, 'input'>, width: number): string {
  const lines = CAPABILITIES.flatMap((rule): string[][] => {
    const rows = rule.rows(input);
    if (rows.length === 0 || rows.some(({ verdict }) => verdict !== 'never')) return [];
    const actions = new Set(rows.map(({ action }) => action)).size;
    return [[rule.title, String(actions), String(rows.length), weakest(rows)]];
  });
  const head = ['rule', 'actions', 'questions', 'held by'];
  return `${heading('What nobody may do')}\n${table([head, ...lines], width)}`;
}

/** For each violation and each line of the matrix the request that shows it, of a *never* the nearest: what it shows, and below it JSON. */
export function reportRequests(proof: Proof): string {
  const violations = proof.violations.map(({ message, request }) => ({ what: [message], request }));
  const lines = matrixOf(proof).map(({ principal, action, resource, verdict, when, request }) => ({
    what: [principal, action, resource, verdict, when],
    request,
  }));
  return [...violations, ...lines]
    .map(({ what, request }) => ({ what: what.filter(Boolean).join(' '), found: request?.() }))
    .flatMap(({ what, found }) => (found ? [`  ${what}`, `    ${JSON.stringify(found)}`] : []))
    .join('\n');
}
