import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import type { Unless } from '../problem.ts';
import type { ZoneDeclaration } from '../types.ts';

/** API Gateway resource paths: plain segments but `.` and `..`, and whole segments in braces; the last may be greedy. */
export const RESOURCE_PATH =
  /^\/$|^(?!.*\/\.{1,2}(?:\/|$))(?:\/(?:[A-Za-z0-9:._$-]+|\{[A-Za-z0-9_]+\}))*(?:\/\{[A-Za-z0-9_]+\+\})?$/;

/** Routes that one function may have: each is a permission in its policy, which holds 20 KB. */
const MAX_ROUTES = 40;

/** A resource path with the field that it stands in. */
interface Placed {
  path: string;
  field: string;
  function: string;
}

/**
 * What API Gateway and Lambda refuse only when they are deployed to: two names for a parameter in one place, and more routes to
 * a function than its policy has room for.
 */
export function checkResourcePaths(
  unless: Unless,
  field: string,
  { routes, login }: NonNullable<ZoneDeclaration['gateway']>,
): void {
  const placed: Placed[] = [
    ...(login ? placeForwards(`${field}.login.forward`, login) : []),
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

function placeForwards(
  field: string,
  login: NonNullable<NonNullable<ZoneDeclaration['gateway']>['login']>,
): Placed[] {
  const [forwarded, fixed] = [loginRoutes(login), loginRoutes({ forward: [] })];
  return forwarded
    .slice(fixed.length)
    .map((route, index) => ({ ...route, field: `${field}[${index}].path` }));
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
