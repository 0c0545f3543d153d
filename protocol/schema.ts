import * as v from 'valibot';
import { ZonesError } from './errors.ts';
import { isObject } from './values.ts';

/**
 * The pieces that shapes are made of. A shape is declared once, as a schema; its type is read off it. Messages complete a
 * sentence that begins with the field's name, since the declaration's author reads them.
 * @module
 */

/** A shape as code holds it: nothing that was read is changed in place. */
export type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** Text that is there and not endless. */
export const text = v.pipe(v.string(), v.minLength(1, 'must not be empty'), v.maxLength(2000, 'is too long'));

/** A whole number from one on. */
export const count = v.pipe(
  v.number(),
  v.integer('must be a whole number'),
  v.minValue(1, 'must be at least 1'),
);

/** A whole number that is not negative; seconds, mostly. */
export const seconds = v.pipe(
  v.number(),
  v.integer('must be a whole number'),
  v.minValue(0, 'must not be negative'),
);

/** What a system, a client and a zone may be called: no hyphens, so that the key policy's `role/<system>-signer-<client>-*` matches no other client's signers. */
export const NAME_PATTERN = /^[a-z][a-z0-9]{1,14}$/;

/** The name of a system, a client or a zone. */
export const name = v.pipe(v.string(), v.regex(NAME_PATTERN));

/** base64url of 32 bytes, in its one canonical form: the last character carries only four bits. */
export const sha256 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/));

/** One scope-token (RFC 6749 3.3): a space would make two of it. */
export const scope = v.pipe(
  text,
  v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope, without spaces'),
);

/** Compared as it is, so nothing that is not seen may make two of one. */
export const audience = v.pipe(
  text,
  v.regex(/^[^\s\p{C}]+$/u, 'must have no spaces and no invisible characters'),
);

/** A list that names at least one. */
export function some<T extends v.GenericSchema>(item: T) {
  return v.pipe(v.array(item), v.minLength(1, 'must name at least one'));
}

/**
 * `value`, unless a newer release has written it. What one release writes and another reads has a format version, a whole number
 * from 1 on; one that is left out is 1 (docs/upgrading.md). Everything else about `value` is its schema's to judge.
 *
 * @param what begins the message
 * @param remedy ends it: what to deploy
 * @throws {ZonesError} version_unknown: its version is above 1, the only one so far
 */
export function refuseNewer(value: unknown, what: string, remedy: string): unknown {
  const version = isObject(value) ? value['version'] : undefined;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version <= 1) return value;
  throw new ZonesError(
    'version_unknown',
    `${what} has format ${version}, which a newer release writes; this one knows format 1: ${remedy}.`,
    { facts: { version } },
  );
}

/** Whether a field's name may be repeated in an error: any other is as hostile as a value. */
export function isFieldName(name: string): boolean {
  return !(name in Object.prototype) && /^[A-Za-z_]{1,64}$/.test(name);
}

/** The dotted path to the field that does not fit, empty for the whole; without the name of an unknown one that is not to be repeated. */
function fieldOf(issue: v.BaseIssue<unknown>): string {
  const { path, expected } = issue;
  const names = (path ?? []).map(({ key }) => String(key));
  // An unknown name of an object, or of a record that takes some alone; every other of the path is a declared one.
  const unknown = expected === 'never' || Object(path?.at(-1)).origin === 'key';
  if (unknown && !isFieldName(names.at(-1) ?? '')) names.pop();
  return names.join('.');
}

/** `value` as `schema` reads it. @throws what `refuse` makes of the path to the field that does not fit; empty for the whole */
export function readBy<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  refuse: (field: string) => Error,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw refuse(fieldOf(parsed.issues[0]));
}

/**
 * Reads `value`, which `what` names, by `schema`.
 * @throws {ZonesError} config_invalid: it is not of the schema's shape; the message names the field, never a value
 */
export function readConfig<Schema extends v.GenericSchema>(what: string, schema: Schema, value: unknown) {
  return readBy(schema, value, (field) => {
    const message = `${what} is not as it was made (${field || 'the whole'}); deploy once more.`;
    return new ZonesError('config_invalid', message);
  });
}
