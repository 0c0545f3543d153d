/**
 * A value that must be there. For what types can't tell: an entry that another part of the program has made sure of. What comes
 * from outside gets a coded error of its own instead.
 *
 * @throws {TypeError} it is missing, or an empty text; the message names `what`
 */
export function required<T>(value: T | null | undefined, what: string): T {
  if (value === undefined || value === null || value === '') throw new TypeError(`${what} is missing.`);
  return value;
}

/** `text` as the JSON that it is; undefined where it is none. The parser's complaint is left out: it quotes the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How long before `now` something was. As long by a clock that was set back meanwhile: nothing stays young for that. */
export const ageAt = (now: number, then: number): number => Math.abs(now - then);

/** `text` with its percent-encodings decoded; undefined where they are no UTF-8, or a `%` encodes nothing. */
export function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is an object by name, neither null nor a list: what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
