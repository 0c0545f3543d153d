import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Handle } from './serve.ts';

/** Picks what handles a request by method and matched resource, e.g. `POST /logout`. Throws `request_malformed` for a route that the gateway should not have. */
export function dispatch(table: Readonly<Record<string, Handle>>): Handle {
  return (deps, request) => {
    const route = `${request.method} ${request.resource}`;
    const handle = Object.hasOwn(table, route) ? table[route] : undefined;
    if (!handle) throw new ZonesError('request_malformed', 'There is nothing at this address.');
    return handle(deps, request);
  };
}
