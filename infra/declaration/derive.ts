import { isIPv4 } from 'node:net';
import type { ApiConfig, ClientConfig, RotationConfig, ZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Grant, GrantedTarget } from '@helseid-zones/protocol/grant';
import { SELF_SERVICE_PATH } from '@helseid-zones/protocol/names';
import { AUTHORIZER_FUNCTION, LOGIN_FUNCTIONS } from './fields.ts';
import { functionOf } from './function-resources.ts';
import { askingFunctions, zoneClients, zoneFunctions } from './names.ts';
import { registrations } from './registrations.ts';
import type { SystemDeclaration, ZoneDeclaration } from './schema.ts';

/**
 * What every signer may sign: one grant a zone and client, in the declaration's order. The admin zone's are derived:
 * assertions without details, proofs for the issuer and for the self-service API's keys.
 * Expects a validated declaration.
 */
export function deriveGrants(system: SystemDeclaration): Grant[] {
  return Object.entries(system.zones).flatMap(([zone, declared]) =>
    zoneClients(system, declared).map((client) => deriveGrant(system, zone, client)),
  );
}

function deriveGrant(system: SystemDeclaration, zone: string, name: string): Grant {
  const declared: ZoneDeclaration = pick(system.zones, zone);
  const { clientId, issuer, tenancy, profile, selfService } = pick(system.clients, name);
  const grant = declared.admin ? undefined : declared.grants.find(({ client }) => client === name);
  const apis = grant?.apis.map(({ api, methods, paths }) =>
    target(pick(system.apis, api).baseUrl, methods, paths),
  );
  const keys = declared.admin && selfService;
  return {
    version: 1,
    system: system.name,
    zone,
    client: name,
    clientId,
    issuer,
    tenancy,
    profile,
    assertions: { details: grant?.details ?? 'none' },
    proofs: [
      issuerTarget(issuer),
      ...(apis ?? []),
      ...(keys ? [target(keys.baseUrl, ['GET', 'POST'], [SELF_SERVICE_PATH])] : []),
    ],
    requestObjects: grant?.requestObjects ?? false,
  };
}

/**
 * HelseID's endpoints come from its metadata (FK2, docs/requirements.md), so any path of the issuer's origin is granted; none of them
 * takes a token.
 */
function issuerTarget(issuer: string): GrantedTarget {
  return { origin: new URL(issuer).origin, methods: ['POST'], paths: ['/*'], ath: false };
}

function target(baseUrl: string, methods: readonly string[], paths: readonly string[]): GrantedTarget {
  const { origin, pathname } = new URL(baseUrl);
  const base = pathname === '/' ? '' : pathname;
  return { origin, methods, paths: paths.map((path) => base + path), ath: true };
}

/**
 * What the declaration says that a function of a zone needs. Expects a validated declaration.
 * @throws {ZonesError} declaration_invalid: the zone has no such function
 */
export function deriveZoneConfig(system: SystemDeclaration, zone: string, functionName: string): ZoneConfig {
  const declared = pick(system.zones, zone);
  const names = zoneFunctions(declared);
  if (!names.includes(functionName))
    throw new ZonesError(
      'declaration_invalid',
      `The zone ${zone} has no function "${functionName}"; declared are: ${names.join(', ')}.`,
    );
  const clients = zoneClients(system, declared).map((name): [string, ClientConfig] => {
    const { clientId, issuer, tenancy, profile } = pick(system.clients, name);
    return [name, { clientId, issuer, tenancy, profile }];
  });
  const { login, authorizer, baseUrl } = declared.gateway ?? {};
  const routes = declared.gateway?.routes.filter((route) => route.function === functionName) ?? [];
  const logsIn = login !== undefined && LOGIN_FUNCTIONS.some((each) => each === functionName);
  const kept = Object.entries(functionOf(declared, functionName)?.clientKeys ?? {}).map(
    ([name, { apis, ...of }]) => [
      name,
      { ...of, apis: Object.fromEntries(apis.map((api) => [api, pick(system.apis, api)])) },
    ],
  );
  const authorizes = authorizer !== undefined && functionName === AUTHORIZER_FUNCTION;
  return {
    version: 1,
    system: system.name,
    zone,
    clients: Object.fromEntries(clients),
    apis: apiConfigs(system, declared),
    ...(askingFunctions(declared, 'tokens').includes(functionName) ? { tokens: 'function' } : {}),
    routes: routes.map(({ function: _, ...route }) => route),
    ...(logsIn ? { login } : {}),
    ...(authorizes ? { authorizer } : {}),
    ...(baseUrl && (logsIn || authorizes) ? { baseUrl } : {}),
    ...(declared.admin ? { rotation: rotationConfigs(system) } : {}),
    ...(kept.length > 0 ? { clientKeys: Object.fromEntries(kept) } : {}),
  };
}

function apiConfigs(system: SystemDeclaration, { grants }: ZoneDeclaration): Record<string, ApiConfig> {
  const calls = grants.flatMap(({ client, apis }) => apis.map(({ api }) => ({ client, api })));
  return Object.fromEntries(
    [...Map.groupBy(calls, ({ api }) => api)].map(([api, callers]) => {
      const clients = callers.map(({ client }) => client);
      return [api, { ...pick(system.apis, api), clients }];
    }),
  );
}

function rotationConfigs(system: SystemDeclaration): Record<string, RotationConfig> {
  return Object.fromEntries(
    Object.entries(system.clients).map(([name, { algorithm, selfService, rotation }]) => [
      name,
      { algorithm, ...(selfService ? { selfService } : {}), ...rotation },
    ]),
  );
}

/** The scopes that a zone asks its issuer for as `client`: those of the APIs it is granted, and of its login. Each once. */
export function zoneScopes(system: SystemDeclaration, zone: string, client: string): string[] {
  const { grants, gateway } = pick(system.zones, zone);
  const apis = grants.filter((grant) => grant.client === client).flatMap((grant) => grant.apis);
  const login = gateway?.login?.client === client ? gateway.login.scopes : [];
  return [...new Set([...apis.flatMap(({ api }) => pick(system.apis, api).scopes), ...login])];
}

/** What a zone calls outside AWS: {@link serviceUrls}, and the hosts of its functions, by https unless an exit's ports say otherwise. */
export function calledUrls(system: SystemDeclaration, zone: string): string[] {
  const hosts = Object.values(pick(system.zones, zone).functions).flatMap((one) => one.hosts);
  return [...serviceUrls(system, zone), ...hosts.map((host) => `https://${host}`)];
}

/** The issuers and APIs that a zone calls; in the admin zone, and for the clients whose keys its functions keep, self-service APIs. */
export function serviceUrls(system: SystemDeclaration, zone: string): string[] {
  const declared: ZoneDeclaration = pick(system.zones, zone);
  const clients = zoneClients(system, declared).map((name) => pick(system.clients, name));
  const kept = registrations(system).filter((one) => one.zone === zone);
  return [
    ...clients.map((client) => client.issuer),
    ...declared.grants.flatMap((grant) => grant.apis.map(({ api }) => pick(system.apis, api).baseUrl)),
    ...(declared.admin ? clients.flatMap((client) => client.selfService?.baseUrl ?? []) : []),
    ...kept.flatMap(({ issuer, selfService, apis }) => [
      issuer,
      selfService?.baseUrl ?? issuer,
      ...apis.map((api) => pick(system.apis, api).baseUrl),
    ]),
  ];
}

/** Host names a zone may open connections to, of {@link calledUrls}. Sorted, without ports. */
export const allowedHosts = (system: SystemDeclaration, zone: string): string[] =>
  [...new Set(calledUrls(system, zone).map((url) => new URL(url).hostname))].sort();

/** Those of {@link allowedHosts} that no exit leads to: with one the zone has a way to the internet. */
export function internetHosts(system: SystemDeclaration, zone: string): string[] {
  const exits = Object.values(pick(system.zones, zone).exits);
  return allowedHosts(system, zone).filter((host) => !exits.some(({ hosts }) => hosts.includes(host)));
}

/** Names that a zone's resolver answers: its hosts, and in place of those behind a proxy, which looks them up itself, the proxy's. */
export function resolvedHosts(system: SystemDeclaration, zone: string): string[] {
  const exits = Object.values(pick(system.zones, zone).exits);
  const byProxy = exits.flatMap(({ hosts, proxy }) => (proxy ? hosts : []));
  const proxies = exits.flatMap(({ proxy }) => (proxy ? [new URL(proxy.url).hostname] : []));
  const hosts = allowedHosts(system, zone).filter((host) => !byProxy.includes(host));
  return [...hosts, ...proxies.filter((host) => !isIPv4(host))].sort();
}

/** Where a function's bundle holds the authority of its zone's proxy. */
export const PROXY_CA = 'proxy-ca.pem';

/** The proxy that functions of a zone go through: variables that Node itself reads for `fetch`, and the authority's certificates. */
export function zoneProxy(system: SystemDeclaration, zone: string) {
  const exit = Object.values(pick(system.zones, zone).exits).find(({ proxy }) => proxy);
  const { url = '', ca } = exit?.proxy ?? {};
  const direct = allowedHosts(system, zone).filter((host) => !exit?.hosts.includes(host));
  const trust: Record<string, string> = ca ? { NODE_EXTRA_CA_CERTS: `/var/task/${PROXY_CA}` } : {};
  // AWS is called through the zone's own endpoints.
  const own = { HTTPS_PROXY: url, NO_PROXY: [...direct, '.amazonaws.com', 'localhost', '127.0.0.1'].join() };
  return { ca, variables: exit ? { ...trust, ...own, NODE_USE_ENV_PROXY: '1' } : {} };
}

/** The entry of a validated declaration; a missing one is a bug of the caller, or a declaration that skipped `defineSystem`. */
function pick<T>(record: Readonly<Record<string, T>>, name: string): T {
  const found = record[name];
  if (found === undefined || !Object.hasOwn(record, name))
    throw new ZonesError(
      'declaration_invalid',
      `The declaration has no "${name}"; pass it through defineSystem first.`,
    );
  return found;
}
