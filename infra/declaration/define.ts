import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { checkClients, checkSelfService } from './checks/clients.ts';
import { checkEntries } from './checks/entries.ts';
import { checkFunctions } from './checks/functions.ts';
import { checkGrants } from './checks/grants.ts';
import { checkNames } from './checks/names.ts';
import { checkExits, checkNetworks } from './checks/networks.ts';
import type { Problem } from './problem.ts';
import { type SystemDeclaration, type SystemInput, systemSchema } from './schema.ts';
import type { Checked, NamingSystem } from './typed.ts';

const CHECKS: readonly ((system: SystemDeclaration) => Problem[])[] = [
  checkNames,
  checkClients,
  checkSelfService,
  checkNetworks,
  checkExits,
  checkEntries,
  checkFunctions,
  checkGrants,
];

/** A declaration with its defaults, which knows the names and values that were written. */
export type Defined<T extends SystemInput> = SystemDeclaration & {
  readonly [K in 'clients' | 'apis' | 'zones']: {
    readonly [N in keyof T[K]]: T[K][N] & SystemDeclaration[K][string];
  };
};

/**
 * Checks a declaration and fills in its defaults. Does not look at AWS: whether accounts, quotas and names are free, or functions'
 * folders exist.
 * @throws {ZonesError} declaration_invalid: lists every field that is wrong, one a line, and what would be right
 */
export function defineSystem<
  const Client extends string,
  const Api extends string,
  const T extends NamingSystem<Client, Api>,
>(declaration: T & NamingSystem<Client, Api> & Checked<T, Client, Api>): Defined<T> {
  const { system, problems } = read(declaration);
  if (system && problems.length === 0) return system as Defined<T>;
  const lines = problems.map(({ field, message }) => `  ${field} ${message}`);
  throw new ZonesError('declaration_invalid', `The declaration is not right:\n${lines.join('\n')}`, {
    facts: { problems: problems.length, field: problems[0]?.field ?? '' },
  });
}

/** Everything that is wrong with a declaration; what its fields mean together is looked at once all have the right form. */
export function findProblems(declaration: unknown): Problem[] {
  return read(declaration).problems;
}

function read(declaration: unknown): { system?: SystemDeclaration; problems: Problem[] } {
  const parsed = v.safeParse(systemSchema, declaration);
  if (!parsed.success) return { problems: parsed.issues.map(describeIssue) };
  const lost = findLost(declaration, parsed.output, '');
  if (lost.length > 0) return { problems: lost };
  return { system: parsed.output, problems: CHECKS.flatMap((check) => check(parsed.output)) };
}

function describeIssue({ kind, expected, received, message, path: given }: v.BaseIssue<unknown>): Problem {
  const path = given ?? [];
  const field = path.reduce((above, { key }) => below(above, key), '');
  if (kind === 'schema' && expected === 'never')
    return {
      field,
      message: 'is not a field of the declaration; check its spelling against infra/declaration/schema.ts',
    };
  // Where a key is not there, valibot expects its name.
  if (received === 'undefined' && expected === JSON.stringify(path.at(-1)?.key))
    return { field, message: 'is missing' };
  return { field, message: message.replace(/^Invalid \w+: Expected/, 'is not right: expected') };
}

/**
 * What the schema never looked at: `v.record` leaves `__proto__`, `prototype` and `constructor` out, so whatever stands below
 * such a name would be in the declaration unread.
 */
function findLost(given: unknown, output: unknown, field: string): Problem[] {
  if (typeof given !== 'object' || given === null) return [];
  const kept = new Map(Object.entries(output ?? {}));
  return Object.entries(given).flatMap(([key, value]) => {
    const at = below(field, Array.isArray(given) ? Number(key) : key);
    return kept.has(key)
      ? findLost(value, kept.get(key), at)
      : [{ field: at, message: 'has a name that JavaScript keeps for itself: choose another' }];
  });
}

function below(field: string, key: unknown): string {
  if (typeof key === 'number') return `${field}[${key}]`;
  return field === '' ? String(key) : `${field}.${key}`;
}
