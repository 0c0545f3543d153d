import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import { EVENT_CONCURRENCY } from '../concurrency.ts';
import { zoneFunctions } from '../names.ts';
import { functionOf, zoneQueues } from '../own.ts';
import { collect, type Problem, repeated, type Unless } from '../problem.ts';
import type { GatewayDeclaration, Route, SystemDeclaration, ZoneDeclaration } from '../schema.ts';
import { checkLogin } from './login.ts';

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
        : `have ${admins.length} admin zones (${admins.join(', ')}); leave one, for two would rotate each other's keys away`,
    );
    for (const [name, zone] of zones) {
      const field = `zones.${name}`;
      unless(
        !zone.admin || (!zone.gateway && !zone.events),
        field,
        'is the admin zone, and Secrets Manager alone starts it: leave gateway and events out',
      );
      unless(
        zone.tokens === 'own' || (!zone.admin && zone.grants.length > 0),
        `${field}.tokens`,
        'is function, and this zone has no grant that tokens are got by: leave it out',
      );
      checkConcurrency(unless, field, zone);
      if (zone.gateway) checkGateway(unless, system, field, zone, zone.gateway);
    }
  });
}

function checkConcurrency(unless: Unless, field: string, zone: ZoneDeclaration): void {
  const functions = zone.admin ? [] : zoneFunctions(zone);
  for (const [name, reserved] of Object.entries(zone.reservedConcurrency)) {
    const at = `${field}.reservedConcurrency.${name}`;
    unless(
      functions.includes(name),
      at,
      `is of no function that the zone may reserve for: ${functions.join(', ') || 'none'}`,
    );
    const queues = zoneQueues('', '', zone).filter(({ reader }) => reader === name).length;
    unless(
      reserved >= queues * EVENT_CONCURRENCY,
      at,
      `must be at least ${queues * EVENT_CONCURRENCY}, as many batches as ${queues > 1 ? 'its queues deliver' : 'the queue delivers'} at a time: those it throttled would end as dead letters`,
    );
  }
}

function checkGateway(
  unless: Unless,
  system: SystemDeclaration,
  field: string,
  zone: ZoneDeclaration,
  gateway: GatewayDeclaration,
): void {
  const { routes, login, authorizer } = gateway;
  unless(
    routes.length > 0 || login !== undefined,
    `${field}.gateway.routes`,
    'must name at least one, or declare login',
  );
  for (const [index, { authorize, webhook, method, function: name }] of routes.entries()) {
    const at = `${field}.gateway.routes[${index}]`;
    unless(
      (authorize === 'webhook') === (webhook !== undefined),
      `${at}.webhook`,
      authorize === 'webhook'
        ? "is missing: write { secret: 'NAME' }, one of the function's secrets"
        : `is for authorize: 'webhook', and this route has ${authorize}: leave it out`,
    );
    unless(
      webhook === undefined || functionOf(zone, name)?.secrets.includes(webhook.secret) === true,
      `${at}.webhook.secret`,
      `is ${webhook?.secret}, which is no secret of ${name}: add it to ${field}.functions.${name}.secrets`,
    );
    unless(
      authorize !== 'webhook' || method === 'POST',
      `${at}.method`,
      'must be POST: what is signed is the body',
    );
    unless(
      authorize !== 'helseid' || zone.grants.length > 0,
      `${at}.authorize`,
      "is helseid, but the zone has no grant that says which issuer's tokens to accept; add one, or use iam",
    );
  }
  unless(
    authorizer !== undefined || routes.every(({ authorize }) => authorize !== 'helseid'),
    `${field}.gateway.authorizer`,
    "is missing, but a route has authorize: helseid; say which client's issuer, audience and scopes to demand",
  );
  const granted = zone.grants.map(({ client }) => client);
  unless(
    authorizer === undefined || granted.includes(authorizer.client),
    `${field}.gateway.authorizer.client`,
    `must be a client that the zone has a grant for: ${granted.join(', ') || 'none yet'}`,
  );
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

/** Two routes are one for API Gateway, whatever their parameters are called. */
function routeKey({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path.replace(/\{[^}+]*\}/g, '{}')}`;
}

/** Routes that one function may have: each is a permission in its policy, which holds 20 KB. */
const MAX_ROUTES = 40;

/**
 * What API Gateway and Lambda refuse only when they are deployed to: two names for a parameter in one place, and more routes to
 * a function than its policy has room for.
 */
function checkResourcePaths(unless: Unless, field: string, { routes, login }: GatewayDeclaration): void {
  const forwarded = login ? loginRoutes(login).slice(loginRoutes({ forward: [] }).length) : [];
  const placed = [
    ...forwarded.map((route, index) => ({ ...route, field: `${field}.login.forward[${index}].path` })),
    ...routes.map((route, index) => ({ ...route, field: `${field}.routes[${index}].path` })),
  ];
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { path, field: at, function: target } of placed) {
    checkParameters(unless, at, path, names);
    const count = (counts.get(target) ?? 0) + 1;
    counts.set(target, count);
    unless(
      count <= MAX_ROUTES,
      at,
      `is route ${count} to the function ${target}, whose policy has room for ${MAX_ROUTES}: let parameters cover several, or use another function`,
    );
  }
}

/** `names` holds, for each path before a parameter, what the first route calls it. */
function checkParameters(unless: Unless, field: string, path: string, names: Map<string, string>): void {
  let before = '';
  for (const segment of path.split('/').slice(1)) {
    if (segment.startsWith('{')) {
      const name = names.get(before) ?? segment;
      names.set(before, name);
      unless(
        name === segment,
        field,
        `has ${segment} where another route has ${name}; API Gateway takes one parameter below ${before || '/'}: give both one name`,
      );
    }
    before += `/${segment}`;
  }
}
