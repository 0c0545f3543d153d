import { isObject } from '../../../infra/proof/assembly/json.ts';
import { notImplemented } from '../errors.ts';

/**
 * Whether an event matches an EventBridge pattern: every member of the pattern is in the event with one of the values listed.
 * @throws {AwsError} NotImplementedException: another matcher, so that a rule never silently matches less or more than on AWS
 */
export function matchesPattern(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern) && !pattern.some(isObject))
    return [event].flat().some((value) => pattern.includes(value));
  if (!isObject(pattern)) throw notImplemented(`an event pattern with ${JSON.stringify(pattern)}`);
  return Object.entries(pattern).every(([name, expected]) => {
    if (name.startsWith('$')) throw notImplemented(`an event pattern with ${name}`);
    return matchesPattern(expected, isObject(event) ? event[name] : undefined);
  });
}
