import { sharingProblem } from '@helseid-zones/protocol/custody';
import { isHelseId } from '../fields.ts';
import { type Problem, problemsOf, undeclared } from '../problem.ts';
import { type Registration, registrations } from '../registrations.ts';
import type { SystemDeclaration } from '../schema.ts';

/** HelseID refuses assertions that live longer, seconds (SK2, docs/requirements.md); for others it is our own limit. */
const LIFETIME = { helseid: 10, others: 60 };

/** Each client is a registration of its own, in one place, whose assertions live as long as its issuer takes. */
export function checkClients(system: SystemDeclaration): Problem[] {
  const clients = registrations(system);
  const each = clients.flatMap((one, index) => {
    const { field, name, clientId, issuer, profile, apis } = one;
    const [most, whose] = isHelseId(issuer) ? [LIFETIME.helseid, ' for HelseID'] : [LIFETIME.others, ''];
    const earlier = clients.slice(0, index);
    const twin = earlier.find((other) => sameId(other.clientId, clientId) && other.issuer === issuer);
    const namesake = earlier.find((other) => other.name === name);
    return [
      ...problemsOf({
        [`${field}.profile.assertionLifetime`]:
          profile.assertionLifetime > most && `must be at most ${most} seconds${whose}`,
        [`${field}.clientId`]:
          twin &&
          `is the registration of ${twin.field}; each client needs one of its own${one.zone || twin.zone ? '' : ', or use that one'}${sharing(system, one, twin)}`,
        [field]:
          namesake &&
          `has the name of ${namesake.field}: choose another, for another registration${sharing(system, one, namesake)}`,
      }),
      ...apis.flatMap((api, at) =>
        problemsOf({ [`${field}.apis[${at}]`]: undeclared(api, 'API', system.apis) }),
      ),
    ];
  });
  const none = Object.keys(system.clients).length === 0;
  return [...problemsOf({ clients: none && 'must declare at least one client' }), ...each];
}

/** HelseID's are GUIDs, which may be written in capitals, in braces or without hyphens, and are one registration all the same. */
function sameId(...ids: [string, string]): boolean {
  const [one, other] = ids.map((id) => {
    const digits = id.replace(/[{}()-]/g, '').toLowerCase();
    return /^[0-9a-f]{32}$/.test(digits) ? digits : id;
  });
  return one === other;
}

/** What the guideline has against a client whose keys a function keeps, and which is `other` too, that another zone uses. */
function sharing({ zones }: SystemDeclaration, { zone }: Registration, other: Registration): string {
  const granted = Object.keys(zones).filter((name) =>
    zones[name]?.grants.some(({ client }) => client === other.name),
  );
  if (zone === undefined) return '';
  const users = new Set([...(other.zone ? [other.zone] : granted), zone]);
  const problem = sharingProblem('secretsmanager:', [...users]);
  return problem ? `. A key kept here ${problem}` : '';
}

/**
 * Keys are registered at the self-service API, so only the admin zone reaches it, and a zone that keeps a client's keys and has
 * nothing signed for another with a self-service API (I3a): else no zone may call its host, on any port (a firewall tells names
 * apart, not ports), and none asks for a token that it takes.
 */
export function checkSelfService({ clients, apis, zones }: SystemDeclaration): Problem[] {
  const all = registrations({ clients, zones });
  const services = all.flatMap(({ selfService }) => selfService ?? []);
  const isPlace = (url: string) => services.some(({ baseUrl }) => placeOf(baseUrl) === placeOf(url));
  const asked = (what: 'audience' | 'scope', value: string | undefined) =>
    services.some((service) => service[what] === value) &&
    `is the self-service API's ${what}, for registering keys; only the admin zone asks for it (I3a), by itself: leave it out`;
  const ofScopes = (field: string, scopes: readonly string[] = []) =>
    scopes.flatMap((scope, index) => problemsOf({ [`${field}[${index}]`]: asked('scope', scope) }));
  const ofHost = (field: string, url: string) =>
    problemsOf({
      [field]:
        isPlace(url) &&
        'is the self-service API, where keys are registered; only the admin zone reaches it (I3a), and a function for its own clientKeys, by itself: leave it out',
    });
  return [
    ...all.flatMap(({ field, zone = '', selfService }) => {
      const place = selfService && placeOf(selfService.baseUrl);
      const near = all.find(({ issuer }) => placeOf(issuer) === place)?.field;
      const other = zones[zone]?.grants.find(({ client }) => clients[client]?.selfService)?.client;
      return problemsOf({
        [field]:
          other &&
          `is in a zone with a grant for ${other}, whose assertions buy tokens for registering keys, and the zone would reach where they are taken (I3a): keep these keys in a zone of their own`,
        [`${field}.selfService.baseUrl`]:
          near &&
          `lies at the host of ${near}.issuer, which every zone calls and has proofs for; only the admin zone reaches it (I3a): give the self-service API's own host, or leave selfService out where the issuer has none`,
      });
    }),
    ...Object.entries(apis).flatMap(([name, { baseUrl, audience, resource, scopes }]) => [
      ...problemsOf({
        [`apis.${name}.baseUrl`]:
          isPlace(baseUrl) &&
          'lies at the self-service API, where keys are registered; only the admin zone reaches its host, on any port (I3a): leave it out',
        [`apis.${name}.audience`]: asked('audience', audience),
        [`apis.${name}.resource`]: asked('audience', resource),
      }),
      ...ofScopes(`apis.${name}.scopes`, scopes),
    ]),
    ...Object.entries(zones).flatMap(([name, { gateway, functions, exits }]) => [
      ...ofScopes(`zones.${name}.gateway.login.scopes`, gateway?.login?.scopes),
      ...Object.entries(functions).flatMap(([owner, { hosts }]) =>
        hosts.flatMap((host, at) =>
          ofHost(`zones.${name}.functions.${owner}.hosts[${at}]`, `https://${host}`),
        ),
      ),
      ...Object.entries(exits).flatMap(([exit, { proxy }]) =>
        proxy ? ofHost(`zones.${name}.exits.${exit}.proxy.url`, proxy.url) : [],
      ),
    ]),
  ];
}

/** What a zone's firewall lets through: a host. Local stand-ins share one and differ by port. */
function placeOf(url: string): string {
  const { hostname, host } = new URL(url);
  return hostname === 'localhost' ? host : hostname;
}
