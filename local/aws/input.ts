import type { Input } from './call.ts';
import { notImplemented, validationError } from './errors.ts';

function constraint(value: string, member: string, text: string): Error {
  return validationError(
    `1 validation error detected: Value ${value} at '${member}' failed to satisfy constraint: Member must ${text}`,
  );
}

function memberName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** A text member that may be absent. Throws AWS's `ValidationException`, also for an empty text. */
export function optionalText(input: Input, name: string, maxLength = 65_536): string | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.length === 0) {
    throw constraint(
      `'${typeof value === 'string' ? value : typeof value}'`,
      memberName(name),
      'have length greater than or equal to 1',
    );
  }
  if (value.length > maxLength) {
    throw constraint('(too long)', memberName(name), `have length less than or equal to ${maxLength}`);
  }
  return value;
}

/** A text member that must be there. Throws AWS's `ValidationException`. */
export function requiredText(input: Input, name: string, maxLength?: number): string {
  const value = optionalText(input, name, maxLength);
  if (value === undefined) throw constraint('null', memberName(name), 'not be null');
  return value;
}

/** A text member with a closed set of values. Throws AWS's `ValidationException`. */
export function oneOf<const T extends string>(
  input: Input,
  name: string,
  values: readonly T[],
  fallback?: T,
): T {
  const text = optionalText(input, name) ?? fallback;
  if (text === undefined) throw constraint('null', memberName(name), 'not be null');
  const value = values.find((candidate) => candidate === text);
  if (value === undefined) {
    throw constraint(`'${text}'`, memberName(name), `satisfy enum value set: [${values.join(', ')}]`);
  }
  return value;
}

/** A binary member, base64 on the wire. Throws AWS's `ValidationException` or `SerializationException`-like text. */
export function requiredBlob(input: Input, name: string, maxBytes: number): Buffer {
  const text = requiredText(input, name, maxBytes * 2 + 8);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw validationError(`Value at '${memberName(name)}' is not valid base64`);
  }
  if (bytes.length === 0 || bytes.length > maxBytes) {
    throw constraint('(binary)', memberName(name), `have length between 1 and ${maxBytes}`);
  }
  return bytes;
}

/** A whole number in a range, or its default. Throws AWS's `ValidationException`. */
export function optionalNumber(
  input: Input,
  name: string,
  { min, max, fallback }: { min: number; max: number; fallback: number },
): number {
  const value = input[name] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw constraint(`'${String(value)}'`, memberName(name), `be a whole number between ${min} and ${max}`);
  }
  return value;
}

/** A flag, or its default. Throws AWS's `ValidationException`. */
export function optionalFlag(input: Input, name: string, fallback: boolean): boolean {
  const value = input[name] ?? fallback;
  if (typeof value !== 'boolean') throw constraint(`'${String(value)}'`, memberName(name), 'be a boolean');
  return value;
}

/** A list of texts, or an empty one. Throws AWS's `ValidationException`. */
export function optionalTexts(input: Input, name: string): string[] {
  const value = input[name] ?? [];
  if (!Array.isArray(value) || !value.every((item): item is string => typeof item === 'string')) {
    throw constraint(`'${typeof value}'`, memberName(name), 'be a list of strings');
  }
  return value;
}

/** Tags as a list of pairs under the given member names. Throws AWS's `ValidationException`. */
export function optionalTags(input: Input, name: string, key: string, value: string): [string, string][] {
  const list = input[name] ?? [];
  if (!Array.isArray(list)) throw constraint(`'${typeof list}'`, memberName(name), 'be a list');
  return list.map((item: unknown) => {
    const tag = (typeof item === 'object' && item !== null ? item : {}) as Input;
    const tagValue = tag[value];
    return [requiredText(tag, key, 128), typeof tagValue === 'string' ? tagValue : ''];
  });
}

/** Refuses members that the local AWS does not act on, so that nothing is silently ignored. */
export function refuseOthers(input: Input, operation: string, known: readonly string[]): void {
  const other = Object.keys(input).find((name) => !known.includes(name) && input[name] !== undefined);
  if (other !== undefined) throw notImplemented(`${operation} with ${other}`);
}
