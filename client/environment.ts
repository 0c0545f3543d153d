import { ZonesError } from '@helseid-zones/protocol/errors';
import { readConfig } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';

/** The environment of a function, as `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

const arnsByClient = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

/**
 * A variable that the infrastructure sets.
 * @throws {ZonesError} config_invalid: it is missing or empty; `remedy` says what to do
 */
export function readVariable(env: Environment, name: string, remedy = 'deploy once more'): string {
  const value = env[name];
  if (value) return value;
  throw new ZonesError('config_invalid', `The variable ${name} is missing; ${remedy}.`);
}

/**
 * A client's ARN in a variable that maps clients to ARNs, as JSON.
 * @throws {ZonesError} config_invalid: the variable is no such map, or lacks the client
 */
export const readArn = (env: Environment, name: 'SIGNERS' | 'RECORDS', client: string): string =>
  entryOf(readConfig(`The variable ${name}`, arnsByClient, env[name]), client, name);

/**
 * An entry of a map that the infrastructure writes.
 * @throws {ZonesError} config_invalid: there is none of that name; `remedy` says what to do
 */
export function entryOf<T>(
  map: Readonly<Record<string, T>>,
  name: string,
  what: string,
  remedy = 'deploy once more',
): T {
  const found = Object.hasOwn(map, name) ? map[name] : undefined;
  if (found !== undefined && found !== '') return found;
  throw new ZonesError('config_invalid', `${what}.${name} is missing; ${remedy}.`);
}
