import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ApiConfig,
  parseZoneConfig,
  type RouteConfig,
  type ZoneConfig,
} from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { AssertionDetail } from '@helseid-zones/protocol/intents';
import { urlBelow } from '@helseid-zones/protocol/url';
import { createApiFetch, createFetch } from './api-fetch.ts';
import { type AwsCaller, type AwsCredentials, createAwsCaller, readAwsConfig } from './aws.ts';
import { type Environment, entryOf, readVariable } from './environment.ts';
import type { Fetch } from './http.ts';
import { remoteCalls, TOKENS_TIMEOUT } from './invoke.ts';
import { createLog, type Log } from './log.ts';
import { machineTokens } from './machine-token.ts';
import { createNonceStore } from './nonces.ts';
import { type RouteAnswer, type RouteEvent, serveRoutes } from './route.ts';
import type {
  AnySystem,
  ApiNames,
  Clients,
  ClientsOf,
  NeedsClient,
  Registered,
  ZoneNames,
} from './system.ts';
import type { TokenClient } from './token-client.ts';
import type { ApiFetch } from './tokens.ts';
import { createZoneClients } from './zone-clients.ts';

export type { AnySystem, Register } from './system.ts';

/** Where a zone is connected from; without any of it, from a deployed function. */
export interface ConnectOptions<Z extends string = string> {
  /** The zone that the code is for: narrows the names that it may use, and is held against what the deploy gave. */
  zone?: Z;
  /** The file that a deploy writes beside each function (default `config.json` in `LAMBDA_TASK_ROOT`). */
  config?: string | URL;
  /** Default: `process.env`. Reads `AWS_REGION`, `SIGNERS` and, without `credentials`, the keys that Lambda sets. */
  env?: Environment;
  /** Asked at each call of AWS: what `fromNodeProviderChain()` of the AWS SDK gives, for a caller that is no Lambda function. */
  credentials?: AwsCredentials;
}

/** What tokens for an API are asked for. */
export interface ApiOptions<Client extends string = string> {
  /** Which client calls it: needed where the zone has grants of several for it. */
  client?: Client;
  /**
   * The organisation on whose behalf it is called, by its number: the child of a single-tenant client, the parent of a
   * multi-tenant one, which may name a child too.
   */
  organization?: string | { parent: string; child?: string };
  /** Other details of the assertion; the grant says which may be asked for. */
  details?: readonly AssertionDetail[];
}

type NamedClient<S extends AnySystem, Z extends keyof S['zones'], A extends string> =
  NeedsClient<S, Z, A> extends false
    ? [options?: ApiOptions<ClientsOf<S, Z, A>>]
    : [options: ApiOptions<ClientsOf<S, Z, A>> & { client: ClientsOf<S, Z, A> }];

/**
 * Requests that were sent, answered or not, and what came of them. Behind a tokens function, whose own business signatures and the
 * issuer are, only its invocations and the round trips to APIs.
 */
export interface Spent {
  /** Signatures that signers made. */
  signatures: number;
  /** Invocations of signers or of the tokens function. */
  invocations: number;
  /** Requests to issuers, those for metadata and keys among them, and to APIs. */
  roundTrips: number;
}

/** A zone, as a function in it has it. */
export interface Zone<S extends AnySystem = AnySystem, Z extends ZoneNames<S> = ZoneNames<S>> {
  readonly system: string;
  readonly name: string;
  /** The declared routes that lead to this function. */
  readonly routes: readonly RouteConfig[];
  /** Of clients whose keys this function keeps: `openClientKeys` of `@helseid-zones/client/custody` opens them. What it asks for is not in `spent`. */
  readonly clientKeys: NonNullable<ZoneConfig['clientKeys']>;
  readonly aws: AwsCaller;
  readonly log: Log;
  /** What this execution environment has asked for since it started, for a line of the log or an answer while one looks for a cause. */
  readonly spent: Readonly<Spent>;
  /** A variable that the deploy sets, such as a table's name. @throws {ZonesError} config_invalid: it is missing */
  variable(name: string): string;
  /** @throws {ZonesError} config_invalid: the zone has no grant for such a client */
  client(name: Clients<S, Z>): TokenClient;
  /**
   * `fetch` for a declared API, with token and proof: {@link createApiFetch}. Takes a path below the API's base URL, or a
   * whole URL below it; any other is `request_malformed`.
   *
   * @throws {ZonesError} config_invalid: the zone has no grant for it, or of several clients and none is named
   */
  api<A extends ApiNames<S, Z>>(name: A, ...options: NamedClient<S, Z, A>): ApiFetch;
  /** A handler for this function's routes: {@link serveRoutes}. */
  route(answer: (event: RouteEvent) => unknown): (event: RouteEvent) => Promise<RouteAnswer>;
}

/** What to do about a variable that a function of one's own asks for. */
const UNDECLARED =
  'declare in zones.ts what it is of, and deploy, or in a unit test give it to startTestZone, as variables';

/**
 * Connects a function to its zone: reads what the deploy gave it, once, and sends nothing yet. Names complete, and wrong ones
 * are errors, where `zones.ts` registers its declaration ({@link Register}).
 *
 * @throws {ZonesError} config_invalid: naming what is missing
 *
 * @example
 * ```ts
 * import { connectZone } from '@helseid-zones/client';
 *
 * const zone = connectZone();
 * const prescriptions = zone.api('prescriptions', { organization: '974760673' });
 * export const handler = async () => (await prescriptions('/v1/prescriptions/17')).json();
 * ```
 */
export function connectZone<S extends AnySystem = Registered, Z extends ZoneNames<S> = ZoneNames<S>>(
  options: ConnectOptions<Z> = {},
): Zone<S, Z> {
  const { env = process.env, credentials } = options;
  const config = parseZoneConfig(readText(options.config, env));
  if (options.zone !== undefined && options.zone !== config.zone)
    throw invalid(
      `This is the code of the zone ${options.zone}, deployed in ${config.zone}; move its function.`,
    );
  const awsConfig = readAwsConfig(env, credentials);
  const aws = createAwsCaller(awsConfig);
  const log = createLog({ service: config.system, zone: config.zone, env });
  const asks = config.tokens === 'function';
  const spent: Spent = { signatures: 0, invocations: 0, roundTrips: 0 };
  const counted =
    (what: 'invocations' | 'roundTrips'): Fetch =>
    (url, init) => {
      spent[what] += 1;
      return fetch(url, init);
    };
  const transport = { fetch: counted('roundTrips'), timeout: 10_000, nonces: createNonceStore() };
  const askSigners = createAwsCaller(awsConfig, { fetch: counted('invocations') });
  const askTokens = createAwsCaller(awsConfig, { fetch: counted('invocations'), timeout: TOKENS_TIMEOUT });
  const clients = createZoneClients(config, { env, log, spent, aws: askSigners, fetch: transport.fetch });

  function client(name: string): TokenClient {
    if (!asks) return clients(name);
    throw invalid(
      `The zone ${config.zone} has its tokens from a function, and no other code of it has anything signed: call APIs by zone.api, or write tokens: 'own' in zones.ts.`,
    );
  }

  function api(name: string, options: ApiOptions = {}): ApiFetch {
    const remedy = `give the zone ${config.zone} a grant for the API ${name} in zones.ts`;
    const declared = entryOf(config.apis, name, 'config.json: apis', remedy);
    const chosen = chooseClient(name, declared, options.client);
    const { tenancy } = entryOf(config.clients, chosen, 'config.json: clients');
    const details = describeDetails(tenancy, options);
    if (!asks) return createApiCall(client(chosen), declared, details);
    const tokens = { aws: askTokens, functionArn: readVariable(env, 'TOKENS_FUNCTION') };
    const request = { api: name, client: chosen, ...(details ? { details } : {}) };
    return limitToApi(createFetch(transport, remoteCalls(tokens, request)), declared);
  }

  return {
    system: config.system,
    name: config.zone,
    routes: config.routes,
    aws,
    log,
    spent,
    client,
    api,
    variable: (name) => readVariable(env, name, UNDECLARED),
    clientKeys: config.clientKeys ?? {},
    route: (answer) => serveRoutes(config.routes, log.audit, answer),
  };
}

/** {@link createApiFetch} with machine tokens for one declared API, which takes paths below its base URL. */
export function createApiCall(
  client: TokenClient,
  { baseUrl, scopes, resource }: Pick<ApiConfig, 'baseUrl' | 'scopes' | 'resource'>,
  details?: readonly AssertionDetail[],
): ApiFetch {
  const call = createApiFetch(client, machineTokens(client, { scopes, resource, details }));
  return limitToApi(call, { baseUrl });
}

function limitToApi(call: ApiFetch, { baseUrl }: Pick<ApiConfig, 'baseUrl'>): ApiFetch {
  return async (input, init) => {
    const url = urlBelow(baseUrl, String(input));
    if (url) return call(url, init);
    const message = `An API is called by a path that begins with a slash, or by a URL below ${baseUrl}.`;
    throw new ZonesError('request_malformed', message);
  };
}

function readText(config: string | URL | undefined, env: Environment): string {
  const { LAMBDA_TASK_ROOT: folder } = env;
  const file = config ?? (folder && join(folder, 'config.json'));
  if (!file)
    throw invalid(
      "This is no Lambda function (LAMBDA_TASK_ROOT is not set): say where the zone's config.json is, connectZone({ config }), or in a unit test call startTestZone first.",
    );
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalid(
      "The zone's config.json can't be read; deploy once more, or say where it is: connectZone({ config }).",
      cause,
    );
  }
}

function chooseClient(api: string, { clients }: ApiConfig, named: string | undefined): string {
  const [only = '', ...others] = clients;
  if (named === undefined && others.length === 0) return only;
  if (named !== undefined && clients.includes(named)) return named;
  const choose = `zone.api('${api}', { client }) with one of: ${clients.join(', ')}`;
  if (named === undefined) throw invalid(`Several clients may call the API ${api}; write ${choose}.`);
  throw invalid(`The client ${named} has no grant for the API ${api} in this zone; write ${choose}.`);
}

/** The organisation goes first; the signer checks numbers and grant. */
function describeDetails(tenancy: 'single-tenant' | 'multi-tenant', options: ApiOptions) {
  const { organization, details = [] } = options;
  const named = typeof organization === 'string' && tenancy === 'single-tenant' ? 'child' : 'parent';
  const members = typeof organization === 'object' ? organization : { [named]: organization };
  const own = organization === undefined ? [] : [{ type: 'helseid_authorization' as const, ...members }];
  const all = [...own, ...details];
  return all.length === 0 ? undefined : all;
}

const invalid = (message: string, cause?: unknown) => new ZonesError('config_invalid', message, { cause });
