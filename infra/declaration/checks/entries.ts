import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import { ADMIN_FUNCTIONS, AUTHORIZER_FUNCTION, HYPHENATED_NAME_PATTERN, LOGIN_FUNCTIONS } from '../names.ts';
import { collect, type Problem, repeated, type Unless } from '../problem.ts';
import type { AuthorizerDeclaration, Route, SystemDeclaration, ZoneDeclaration } from '../types.ts';
import { checkLogin } from './login.ts';
import { checkResourcePaths, RESOURCE_PATH } from './resource-paths.ts';

/** Functions whose place the system decides. */
const OWN_FUNCTIONS: readonly string[] = [
  ...LOGIN_FUNCTIONS,
  ...ADMIN_FUNCTIONS,
  AUTHORIZER_FUNCTION,
  'signer',
];

/** Zones are entered as declared; exactly one of them is the admin zone, and that by nobody. */
export function checkEntries(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    const zones = Object.entries(system.zones);
    const admins = zones.filter(([, { admin }]) => admin).map(([name]) => name);
    unless(
      admins.length === 1,
      'zones',
      admins.length === 0
        ? 'need one admin zone, which makes and rotates keys: add admin: { cidr, admin: true, grants: [] }'
        : `have ${admins.length} admin zones (${admins.join(', ')}); leave one, for two would rotate each other’s keys away`,
    );
    for (const [name, zone] of zones) {
      const field = `zones.${name}`;
      unless(
        !zone.admin || (!zone.gateway && !zone.events),
        field,
        'is the admin zone, and Secrets Manager alone starts it: leave gateway and events out',
      );
      if (zone.events) checkFunction(unless, `${field}.events.function`, zone.events.function);
      if (zone.gateway) checkGateway(unless, system, field, zone, zone.gateway);
    }
  });
}

function checkGateway(
  unless: Unless,
  system: SystemDeclaration,
  field: string,
  zone: ZoneDeclaration,
  gateway: NonNullable<ZoneDeclaration['gateway']>,
): void {
  const { routes, login, authorizer, baseUrl } = gateway;
  unless(
    baseUrl === undefined || isExternalUrl(baseUrl),
    `${field}.gateway.baseUrl`,
    'must be an https URL as callers write it, without query, encodings or trailing slash, e.g. https://journal.example.no or https://www.example.no/journal',
  );
  unless(
    routes.length > 0 || login !== undefined,
    `${field}.gateway.routes`,
    'must name at least one, or declare login',
  );
  for (const [index, route] of routes.entries()) {
    const at = `${field}.gateway.routes[${index}]`;
    checkFunction(unless, `${at}.function`, route.function);
    unless(
      RESOURCE_PATH.test(route.path),
      `${at}.path`,
      'must be an API Gateway resource path, e.g. /summaries/{id}; parameters are whole segments',
    );
    unless(
      route.authorize !== 'helseid' || zone.grants.length > 0,
      `${at}.authorize`,
      'is helseid, but the zone has no grant that says which issuer’s tokens to accept; add one, or use iam',
    );
  }
  unless(
    authorizer !== undefined || routes.every(({ authorize }) => authorize !== 'helseid'),
    `${field}.gateway.authorizer`,
    'is missing, but a route has authorize: helseid; say which client’s issuer, audience and scopes to demand',
  );
  if (authorizer) checkAuthorizer(unless, `${field}.gateway.authorizer`, zone, authorizer);
  const own = login ? loginRoutes(login) : [];
  const planned = [...own, ...routes].map((route) => routeKey(route));
  for (const index of repeated(planned).filter((at) => at >= own.length))
    unless(
      false,
      `${field}.gateway.routes[${index - own.length}]`,
      `answers ${planned[index]} a second time${login ? ' (user login has routes of its own)' : ''}; leave one out`,
    );
  if (login) checkLogin(unless, system, `${field}.gateway.login`, zone, login);
  checkResourcePaths(unless, `${field}.gateway`, gateway);
}

function checkAuthorizer(
  unless: Unless,
  field: string,
  zone: ZoneDeclaration,
  { client }: AuthorizerDeclaration,
): void {
  const granted = zone.grants.map((grant) => grant.client);
  unless(
    granted.includes(client),
    `${field}.client`,
    `must be a client that the zone has a grant for: ${granted.join(', ') || 'none yet'}`,
  );
}

/** Whether it is in canonical form: an https origin, or one with plain path segments. */
function isExternalUrl(url: string): boolean {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 'https:' || !/^(?:\/[A-Za-z0-9._~-]+)*$/.test(parsed.pathname.replace(/^\/$/, '')))
    return false;
  return url === parsed.origin + parsed.pathname.replace(/^\/$/, '');
}

/** Two routes are one for API Gateway, whatever their parameters are called. */
function routeKey({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path.replace(/\{[^}+]*\}/g, '{}')}`;
}

function checkFunction(unless: Unless, field: string, name: string): void {
  unless(
    HYPHENATED_NAME_PATTERN.test(name) && name.length <= 32,
    field,
    'must be the name of a folder under functions/: up to 32 lower-case letters, digits and single hyphens',
  );
  unless(
    !OWN_FUNCTIONS.includes(name),
    field,
    `can’t be ${name}: the system places that function itself; name one of your own`,
  );
}
