import { isHelseId } from '../fields.ts';
import { type Problem, problemsOf } from '../problem.ts';
import type { SystemDeclaration } from '../schema.ts';

/** HelseID refuses assertions that live longer, seconds (SK2, docs/requirements.md); for others it is our own limit. */
const LIFETIME = { helseid: 10, others: 60 };

/** Each client is a registration of its own, whose assertions live as long as its issuer takes. */
export function checkClients(system: SystemDeclaration): Problem[] {
  const clients = Object.entries(system.clients);
  const each = clients.flatMap(([name, { clientId, issuer, profile }], index) => {
    const [most, whose] = isHelseId(issuer) ? [LIFETIME.helseid, ' for HelseID'] : [LIFETIME.others, ''];
    const isTwin = ([, one]: (typeof clients)[number]) => one.clientId === clientId && one.issuer === issuer;
    const twin = clients.slice(0, index).find(isTwin)?.[0];
    return problemsOf({
      [`clients.${name}.profile.assertionLifetime`]:
        profile.assertionLifetime > most && `must be at most ${most} seconds${whose}`,
      [`clients.${name}.clientId`]:
        twin && `is the registration of clients.${twin}; each client needs one of its own, or use that one`,
    });
  });
  return [...problemsOf({ clients: clients.length === 0 && 'must declare at least one client' }), ...each];
}

/**
 * Keys are registered at the self-service API, so only the admin zone reaches it (I3a): no zone may call its host, on any port
 * (a firewall tells names apart, not ports), and none asks for a token that it takes.
 */
export function checkSelfService({ clients, apis, zones }: SystemDeclaration): Problem[] {
  const all = Object.entries(clients);
  const services = all.flatMap(([, { selfService }]) => selfService ?? []);
  const isPlace = (url: string) => services.some(({ baseUrl }) => placeOf(baseUrl) === placeOf(url));
  const asked = (what: 'audience' | 'scope', value: string | undefined) =>
    services.some((service) => service[what] === value) &&
    `is the self-service API's ${what}, for registering keys; only the admin zone asks for it (I3a), by itself: leave it out`;
  const ofScopes = (field: string, scopes: readonly string[] = []) =>
    scopes.flatMap((scope, index) => problemsOf({ [`${field}[${index}]`]: asked('scope', scope) }));
  return [
    ...all.flatMap(([name, { selfService }]) => {
      const place = selfService && placeOf(selfService.baseUrl);
      const near = all.find(([, { issuer }]) => placeOf(issuer) === place)?.[0];
      return problemsOf({
        [`clients.${name}.selfService.baseUrl`]:
          near &&
          `lies at the host of clients.${near}.issuer, which every zone calls and has proofs for; only the admin zone reaches it (I3a): give the self-service API's own host, or leave selfService out where the issuer has none`,
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
    ...Object.entries(zones).flatMap(([name, { gateway }]) =>
      ofScopes(`zones.${name}.gateway.login.scopes`, gateway?.login?.scopes),
    ),
  ];
}

/** What a zone's firewall lets through: a host. Local stand-ins share one and differ by port. */
function placeOf(url: string): string {
  const { hostname, host } = new URL(url);
  return hostname === 'localhost' ? host : hostname;
}
