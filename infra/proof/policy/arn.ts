import { hasUnknown } from '../assembly/unknown.ts';
import { type Glob, matchGlob } from './pattern.ts';
import { both, type Truth } from './truth.ts';

/** Whether `parts` (of an ARN pattern) match the ARN `value`; not known for a pattern that has no six components. */
export function matchArn(parts: readonly Glob[], value: string): Truth {
  if (parts.length < 6) return matchGlob(parts.join(':'), value) === false ? false : undefined;
  const values = arnParts(value);
  if (values.length < 6) return hasUnknown(value) ? undefined : false;
  return parts.reduce<Truth>(
    (all, part, index) => (all === false ? false : both(all, matchGlob(part, values[index] ?? ''))),
    true,
  );
}

/** The six components of an ARN; the last keeps its colons. Fewer where `arn` has fewer. */
export function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}
