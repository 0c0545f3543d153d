import { join } from 'node:path';
import { zoneScopes } from '../../infra/declaration/derive.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import type { Trail } from '../aws/trail.ts';
import { startHealthApi } from '../helseid/health-api.ts';
import { startHelseId } from '../helseid/helseid.ts';
import { startSelfService } from '../helseid/self-service.ts';
import type {
  HealthApiServer,
  HelseIdBehaviour,
  HelseIdServer,
  SelfServiceServer,
  StandInClient,
  StandInEvent,
} from '../helseid/types.ts';
import type { LocalContext } from './context.ts';
import type { StandInPlace } from './declaration.ts';
import { type ForeignClient, foreignApis, makeForeignClients, registerForeign } from './foreign-client.ts';

/** The stand-ins that run, by what they have in the local declaration. */
export interface StandIns {
  /** By issuer. */
  helseIds: ReadonlyMap<string, HelseIdServer>;
  /** By base URL. */
  selfServices: ReadonlyMap<string, SelfServiceServer>;
  /** By name of the API. */
  apis: ReadonlyMap<string, HealthApiServer>;
  /** Who calls routes with `authorize: 'helseid'`: one a zone that has them. */
  foreign: readonly ForeignClient[];
  close(): Promise<void>;
}

/** A legal entity for single-tenant clients: made up, valid by its check digit. */
const LEGAL_ENTITY = '999977774';

/** Starts an issuer, self-service API and health API for each one that the local declaration names. */
export async function startStandIns(
  { declaration: system, places, ca, state, gatewayUrl, trail }: LocalContext,
  behaviour: Partial<HelseIdBehaviour>,
): Promise<StandIns> {
  const of = (kind: StandInPlace['kind']) => places.filter((place) => place.kind === kind);
  const report = (service: string) => (event: StandInEvent) => note(trail, service, event);
  const shared = ({ port }: StandInPlace) => ({ ca, port, stateDir: join(state, 'stand-in', String(port)) });
  const foreign = makeForeignClients(system);
  const helseIds = await startAll(of('issuer'), (place) =>
    startHelseId({
      ...shared(place),
      path: place.path,
      clients: [
        ...clientsOf(system, place.url, gatewayUrl),
        ...foreign
          .filter(({ issuer }) => issuer === place.url)
          .map((one) => registerForeign(one, LEGAL_ENTITY)),
      ],
      apis: [...Object.values(system.apis), ...selfServiceApis(system), ...foreignApis(foreign)].map(
        ({ audience, scopes, ...api }) => ({
          audience,
          scopes,
          resource: 'resource' in api ? api.resource : undefined,
        }),
      ),
      behaviour,
      onEvent: report('helseid'),
    }),
  );
  const issuerOf = (issuer: string): HelseIdServer => {
    const found = helseIds.get(issuer) ?? [...helseIds.values()][0];
    if (found === undefined) throw new TypeError('a declaration without a client has no issuer');
    return found;
  };
  const selfServices = await startAll(of('self-service'), (place) => {
    const client = Object.values(system.clients).find(
      ({ selfService }) => selfService?.baseUrl === place.url,
    );
    const { issuer, keys, registry } = issuerOf(client?.issuer ?? '');
    const { audience, scope } = client?.selfService ?? {};
    return startSelfService({
      ...shared(place),
      registry,
      issuer,
      keys,
      audience,
      scope,
      onEvent: report('self-service'),
    });
  });
  const apis = new Map<string, HealthApiServer>();
  for (const place of of('api')) {
    const api = system.apis[place.name];
    if (api === undefined) continue;
    const { issuer, keys } = issuerOf(issuerForApi(system, place.name));
    const { audience, scopes } = api;
    const server = await startHealthApi({
      ...shared(place),
      issuer,
      keys,
      audience,
      scopes,
      path: place.path,
      onEvent: report(place.name),
    });
    apis.set(place.name, server);
  }
  return {
    helseIds,
    selfServices,
    apis,
    foreign,
    async close() {
      const all = [...helseIds.values(), ...selfServices.values(), ...apis.values()];
      await Promise.all(all.map((server) => server.close()));
    },
  };
}

async function startAll<T>(
  places: readonly StandInPlace[],
  start: (place: StandInPlace) => Promise<T>,
): Promise<Map<string, T>> {
  return new Map(await Promise.all(places.map(async (place) => [place.url, await start(place)] as const)));
}

/** The issuer's registrations: every client of the declaration, with the scopes of the APIs it is granted. */
function clientsOf(
  system: SystemDeclaration,
  issuer: string,
  gatewayUrl: (zone: string) => string,
): StandInClient[] {
  return Object.entries(system.clients)
    .filter(([, client]) => client.issuer === issuer)
    .map(([name, { clientId, tenancy, selfService }]) => {
      const zones = Object.entries(system.zones);
      const logins = zones.filter(([, zone]) => zone.gateway?.login?.client === name);
      const urls = logins.map(([zone]) => gatewayUrl(zone));
      const scopes = zones.flatMap(([zone]) => zoneScopes(system, zone, name));
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

function selfServiceApis(system: SystemDeclaration) {
  const all = Object.values(system.clients).flatMap(({ selfService }) => selfService ?? []);
  const byAudience = new Map(all.map(({ audience, scope }) => [audience, scope]));
  return [...byAudience].map(([audience, scope]) => ({ audience, scopes: [scope] }));
}

function issuerForApi(system: SystemDeclaration, api: string): string {
  const grants = Object.values(system.zones).flatMap((zone) => zone.grants);
  const grant = grants.find((candidate) => candidate.apis.some((item) => item.api === api));
  return system.clients[grant?.client ?? '']?.issuer ?? '';
}

function note(trail: Trail, service: string, { at: _, kind, ...facts }: StandInEvent): void {
  trail.add({ kind: 'stand-in', fields: { service, event: kind, ...facts } });
}
