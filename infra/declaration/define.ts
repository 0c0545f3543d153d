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
  const lines = problems.map(({ field, message }) => `  ${field || 'the whole'} ${message}`);
  throw new ZonesError('declaration_invalid', `The declaration is not right:\n${lines.join('\n')}`, {
    facts: { problems: problems.length, field: problems[0]?.field ?? '' },
  });
}

/** Everything that is wrong with a declaration; what its fields mean together is looked at once all have the right types. */
export const findProblems = (declaration: unknown): Problem[] => read(declaration).problems;

function read(declaration: unknown): { system?: SystemDeclaration; problems: Problem[] } {
  const parsed = v.safeParse(systemSchema, declaration);
  if (!parsed.success) {
    const problems = parsed.issues.map(describeIssue);
    // Without fields that are none, and with values that are not right, it still is of the form that checks are written for.
    const isOfForm = parsed.issues.every((issue) => issue.kind === 'validation' || isNoField(issue));
    const meant = isOfForm ? findMeant(parsed.output as SystemDeclaration, problems) : [];
    return { problems: [...problems, ...meant] };
  }
  const lost = findLost(declaration, parsed.output, '');
  if (lost.length > 0) return { problems: lost };
  return { system: parsed.output, problems: findMeant(parsed.output, []) };
}

/** What is wrong besides these `known` problems of single fields: a check that can't judge for one, or for what another finds, judges when it is mended. */
function findMeant(system: SystemDeclaration, known: readonly Problem[]): Problem[] {
  const fields = new Set(known.map(({ field }) => field));
  const failures: unknown[] = [];
  const found = CHECKS.flatMap((check) => {
    try {
      return check(system).filter(({ field }) => !fields.has(field));
    } catch (error) {
      failures.push(error);
      return [];
    }
  });
  if (failures.length > 0 && found.length + known.length === 0) throw failures[0];
  return found;
}

const isNoField = ({ kind, expected }: Pick<v.BaseIssue<unknown>, 'kind' | 'expected'>): boolean =>
  kind === 'schema' && expected === 'never';

function describeIssue({ kind, expected, received, message, path: given }: v.BaseIssue<unknown>): Problem {
  const path = given ?? [];
  const field = path.reduce((above, { key }) => below(above, key), '');
  if (isNoField({ kind, expected }))
    return {
      field,
      message: `is not a field of the declaration; fields here are ${fieldsAt(path.slice(0, -1)).join(', ')}`,
    };
  // Where a key is not there, valibot expects its name.
  if (received === 'undefined' && expected === JSON.stringify(path.at(-1)?.key))
    return { field, message: 'is missing' };
  return { field, message: message.replace(/^Invalid \w+: Expected/, 'is not right: expected') };
}

/** What of valibot's schemas leads from a declaration to its fields. */
interface Shape {
  entries?: Readonly<Record<string, Shape>>;
  value?: Shape;
  item?: Shape;
  wrapped?: Shape;
  getter?: (given: unknown) => Shape;
}

/** Names of the fields that the schema has at a place. */
function fieldsAt(path: readonly { key: unknown; value: unknown }[]): string[] {
  const end = path.reduce<Shape | undefined>(
    (at, { key, value }) => bare(at?.entries?.[String(key)] ?? at?.value ?? at?.item, value),
    systemSchema as Shape,
  );
  return Object.keys(end?.entries ?? {});
}

/** Without what makes it optional, or chooses it by what is given. */
function bare(shape: Shape | undefined, given: unknown): Shape | undefined {
  const within = shape?.wrapped ?? shape?.getter?.(given);
  return within ? bare(within, given) : shape;
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

// What an editor knows of a declaration beside SystemInput: the names that are declared in it, and that a field which is none is a
// mistake, though TypeScript lets an inferred type have more fields.

declare global {
  /** Folders of functions, by name, where a command has written down which there are (`.build/functions.d.ts`). */
  interface HelseidZonesFunctions {}
}

/** One that was made since is none of them, and no mistake. */
type Folder = keyof HelseidZonesFunctions | (string & {});

/** Entries by folder, with those to choose from. */
type ByFolder<T> = T extends object ? T & { readonly [F in keyof HelseidZonesFunctions]?: T[keyof T] } : T;

/** `T` with the declared names to choose from where one is written. Any text may stand there: {@link Checked} judges it. */
type Naming<T, Client extends string, Api extends string> = T extends readonly (infer Each)[]
  ? readonly Naming<Each, Client, Api>[]
  : T extends object
    ? {
        readonly [K in keyof T]: K extends 'client'
          ? Client | (string & {})
          : K extends 'api'
            ? Api | (string & {})
            : K extends 'function' | 'of'
              ? Folder
              : K extends 'functions'
                ? ByFolder<Naming<T[K], Client, Api>>
                : Naming<T[K], Client, Api>;
      }
    : T;

/** {@link SystemInput} with the names of clients and APIs, for what may be written in its zones. */
type NamingSystem<Client extends string, Api extends string> = Omit<
  SystemInput,
  'clients' | 'apis' | 'zones'
> & {
  readonly clients: { readonly [C in Client]: SystemInput['clients'][string] };
  readonly apis: { readonly [A in Api]: SystemInput['apis'][string] };
  readonly zones: Naming<SystemInput['zones'], NoInfer<Client>, NoInfer<Api>>;
};

type Keys<T> = T extends unknown ? keyof T : never;
type Item<T> = T extends readonly (infer Each)[] ? Each : never;
type Value<T, K> = T extends unknown ? (K extends keyof T ? T[K] : never) : never;

/** A name that is written out must be declared; of a text that is only known when it runs, `defineSystem` judges. */
type Named<Written, Declared> = string extends Written
  ? Written
  : Written extends Declared
    ? Written
    : { 'is not declared; declared are': Declared };

/** `T` where fields are those of `Shape` and names are declared ones; else a type that says what would be right. */
type Checked<T, Client, Api, Shape = SystemInput> = T extends readonly unknown[]
  ? number extends T['length']
    ? readonly Checked<T[number], Client, Api, Item<Shape>>[]
    : { readonly [I in keyof T]: Checked<T[I], Client, Api, Item<Shape>> }
  : T extends object
    ? {
        readonly [K in keyof T]: K extends 'client'
          ? Named<T[K], Client>
          : K extends 'api'
            ? Named<T[K], Api>
            : K extends Keys<Shape>
              ? Checked<T[K], Client, Api, Value<Shape, K>>
              : { 'is not a field here; fields are': Keys<Shape> };
      }
    : T;
