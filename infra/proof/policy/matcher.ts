import { hasUnknown, showUnknown } from '../assembly/unknown.ts';
import {
  arnParts,
  covers,
  type Glob,
  globsOverlap,
  hasWildcard,
  matchArn,
  matchGlob,
  parsePattern,
  showGlob,
} from './pattern.ts';
import type { Truth } from './ternary.ts';

/** A set of values. */
type Shape = { kind: 'glob'; glob: Glob } | { kind: 'arn'; parts: readonly Glob[] };

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

/**
 * Matches the exact text of `source`, or with wildcards. Undefined for a text with a policy variable.
 */
export function textMatcher(
  source: string,
  how: { wildcards: boolean; variables: boolean },
): Matcher | undefined {
  const { glob } = parsePattern(source, how);
  if (glob === undefined) return undefined;
  const [kind, verb] = hasWildcard(glob) ? ['like', 'matches'] : ['is', 'is'];
  const test = (value: string) => matchGlob(glob, value);
  return matcher(kind, glob, `${verb} ${show(glob)}`, test, { kind: 'glob', glob });
}

/** Matches an ARN component by component (each wildcard stays within its component, except in the last). */
export function arnMatcher(source: string, variables: boolean): Matcher | undefined {
  const { glob } = parsePattern(source, { wildcards: true, variables });
  if (glob === undefined) return undefined;
  const parts = arnParts(glob);
  if (!hasWildcard(glob) && parts.length === 6) return textMatcher(source, { wildcards: false, variables });
  const test = (value: string) => matchArn(parts, value);
  return matcher('arn', glob, `matches ${show(glob)}`, test, { kind: 'arn', parts });
}

/** How the values of two matchers of one key stand to each other; never wrongly claims anything. */
export function compareMatchers(
  a: Matcher,
  b: Matcher,
): { implies: boolean; implied: boolean; disjoint: boolean } {
  if (a.shape === undefined || b.shape === undefined)
    return { implies: false, implied: false, disjoint: false };
  return {
    implies: shapeCovers(b.shape, a.shape),
    implied: shapeCovers(a.shape, b.shape),
    disjoint: !shapesOverlap(a.shape, b.shape),
  };
}

function matcher(kind: string, glob: Glob, words: string, test: Matcher['test'], shape: Shape): Matcher {
  return { id: `${kind} ${JSON.stringify(glob)}`, words, test, shape: hasUnknown(glob) ? undefined : shape };
}

function show(glob: Glob): string {
  return showUnknown(showGlob(glob)) || 'empty';
}

/** Whether `outer` holds all of `inner`. */
function shapeCovers(outer: Shape, inner: Shape): boolean {
  if (outer.kind === 'glob') {
    return covers(outer.glob, inner.kind === 'arn' ? inner.parts.join(':') : inner.glob);
  }
  // Of a text with wildcards nobody knows the components.
  const parts = inner.kind === 'arn' ? inner.parts : hasWildcard(inner.glob) ? [] : arnParts(inner.glob);
  return (
    outer.parts.length === 6 &&
    parts.length === 6 &&
    outer.parts.every((part, index) => covers(part, parts[index] ?? ''))
  );
}

/** Whether some value is in both. A yes may be wrong. */
function shapesOverlap(a: Shape, b: Shape): boolean {
  if (a.kind === 'glob' && b.kind === 'arn') return shapesOverlap(b, a);
  if (a.kind === 'glob' && b.kind === 'glob') {
    // Two exact texts are by far the most frequent.
    return hasWildcard(a.glob) || hasWildcard(b.glob) ? globsOverlap(a.glob, b.glob) : a.glob === b.glob;
  }
  if (a.kind !== 'arn' || a.parts.length !== 6) return true;
  if (b.kind === 'arn')
    return b.parts.length !== 6 || a.parts.every((part, index) => globsOverlap(part, b.parts[index] ?? ''));
  return hasWildcard(b.glob) ? globsOverlap(a.parts.join(':'), b.glob) : shapeCovers(a, b);
}
