import { collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../schema.ts';

/**
 * Keys are registered at the self-service API, so only the admin zone reaches it (I3a): no zone may call its host, on any port
 * (a firewall tells names apart, not ports), and none asks for a token that it takes. Expects URLs that can be parsed; those
 * that can't are other checks' matter.
 */
export function checkSelfService(system: SystemDeclaration): Problem[] {
  const clients = Object.entries(system.clients);
  const services = clients.flatMap(([, { selfService }]) => selfService ?? []);
  const places = services.map(({ baseUrl }) => placeOf(baseUrl));
  const scopes = services.map(({ scope }) => scope);
  const audiences = services.map(({ audience }) => audience);
  return collect((unless) => {
    for (const [name, { selfService }] of clients) {
      if (!selfService) continue;
      const neighbour = clients.find(([, { issuer }]) => placeOf(issuer) === placeOf(selfService.baseUrl));
      unless(
        neighbour === undefined,
        `clients.${name}.selfService.baseUrl`,
        `lies at the host of clients.${neighbour?.[0]}.issuer, which every zone calls and has proofs for; only the admin zone reaches it (I3a): give the self-service API's own host, or leave selfService out where the issuer has none`,
      );
    }
    for (const [name, api] of Object.entries(system.apis)) {
      const at = `apis.${name}`;
      unless(
        !places.includes(placeOf(api.baseUrl)),
        `${at}.baseUrl`,
        'lies at the self-service API, where keys are registered; only the admin zone reaches its host, on any port (I3a): leave it out',
      );
      for (const member of ['audience', 'resource'] as const)
        unless(!audiences.some((audience) => audience === api[member]), `${at}.${member}`, asked('audience'));
      for (const [index, scope] of api.scopes.entries())
        unless(!scopes.includes(scope), `${at}.scopes[${index}]`, asked('scope'));
    }
    for (const [name, { gateway }] of Object.entries(system.zones))
      for (const [index, scope] of (gateway?.login?.scopes ?? []).entries())
        unless(!scopes.includes(scope), `zones.${name}.gateway.login.scopes[${index}]`, asked('scope'));
  });
}

function asked(what: string): string {
  return `is the self-service API's ${what}, for registering keys; only the admin zone asks for it (I3a), by itself: leave it out`;
}

/** What a zone's firewall lets through: a host. Local stand-ins share one and differ by port. */
function placeOf(url: string): string | undefined {
  const parsed = URL.parse(url) ?? undefined;
  return parsed?.hostname === 'localhost' ? parsed.host : parsed?.hostname;
}
