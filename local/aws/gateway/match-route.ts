import { decodePercent } from '@helseid-zones/protocol/values';
import type { GatewayMethod } from '../template/gateways.ts';

/** A method with the values of its path parameters, percent-decoded once as API Gateway does. */
export type Match = { method: GatewayMethod; parameters: Readonly<Record<string, string>> };

/** The method for a request: exact segments win over `{parameter}`, that over `{proxy+}`, a named verb over `ANY`. */
export function matchRoute(methods: readonly GatewayMethod[], verb: string, path: string): Match | undefined {
  const matches = methods.flatMap((method) => {
    if (method.httpMethod !== verb && method.httpMethod !== 'ANY') return [];
    const parameters = matchPath(method.resourcePath, path);
    return parameters === undefined ? [] : [{ method, parameters }];
  });
  return matches.sort((a, b) => rank(a.method).localeCompare(rank(b.method)))[0];
}

/** Sorts by the kind of each segment, from the left; `ANY` comes last among equals. */
function rank({ resourcePath, httpMethod }: GatewayMethod): string {
  const kinds = segments(resourcePath).map((part) =>
    part.endsWith('+}') ? '2' : part.startsWith('{') ? '1' : '0',
  );
  return `${kinds.join('')}${httpMethod === 'ANY' ? '~' : ''}`;
}

/** The values of a route's path parameters in a request's path; undefined where the path is another. */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const expected = segments(pattern);
  const given = segments(path);
  const parameters: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const rest = given.slice(index);
    const name = /^\{([^+}]+)(\+?)\}$/.exec(part);
    if (name === null) {
      if (rest[0] !== part) return undefined;
      continue;
    }
    if (rest.length === 0) return undefined;
    const value = decodePercent(name[2] === '+' ? rest.join('/') : (rest[0] ?? ''));
    if (value === undefined) return undefined;
    parameters[name[1] ?? ''] = value;
    if (name[2] === '+') return parameters;
  }
  return expected.length === given.length ? parameters : undefined;
}

function segments(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}
