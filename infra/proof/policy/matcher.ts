import { hasUnknown, showUnknown } from '../assembly/unknown.ts';
import { arnParts, matchArn } from './arn.ts';
import { networkIncludes, parseNetwork } from './network.ts';
import {
  fillPattern,
  type Glob,
  hasWildcard,
  matchGlob,
  type Pattern,
  parsePattern,
  type ReadVariable,
  showGlob,
} from './pattern.ts';
import { compare, type Relation, type Shape, shapeCovers, shapesOverlap } from './shape.ts';
import type { Truth } from './truth.ts';

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
