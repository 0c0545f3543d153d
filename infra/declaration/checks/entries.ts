import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import { EVENT_CONCURRENCY } from '../concurrency.ts';
import { functionOf, zoneQueues } from '../function-resources.ts';
import { zoneFunctions } from '../names.ts';
import { type Problem, problemsOf, repeated } from '../problem.ts';
import type { GatewayDeclaration, Route, SystemDeclaration, ZoneDeclaration } from '../schema.ts';
import { checkLogin } from './login.ts';

/** Zones are entered as declared; exactly one of them is the admin zone, and that by nobody. */
export function checkEntries(system: SystemDeclaration): Problem[] {
  const zones = Object.entries(system.zones);
  const admins = zones.filter(([, { admin }]) => admin).map(([name]) => name);
  return [
    ...problemsOf({
      zones: [
        admins.length === 0 &&
          'need one admin zone, which makes and rotates keys: add admin: { cidr, admin: true, grants: [] }',
        admins.length > 1 &&
          `have ${admins.length} admin zones (${admins.join(', ')}); leave one, for two would rotate each other's keys away`,
      ],
    }),
    ...zones.flatMap(([name, zone]) => {
      const { admin, gateway, events, tokens, grants } = zone;
      const field = `zones.${name}`;
      return [
        ...problemsOf({
          [field]:
            admin &&
            (gateway || events) &&
            'is the admin zone, and Secrets Manager alone starts it: leave gateway and events out',
          [`${field}.tokens`]:
            tokens === 'function' &&
            (admin || grants.length === 0) &&
            'is function, and this zone has no grant that tokens are got by: leave it out',
        }),
        ...checkConcurrency(`${field}.reservedConcurrency`, zone),
        ...checkGateway(system, field, zone),
      ];
    }),
  ];
}

function checkConcurrency(field: string, zone: ZoneDeclaration): Problem[] {
  const functions = zone.admin ? [] : zoneFunctions(zone);
  return Object.entries(zone.reservedConcurrency).flatMap(([name, reserved]) => {
    const queues = zoneQueues('', '', zone).filter(({ reader }) => reader === name).length;
    const least = queues * EVENT_CONCURRENCY;
    return problemsOf({
      [`${field}.${name}`]: [
        !functions.includes(name) &&
          `is of no function that the zone may reserve for: ${functions.join(', ') || 'none'}`,
        reserved < least &&
          `must be at least ${least}, as many batches as ${queues > 1 ? 'its queues deliver' : 'the queue delivers'} at a time: those it throttled would end as dead letters`,
      ],
    });
  });
}

function checkGateway(system: SystemDeclaration, zoneField: string, zone: ZoneDeclaration): Problem[] {
  const { gateway } = zone;
  if (!gateway) return [];
  const { routes, login, authorizer } = gateway;
  const field = `${zoneField}.gateway`;
  const granted = zone.grants.map(({ client }) => client);
  const own = login ? loginRoutes(login) : [];
  const planned = [...own, ...routes].map((route) => routeKey(route));
  const doubled = repeated(planned).filter((at) => at >= own.length);
  return [
    ...problemsOf({
      [`${field}.routes`]: routes.length === 0 && !login && 'must name at least one, or declare login',
      [`${field}.authorizer`]:
        !authorizer &&
        routes.some(({ authorize }) => authorize === 'helseid') &&
        "is missing, but a route has authorize: helseid; say which client's issuer, audience and scopes to demand",
      [`${field}.authorizer.client`]:
        authorizer &&
        !granted.includes(authorizer.client) &&
        `must be a client that the zone has a grant for: ${granted.join(', ') || 'none yet'}`,
    }),
    ...routes.flatMap((route, index) => checkRoute(`${field}.routes[${index}]`, zoneField, zone, route)),
    ...doubled.map((at) => ({
      field: `${field}.routes[${at - own.length}]`,
      message: `answers ${planned[at]} a second time${login ? ' (user login has routes of its own)' : ''}; leave one out`,
    })),
    ...checkLogin(system, `${field}.login`, zone),
    ...checkResourcePaths(field, gateway),
  ];
}

function checkRoute(field: string, zoneField: string, zone: ZoneDeclaration, route: Route): Problem[] {
  const { authorize, webhook, method, function: name } = route;
  const signed = authorize === 'webhook';
  return problemsOf({
    [`${field}.webhook`]: [
      signed && !webhook && "is missing: write { secret: 'NAME' }, one of the function's secrets",
      !signed && webhook && `is for authorize: 'webhook', and this route has ${authorize}: leave it out`,
    ],
    [`${field}.webhook.secret`]:
      webhook &&
      !functionOf(zone, name)?.secrets.includes(webhook.secret) &&
      `is ${webhook.secret}, which is no secret of ${name}: add it to ${zoneField}.functions.${name}.secrets`,
    [`${field}.method`]: signed && method !== 'POST' && 'must be POST: what is signed is the body',
    [`${field}.authorize`]:
      authorize === 'helseid' &&
      zone.grants.length === 0 &&
      "is helseid, but the zone has no grant that says which issuer's tokens to accept; add one, or use iam",
  });
}

/** Two routes are one for API Gateway, whatever their parameters are called. */
const routeKey = ({ method, path }: Pick<Route, 'method' | 'path'>): string =>
  `${method} ${path.replace(/\{[^}+]*\}/g, '{}')}`;

/** Routes that one function may have: each is a permission in its policy, which holds 20 KB. */
const MAX_ROUTES = 40;

/**
 * What API Gateway and Lambda refuse only when they are deployed to: two names for a parameter in one place, and more routes to
 * a function than its policy has room for.
 */
function checkResourcePaths(field: string, { routes, login }: GatewayDeclaration): Problem[] {
  const forwarded = login ? loginRoutes(login).slice(loginRoutes({ forward: [] }).length) : [];
  const placed = [
    ...forwarded.map((route, index) => ({ ...route, field: `${field}.login.forward[${index}].path` })),
    ...routes.map((route, index) => ({ ...route, field: `${field}.routes[${index}].path` })),
  ];
  /** For each path before a parameter, what the first route calls it. */
  const names = new Map<string, string>();
  return placed.flatMap(({ path, field: at, function: target }, index) => {
    const count = placed.slice(0, index + 1).filter((one) => one.function === target).length;
    return problemsOf({
      [at]: [
        ...path.split('/').map((segment, depth, segments) => {
          if (!segment.startsWith('{')) return false;
          const before = segments.slice(0, depth).join('/');
          const name = names.get(before) ?? segment;
          names.set(before, name);
          return (
            name !== segment &&
            `has ${segment} where another route has ${name}; API Gateway takes one parameter below ${before || '/'}: give both one name`
          );
        }),
        count > MAX_ROUTES &&
          `is route ${count} to the function ${target}, whose policy has room for ${MAX_ROUTES}: let parameters cover several, or use another function`,
      ],
    });
  });
}
