import { hasUnknown, showUnknown } from '../unknown.ts';
import { type Network, networkIncludes, parseNetwork } from './network.ts';
import {
  covers,
  fillPattern,
  type Glob,
  globsOverlap,
  hasWildcard,
  matchGlob,
  type Pattern,
  parsePattern,
  type ReadVariable,
  showGlob,
} from './pattern.ts';
import { both, type Truth } from './truth.ts';

/** What one value in a policy's condition says about one value of a context key. */
export interface Matcher {
  /** Equal for matchers that mean the same. */
  id: string;
  /** Completes "<key> …": `is x`, `matches x*`, `is below 5`. */
  words: string;
  /** Lower-case names of the context keys its policy variables read. */
  keys: readonly string[];
  test(value: string, read: ReadVariable): Truth;
  /** The set of values it matches, for comparing matchers; undefined where it depends on variables or on what only the deploy knows. */
  shape: Shape | undefined;
}

/** A set of values. Numbers stand for dates too (milliseconds). */
export type Shape =
  | { kind: 'glob'; glob: Glob; anyCase: boolean }
  | { kind: 'arn'; parts: readonly Glob[] }
  | { kind: 'number' | 'date'; relation: Relation; bound: number }
  | { kind: 'network'; network: Network };

/** How a number or date stands to the policy's. */
export type Relation = 'is' | 'is below' | 'is at most' | 'is above' | 'is at least';

/** Matches the exact text of `source`, or with wildcards; `anyCase` ignores case (and then knows no wildcards). */
export function textMatcher(
  source: string,
  how: { wildcards: boolean; anyCase?: boolean; variables: boolean },
): Matcher {
  const pattern = parsePattern(how.anyCase ? source.toLowerCase() : source, how);
  const anyCase = how.anyCase === true;
  const test = (value: string, read: ReadVariable) => {
    const glob = fillPattern(pattern, read);
    if (glob === undefined) return false;
    return anyCase ? matchGlob(glob.toLowerCase(), value.toLowerCase()) : matchGlob(glob, value);
  };
  const wild = pattern.glob === undefined ? how.wildcards : hasWildcard(pattern.glob);
  const words = `${wild ? 'matches' : 'is'} ${show(pattern)}${anyCase && !/^(true|false)$/i.test(source) ? ' in any case' : ''}`;
  return matcher(anyCase ? 'any case' : wild ? 'like' : 'is', pattern, words, test, (glob) => ({
    kind: 'glob',
    glob,
    anyCase,
  }));
}

/** Matches an ARN component by component (each wildcard stays within its component, except in the last). */
export function arnMatcher(source: string, variables: boolean): Matcher {
  const pattern = parsePattern(source, { wildcards: true, variables });
  if (pattern.glob !== undefined && !hasWildcard(pattern.glob) && arnParts(pattern.glob).length === 6) {
    return textMatcher(source, { wildcards: false, variables });
  }
  const fixed = pattern.glob === undefined ? undefined : arnParts(pattern.glob);
  const test = (value: string, read: ReadVariable) => {
    const glob = fillPattern(pattern, read);
    return glob === undefined ? false : matchArn(fixed ?? arnParts(glob), value);
  };
  return matcher('arn', pattern, `matches ${show(pattern)}`, test, (glob) => ({
    kind: 'arn',
    parts: arnParts(glob),
  }));
}

/** Compares a number, or a date (ISO 8601 or epoch seconds) when `kind` is `date`. A value that is neither is not known to match. */
export function numberMatcher(kind: 'number' | 'date', relation: Relation, source: string): Matcher {
  const pattern = parsePattern(source, { wildcards: false, variables: false });
  const bound = parseNumber(kind, source);
  const test = (value: string) => {
    const number = parseNumber(kind, value);
    return number === undefined || bound === undefined ? undefined : compare(number, relation, bound);
  };
  const shape = bound === undefined ? undefined : ({ kind, relation, bound } as const);
  return matcher(`${kind} ${relation}`, pattern, `${relation} ${show(pattern)}`, test, () => shape);
}

/** Matches an IP address in a CIDR block. */
export function networkMatcher(source: string): Matcher {
  const pattern = parsePattern(source, { wildcards: false, variables: false });
  const network = parseNetwork(source);
  const test = (value: string) => {
    const address = parseNetwork(value);
    return address === undefined || network === undefined ? undefined : networkIncludes(network, address);
  };
  const shape = network === undefined ? undefined : ({ kind: 'network', network } as const);
  return matcher('network', pattern, `is in ${show(pattern)}`, test, () => shape);
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

function matcher(
  kind: string,
  pattern: Pattern,
  words: string,
  test: Matcher['test'],
  shapeOf: (glob: Glob) => Shape | undefined,
): Matcher {
  const fixed = pattern.glob !== undefined && !hasUnknown(pattern.glob) ? pattern.glob : undefined;
  const shape = fixed === undefined ? undefined : shapeOf(fixed);
  return { id: `${kind} ${pattern.glob ?? pattern.source}`, words, keys: pattern.keys, test, shape };
}

function show(pattern: Pattern): string {
  const text = showUnknown(pattern.glob === undefined ? pattern.source : showGlob(pattern.glob));
  return text === '' ? 'empty' : text;
}

function parseNumber(kind: 'number' | 'date', text: string): number | undefined {
  if (/^-?\d+(\.\d+)?$/.test(text)) return kind === 'date' ? Number(text) * 1000 : Number(text);
  const date = kind === 'date' && /^\d{4}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : date;
}

function compare(number: number, relation: Relation, bound: number): boolean {
  if (relation === 'is') return number === bound;
  if (relation === 'is below') return number < bound;
  if (relation === 'is at most') return number <= bound;
  return relation === 'is above' ? number > bound : number >= bound;
}

/** Whether `outer` holds all of `inner`. */
function shapeCovers(outer: Shape, inner: Shape): boolean {
  if (outer.kind === 'glob' && inner.kind === 'glob') {
    if (inner.anyCase && !outer.anyCase) return false;
    return covers(outer.glob, outer.anyCase && !inner.anyCase ? inner.glob.toLowerCase() : inner.glob);
  }
  if (outer.kind === 'glob' && inner.kind === 'arn')
    return !outer.anyCase && covers(outer.glob, inner.parts.join(':'));
  if (outer.kind === 'arn') {
    const parts =
      inner.kind === 'arn'
        ? inner.parts
        : inner.kind === 'glob' && !inner.anyCase && !hasWildcard(inner.glob)
          ? arnParts(inner.glob)
          : [];
    return (
      outer.parts.length === 6 &&
      parts.length === 6 &&
      outer.parts.every((part, index) => covers(part, parts[index] ?? ''))
    );
  }
  if (outer.kind === 'network' && inner.kind === 'network')
    return networkIncludes(outer.network, inner.network);
  if ((outer.kind === 'number' || outer.kind === 'date') && inner.kind === outer.kind)
    return rangeCovers(outer, inner);
  return outer.kind === 'network' && inner.kind === 'glob' ? holdsPoint(outer, inner) === true : false;
}

function shapesOverlap(a: Shape, b: Shape): boolean {
  if (a.kind === 'glob' && b.kind === 'glob') {
    const anyCase = a.anyCase || b.anyCase;
    const fold = (glob: Glob) => (anyCase ? glob.toLowerCase() : glob);
    // Two exact texts are by far the most frequent.
    if (!hasWildcard(a.glob) && !hasWildcard(b.glob)) return fold(a.glob) === fold(b.glob);
    return globsOverlap(fold(a.glob), fold(b.glob));
  }
  if (a.kind === 'arn' && b.kind === 'arn') {
    if (a.parts.length !== 6 || b.parts.length !== 6) return true;
    return a.parts.every((part, index) => globsOverlap(part, b.parts[index] ?? ''));
  }
  if (a.kind === 'glob' && b.kind === 'arn') return shapesOverlap(b, a);
  if (a.kind === 'arn' && b.kind === 'glob') {
    if (a.parts.length !== 6 || b.anyCase) return true;
    if (!hasWildcard(b.glob)) return shapeCovers(a, b);
    return globsOverlap(a.parts.join(':'), b.glob);
  }
  if (a.kind === 'network' && b.kind === 'network')
    return networkIncludes(a.network, b.network) || networkIncludes(b.network, a.network);
  if ((a.kind === 'number' || a.kind === 'date') && b.kind === a.kind) return rangesOverlap(a, b);
  if (a.kind === 'network' && b.kind === 'glob') return holdsPoint(a, b) !== false;
  if (a.kind === 'glob' && b.kind === 'network') return holdsPoint(b, a) !== false;
  return true;
}

/** Whether the one address that `point` names is in the block; undefined where it names none. */
function holdsPoint(
  block: { network: Network },
  point: { glob: Glob; anyCase: boolean },
): boolean | undefined {
  const address = hasWildcard(point.glob) || point.anyCase ? undefined : parseNetwork(point.glob);
  return address === undefined ? undefined : networkIncludes(block.network, address);
}

type Range = { relation: Relation; bound: number };

function rangeCovers(outer: Range, inner: Range): boolean {
  if (inner.relation === 'is') return compare(inner.bound, outer.relation, outer.bound);
  if (outer.relation === 'is' || isLower(outer) !== isLower(inner)) return false;
  if (inner.bound === outer.bound)
    return (
      inner.relation === outer.relation || outer.relation === 'is at most' || outer.relation === 'is at least'
    );
  return isLower(outer) ? inner.bound < outer.bound : inner.bound > outer.bound;
}

function rangesOverlap(a: Range, b: Range): boolean {
  if (a.relation === 'is') return compare(a.bound, b.relation, b.bound);
  if (b.relation === 'is') return compare(b.bound, a.relation, a.bound);
  if (isLower(a) === isLower(b)) return true;
  const [low, high] = isLower(a) ? [b, a] : [a, b];
  if (low.bound !== high.bound) return low.bound < high.bound;
  return low.relation === 'is at least' && high.relation === 'is at most';
}

/** Whether a range reaches down without end. */
function isLower({ relation }: Range): boolean {
  return relation === 'is below' || relation === 'is at most';
}
