import { readFileSync } from 'node:fs';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '@helseid-zones/protocol/values';

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
  return listOf(value)
    .filter((item) => ['string', 'number', 'boolean'].includes(typeof item))
    .map(String);
}

/** `value` if it is a string. */
export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * `text` parsed as JSON that every reader takes for the same: CloudFormation and `JSON.parse` need not keep the same one of two members
 * of a name, and what every object of JavaScript has (`constructor`) would seem to be there where it is not.
 * @throws {SyntaxError} not JSON, a member twice, or one that is called so
 */
function parseStrictly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const written = text.match(/"(?:[^"\\]|\\.)*"(?:\s*:)?/g)?.filter((one) => one.endsWith(':')) ?? [];
  if (written.length > countMembers(value)) throw new SyntaxError('has two members of one name in an object');
  return value;
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  for (const [name, member] of Object.entries(value)) {
    if (name in Object.prototype) throw new SyntaxError(`has a member ${name}: call it otherwise`);
    members += (Array.isArray(value) ? 0 : 1) + countMembers(member);
  }
  return members;
}

/** `text` by {@link parseStrictly}; undefined where it is no string or not JSON. */
export function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return parseStrictly(text);
  } catch {
    return undefined;
  }
}

/**
 * The JSON object in `file`, by {@link parseStrictly}; `edit` is done to its text first.
 * @throws {ZonesError} assembly_invalid: it can't be read so
 */
export function readJson(file: string, edit = (text: string) => text): JsonObject {
  const invalid = (what: string, options?: ErrorOptions) =>
    new ZonesError('assembly_invalid', `${file} ${what}. Run \`npm run synth\` again.`, options);
  let value: unknown;
  try {
    value = parseStrictly(edit(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw invalid(`can't be read as JSON: ${String(cause)}`, { cause });
  }
  if (!isObject(value)) throw invalid('holds no JSON object');
  return value;
}
