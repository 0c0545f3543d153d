/**
 * Values that the templates alone do not fix (a parameter, the attribute of a custom resource, an
 * intrinsic this module does not know) stay in strings as a marked name between two private-use
 * characters. A marked name is equal to itself; against anything else the answer is "not known".
 */
/** What such a value begins with. */
export const UNKNOWN = '\uE000';
const CLOSE = '\uE001';

/** A string that stands for a value nobody knows before the deploy; `name` says what it is, and equal names are equal values. */
export function unknownValue(name: string): string {
  return `${UNKNOWN}${name.replaceAll(UNKNOWN, '').replaceAll(CLOSE, '')}${CLOSE}`;
}

/** Whether any part of `text` is an {@link unknownValue}. */
export function hasUnknown(text: string): boolean {
  return text.includes(UNKNOWN);
}

/** `text` with each unknown part written as `<name>`, for messages. */
export function showUnknown(text: string): string {
  return text.replaceAll(UNKNOWN, '<').replaceAll(CLOSE, '>');
}
