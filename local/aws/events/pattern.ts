import { isObject } from '../../../infra/proof/assembly/json.ts';
import { notImplemented } from '../errors.ts';

/**
 * Whether an event matches an EventBridge pattern: every member of the pattern is in the event with one of the values listed.
 * Knows exact values, `prefix`, `suffix`, `exists`, `anything-but` and `equals-ignore-case`.
 * @throws {AwsError} NotImplementedException: another matcher, so that a rule never silently matches less or more than on AWS
 */
export function matchesPattern(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern)) return pattern.some((matcher) => matchesValue(matcher, event));
  if (!isObject(pattern)) throw notImplemented(`an event pattern with ${JSON.stringify(pattern)}`);
  return Object.entries(pattern).every(([name, expected]) => {
    if (name.startsWith('$')) throw notImplemented(`an event pattern with ${name}`);
    return matchesPattern(expected, isObject(event) ? event[name] : undefined);
  });
}

const MATCHERS: Readonly<Record<string, (argument: unknown, value: unknown) => boolean>> = {
  prefix: (prefix, value) => typeof value === 'string' && value.startsWith(String(prefix)),
  suffix: (suffix, value) => typeof value === 'string' && value.endsWith(String(suffix)),
  exists: (exists, value) => (value !== undefined) === exists,
  'anything-but': (others, value) => value !== undefined && ![others].flat().includes(value),
  'equals-ignore-case': (text, value) =>
    typeof value === 'string' && value.toLowerCase() === String(text).toLowerCase(),
};

function matchesValue(matcher: unknown, value: unknown): boolean {
  const values = Array.isArray(value) ? value : [value];
  if (!isObject(matcher)) return values.includes(matcher);
  const [name = '', argument] = Object.entries(matcher)[0] ?? [];
  const match = Object.hasOwn(MATCHERS, name) ? MATCHERS[name] : undefined;
  if (match === undefined || isObject(argument))
    throw notImplemented(`an event pattern with ${JSON.stringify(matcher)}`);
  return values.some((item) => match(argument, item));
}
