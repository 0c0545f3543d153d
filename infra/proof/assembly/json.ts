import { isObject } from '@helseid-zones/protocol/required';

export { isObject };

/** A JSON object whose members are not known yet. */
export type JsonObject = { readonly [member: string]: unknown };

/** `value` if it is an object, else an object without members. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** `value` as a list: a list itself, nothing for undefined, one element otherwise. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** The strings of {@link listOf}; numbers and booleans are written out as JSON does, the rest is left out. */
export function stringsOf(value: unknown): string[] {
  return listOf(value).flatMap((item) =>
    typeof item === 'string'
      ? [item]
      : typeof item === 'number' || typeof item === 'boolean'
        ? [String(item)]
        : [],
  );
}

/** `value` if it is a string. */
export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `text` parsed as JSON; undefined where it is no string or not JSON. */
export function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
