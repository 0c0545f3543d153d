import { hasUnknown, showUnknown } from '../assembly/unknown.ts';
import type { Glob, Notation } from './pattern.ts';
import {
  arnParts,
  covers,
  globsOverlap,
  hasWildcard,
  matchArn,
  matchGlob,
  parsePattern,
  showGlob,
} from './pattern.ts';
import type { Truth } from './ternary.ts';

/** A set of values: those of an ARN's pattern have `parts`, its six components, of which each is matched by itself. */
interface Shape {
  glob: Glob;
  parts: readonly Glob[] | undefined;
}

/** What one value in a policy's condition says about one value of a context key. */
export interface Matcher {
  /** Equal for matchers that mean the same. */
  id: string;
  /** Completes "<key> …": `is x`, `matches x*`. */
  words: string;
  test(value: string): Truth;
  /** The set of values it matches, for comparing matchers; undefined where that depends on what only the deploy knows. */
  shape: Shape | undefined;
}

/** Matches the exact text of `source`, or with wildcards. Undefined for a text with a policy variable. */
export function textMatcher(source: string, notation: Notation): Matcher | undefined {
  const glob = parsePattern(source, notation);
  return glob === undefined ? undefined : matcher(glob, undefined, (value) => matchGlob(glob, value));
}

/** Matches an ARN component by component (each wildcard stays within its component, except in the last). Undefined also for fewer than six. */
export function arnMatcher(source: string, variables: boolean): Matcher | undefined {
  const glob = parsePattern(source, { wildcards: true, variables });
  const parts = arnParts(glob ?? '');
  if (glob === undefined || parts.length < 6) return undefined;
  return matcher(glob, parts, (value) => matchArn(parts, value));
}

/** What a value that `a` matches is to `b`; never wrongly claims anything. */
export function compareMatchers(a: Matcher, b: Matcher): { implies: boolean; disjoint: boolean } {
  if (a.shape === undefined || b.shape === undefined) return { implies: false, disjoint: false };
  return { implies: shapeCovers(b.shape, a.shape), disjoint: !shapesOverlap(a.shape, b.shape) };
}

function matcher(glob: Glob, parts: Shape['parts'], test: Matcher['test']): Matcher {
  const verb = hasWildcard(glob) ? 'matches' : 'is';
  return {
    id: `${parts && verb === 'matches' ? 'arn' : verb} ${JSON.stringify(glob)}`,
    words: `${verb} ${showUnknown(showGlob(glob)) || 'empty'}`,
    test,
    shape: hasUnknown(glob) ? undefined : { glob, parts },
  };
}

/** Whether `outer` holds all of `inner`. */
function shapeCovers(outer: Shape, inner: Shape): boolean {
  if (outer.parts === undefined) return covers(outer.glob, inner.glob);
  // Of a text with wildcards nobody knows the components.
  const parts = inner.parts ?? (hasWildcard(inner.glob) ? [] : arnParts(inner.glob));
  return parts.length === 6 && overEach(covers, outer.parts, parts);
}

/** Whether some value is in both. A yes may be wrong. */
function shapesOverlap(a: Shape, b: Shape): boolean {
  if (a.parts && b.parts) return overEach(globsOverlap, a.parts, b.parts);
  if (!hasWildcard(a.glob)) return shapeCovers(b, a);
  return hasWildcard(b.glob) ? globsOverlap(a.glob, b.glob) : shapeCovers(a, b);
}

function overEach(relate: typeof covers, a: readonly Glob[], b: readonly Glob[]): boolean {
  return a.every((part, index) => relate(part, b[index] ?? ''));
}
