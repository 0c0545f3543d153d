import { SESSION_TABLE_ACTIONS } from '@helseid-zones/protocol/login-routes';
import { ownVariable } from '@helseid-zones/protocol/names';
import type { EventRule } from './event-pattern.ts';
import { AUTHORIZER_FUNCTION, TOKENS_FUNCTION } from './fields.ts';
import { ownSecretName, zoneQueueName } from './names.ts';
import type { FunctionDeclaration, ZoneDeclaration } from './schema.ts';

/**
 * What functions have of their own: tables, queues and secrets, each with its name on AWS and its variable.
 * @module
 */

/** A definition of a table, by the function that has it. */
export type OwnTableDeclaration = Extract<FunctionDeclaration['tables'][string], { partitionKey: object }>;

/** What a function has; nothing where the declaration says nothing of it. */
export const functionOf = (zone: ZoneDeclaration, name: string): FunctionDeclaration | undefined =>
  Object.hasOwn(zone.functions, name) ? zone.functions[name] : undefined;

/** Whether a function has a table by another function's declaration. */
export function isShared(
  table: FunctionDeclaration['tables'][string],
): table is Extract<FunctionDeclaration['tables'][string], { of: string }> {
  return typeof table === 'object' && 'of' in table;
}

/**
 * The tables that functions of a zone have: the physical name, whose it is, its keys, or `cdk` where constructs of one's own make it, and
 * who uses it, the owner too.
 */
export function ownTables(system: string, zone: string, { functions }: ZoneDeclaration) {
  const all = Object.entries(functions);
  return all.flatMap(([owner, { tables }]) =>
    Object.entries(tables).flatMap(([table, declared]) => {
      if (isShared(declared)) return [];
      const others = all.flatMap(([name, other]) => {
        const use = other.tables[table];
        return use && isShared(use) && use.of === owner ? [[name, use.access] as const] : [];
      });
      const name = `${system}-${zone}-${owner}-${table}`;
      const variable = ownVariable('table', table);
      const users: ReadonlyMap<string, 'read' | 'all'> = new Map([[owner, 'all'], ...others]);
      return [{ name, owner, table, variable, declared, users }];
    }),
  );
}

/** Which variable carries the name of a table that a zone has by what enters it, by the end of that name. */
const ZONE_TABLES = {
  idempotency: 'IDEMPOTENCY_TABLE',
  sessions: 'SESSION_TABLE',
  replays: 'REPLAY_TABLE',
  tokens: 'TOKEN_TABLE',
} as const;

/** A table of a zone, and what which functions do with it. */
export interface TableUse {
  /** Physical name. */
  name: string;
  /** Id of its construct. */
  id: string;
  /** Which variable carries the name. */
  variable: string;
  /** Function to its DynamoDB actions. */
  actions: Readonly<Record<string, readonly string[]>>;
  /** Of a table that a function has: its keys, or `cdk` where constructs of one's own make it. */
  declared?: OwnTableDeclaration | 'cdk';
}

const dynamo = (action: string) => `dynamodb:${action}`;

/** What a function does with a table that it may read. */
const READ = ['BatchGetItem', 'DescribeTable', 'GetItem', 'Query', 'Scan'].map(dynamo);

/** What a function does with a table that it has. */
const ALL = [
  ...READ,
  ...['BatchWriteItem', 'ConditionCheckItem', 'DeleteItem', 'PutItem', 'UpdateItem'].map(dynamo),
].sort();

/** The tables a zone has: by what enters it, and those of its functions. */
export function zoneTables(system: string, zone: string, declared: ZoneDeclaration): TableUse[] {
  const { events, gateway, tokens } = declared;
  const shipped = (kind: keyof typeof ZONE_TABLES, actions: TableUse['actions'] | false | undefined) => {
    const variable = ZONE_TABLES[kind];
    return actions ? [{ name: `${system}-${zone}-${kind}`, id: `Table-${kind}`, variable, actions }] : [];
  };
  const worked = events && { [events.function]: ['DeleteItem', 'GetItem', 'PutItem'].map(dynamo) };
  const isValidated = gateway?.routes.some((route) => route.authorize === 'helseid');
  const fetched = { [TOKENS_FUNCTION]: ['GetItem', 'UpdateItem'].map(dynamo) };
  return [
    ...shipped('idempotency', worked),
    ...shipped('sessions', gateway?.login && SESSION_TABLE_ACTIONS),
    ...shipped('replays', isValidated && { [AUTHORIZER_FUNCTION]: [dynamo('PutItem')] }),
    ...shipped('tokens', tokens === 'function' && fetched),
    ...ownTables(system, zone, declared).map(({ name, owner, table, variable, users, declared }) => ({
      name,
      id: `Table-${owner}-${table}`,
      variable,
      declared,
      actions: Object.fromEntries([...users].map(([user, access]) => [user, access === 'read' ? READ : ALL])),
    })),
  ];
}

/** A queue of a zone whose messages a function gets. */
export interface ZoneQueue {
  /** Physical name. */
  queue: string;
  deadLetters: string;
  /** Who gets its messages. */
  reader: string;
  /** Of a declared queue: its name in the declaration, and who may send to it. */
  name?: string;
  senders: readonly string[];
  /** Of the queue behind a rule of the zone's bus: the rule's name, and the events. */
  rule?: EventRule;
}

/** The queues of a zone: behind its events, its functions' events, and those that functions send to. */
export function zoneQueues(system: string, zone: string, declared: ZoneDeclaration): ZoneQueue[] {
  const { events, functions } = declared;
  const named = (name: string) => ({
    queue: zoneQueueName(system, zone, name),
    deadLetters: zoneQueueName(system, zone, `${name}-dead`),
  });
  const behindRule = (name: string, reader: string, of: Omit<EventRule, 'name'>) => {
    const { sources, detailTypes, detail } = of;
    const names = named(name);
    const rule = { name: names.queue, sources, detailTypes, ...(detail ? { detail } : {}) };
    return { ...names, reader, senders: [], rule };
  };
  const all = Object.entries(functions);
  const sent = [...new Set(all.flatMap(([, { queues }]) => queues))];
  return [
    ...(events ? [behindRule('events', events.function, events)] : []),
    ...all.flatMap(([name, { events: own }]) => (own ? [behindRule(`${name}-events`, name, own)] : [])),
    ...sent.flatMap((name) =>
      all
        .filter(([, { reads }]) => reads.includes(name))
        .map(([reader]) => ({
          ...named(name),
          name,
          reader,
          senders: all.filter(([, { queues }]) => queues.includes(name)).map(([sender]) => sender),
        })),
    ),
  ];
}

/** Whether events enter a zone, which then has a bus. */
export const hasBus = ({ events, functions }: ZoneDeclaration): boolean =>
  events !== undefined || Object.values(functions).some(({ events: own }) => own !== undefined);

/** The secrets that functions of a zone have: those that one reads, and the keys of clients, which it makes and replaces as well. */
export function ownSecrets(system: string, zone: string, { functions }: Pick<ZoneDeclaration, 'functions'>) {
  return Object.entries(functions).flatMap(([owner, { secrets, clientKeys }]) => {
    const own = (kind: 'secrets' | 'clientKeys', secret: string) => ({
      /** `name` is the physical one, `secret` that of the declaration. */
      kind,
      owner,
      secret,
      name: ownSecretName(system, zone, owner, secret),
      variable: ownVariable(kind === 'secrets' ? 'secret' : 'client-keys', secret),
    });
    return [
      ...secrets.map((name) => own('secrets', name)),
      ...Object.keys(clientKeys).map((name) => own('clientKeys', name)),
    ];
  });
}

/** Whether a function of the zone has secrets. */
export const hasSecrets = (zone: Pick<ZoneDeclaration, 'functions'>): boolean =>
  ownSecrets('', '', zone).length > 0;
