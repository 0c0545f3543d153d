import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { matchesPath } from '@helseid-zones/protocol/check-grant';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { required } from '@helseid-zones/protocol/values';
import { zoneScopes } from '../../infra/declaration/derive.ts';
import { type Registration, registrations } from '../../infra/declaration/registrations.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import { startHealthApi } from '../helseid/health-api.ts';
import { startHelseId } from '../helseid/helseid.ts';
import { startSelfService } from '../helseid/self-service.ts';
import type { HelseIdBehaviour, StandInApi, StandInClient, StandInEvent } from '../helseid/types.ts';
import type { StandInPlace } from './declaration.ts';
import type { LocalContext } from './system.ts';

/** The stand-ins that run, by what they have in the local declaration. */
export type StandIns = Awaited<ReturnType<typeof startStandIns>>;

/** A legal entity for single-tenant clients: made up, valid by its check digit. */
const LEGAL_ENTITY = '999977774';

/** Starts an issuer, self-service API and health API for each one that the local declaration names; an API answers from its folder in `answers`. */
export async function startStandIns(
  { declaration: system, places, certificate, state, gatewayUrl, trail }: LocalContext,
  behaviour: Partial<HelseIdBehaviour>,
  answers: string,
) {
  const clients = registrations(system);
  const foreign = makeForeignClients(system);
  const shared = ({ port, path }: StandInPlace, service: string) => ({
    certificate,
    port,
    path,
    stateDir: join(state, 'stand-in', String(port)),
    onEvent: ({ kind, ...facts }: StandInEvent) =>
      trail.add({ kind: 'stand-in', fields: { service, event: kind, ...facts } }),
  });
  async function startAll<T>(kind: StandInPlace['kind'], start: (place: StandInPlace) => Promise<T>) {
    const wanted = places.filter((place) => place.kind === kind);
    const nameOf = ({ name, url }: StandInPlace) => (kind === 'api' ? name : url);
    const started = wanted.map(async (place) => [nameOf(place), await start(place)] as const);
    return new Map(await Promise.all(started));
  }

  const helseIds = await startAll('issuer', (place) => {
    const others = foreign.filter(({ issuer }) => issuer === place.url).map(registerForeign);
    const clients = [...clientsOf(system, place.url, gatewayUrl), ...others];
    return startHelseId({ ...shared(place, 'helseid'), behaviour, clients, apis: apisOf(system, foreign) });
  });
  const issuerOf = (issuer: string | undefined) =>
    required(helseIds.get(issuer ?? '') ?? [...helseIds.values()][0], 'An issuer');
  const selfServices = await startAll('self-service', (place) => {
    const client = clients.find(({ selfService }) => selfService?.baseUrl === place.url);
    const { issuer, keys, registry } = issuerOf(client?.issuer);
    const { audience, scope } = client?.selfService ?? {};
    return startSelfService({ ...shared(place, 'self-service'), registry, issuer, keys, audience, scope });
  });
  const apis = await startAll('api', (place) => {
    const { audience, scopes } = required(system.apis[place.name], place.name);
    const { issuer, keys } = issuerOf(issuerForApi(system, place.name));
    const more = { answers: join(answers, place.name), routeOf: routesOf(system, place) };
    return startHealthApi({ ...shared(place, place.name), ...more, issuer, keys, audience, scopes });
  });
  const all = [...helseIds.values(), ...selfServices.values(), ...apis.values()];
  const close = async () => void (await Promise.all(all.map((server) => server.close())));
  return {
    /** By issuer. */
    helseIds,
    /** By base URL. */
    selfServices,
    /** By name of the API. */
    apis,
    /** Who calls routes with `authorize: 'helseid'`: one a zone that has them. */
    foreign,
    close,
  };
}

/** The issuer's registrations: every client of the declaration, with the scopes of the APIs it is granted. */
function clientsOf(system: SystemDeclaration, issuer: string, gatewayUrl: (zone: string) => string) {
  return registrations(system)
    .filter((client) => client.issuer === issuer)
    .map(({ name, clientId, tenancy, selfService, apis }) => {
      const zones = Object.entries(system.zones);
      const logins = zones.filter(([, zone]) => zone.gateway?.login?.client === name);
      const urls = logins.map(([zone]) => gatewayUrl(zone));
      const scopes = [
        ...zones.flatMap(([zone]) => zoneScopes(system, zone, name)),
        ...apis.flatMap((api) => system.apis[api]?.scopes ?? []),
      ];
      return {
        clientId,
        name,
        tenancy,
        scopes: [...new Set([...scopes, ...(selfService === undefined ? [] : [selfService.scope])])],
        parent: tenancy === 'single-tenant' ? LEGAL_ENTITY : undefined,
        redirectUris: urls.map((url) => `${url}/callback`),
        postLogoutRedirectUris: urls.map((url) => `${url}/logout/callback`),
        backchannelLogoutUri: urls[0] && `${urls[0]}/logout/backchannel`,
      };
    });
}

/** The declared APIs, the self-service APIs, each once, and what foreign clients call. */
function apisOf(system: SystemDeclaration, foreign: readonly ForeignClient[]): StandInApi[] {
  const others = foreign.map(({ demands: { audience, scopes } }) => ({ audience, scopes }));
  const all = registrations(system).flatMap(({ selfService }) => selfService ?? []);
  const byAudience = new Map(all.map(({ audience, scope }) => [audience, { audience, scopes: [scope] }]));
  const another = foreign.length > 0 ? [ANOTHER_API] : [];
  return [...Object.values(system.apis), ...byAudience.values(), ...others, ...another];
}

/** Names a path of an API by the granted one that it matches, for lines that may name no person. */
function routesOf({ zones }: SystemDeclaration, { name, path }: StandInPlace) {
  const granted = Object.values(zones).flatMap(({ grants }) => grants.flatMap(({ apis }) => apis));
  const routes = granted.flatMap(({ api, paths }) =>
    api === name ? paths.map((below) => path + below) : [],
  );
  return (called: string) => routes.find((route) => matchesPath(route, called));
}

function issuerForApi(system: SystemDeclaration, api: string): string | undefined {
  const grants = Object.values(system.zones).flatMap((zone) => zone.grants);
  const grant = grants.find(({ apis }) => apis.some((item) => item.api === api));
  const caller = ({ name, apis }: Registration) => apis.includes(api) || name === grant?.client;
  return registrations(system).find(caller)?.issuer;
}

/** Somebody else's client at the stand-in, whose tokens open a zone's routes with `authorize: 'helseid'`. */
type ForeignClient = ReturnType<typeof makeForeignClients>[number];

/** An API that no zone has: what a token for another audience is for. */
export const ANOTHER_API: StandInApi = {
  audience: 'urn:helseid-zones:another-api',
  scopes: ['urn:helseid-zones:another-api/read'],
};

/** One for each zone with an authorizer, with what that demands. Keys are ES256, made at each start; `npm run call` finds them in `operator.json`. */
export function makeForeignClients(system: SystemDeclaration) {
  return Object.entries(system.zones).flatMap(([zone, { gateway }]) => {
    const demands = gateway?.authorizer;
    const issuer = system.clients[demands?.client ?? '']?.issuer;
    if (demands === undefined || issuer === undefined) return [];
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return [{ zone, issuer, clientId: randomUUID(), privateKey, demands }];
  });
}

/** Its registration, with its public key as registered in the portal. */
function registerForeign({ clientId, zone, privateKey, demands }: ForeignClient): StandInClient {
  const { jwk, thumbprint } = describePublicKey(privateKey, 'ES256');
  return {
    clientId,
    parent: LEGAL_ENTITY,
    tenancy: 'single-tenant',
    name: `a client that calls the ${zone} zone`,
    scopes: [...demands.scopes, ...ANOTHER_API.scopes],
    jwks: { keys: [{ ...jwk, kid: thumbprint, alg: 'ES256' }] },
  };
}
