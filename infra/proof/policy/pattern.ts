import { hasUnknown } from '../assembly/unknown.ts';
import type { Truth } from './truth.ts';

/** Wildcards of a glob; asterisks and question marks in one are themselves. */
const ANY = '\uE010';
const ONE = '\uE011';

/** A text in which {@link ANY} stands for any characters and {@link ONE} for any single one. */
export type Glob = string;

/** A policy variable, `${aws:username}` or `${aws:PrincipalTag/team, 'none'}`. */
interface Variable {
  /** Lower-case name of a context key. */
  key: string;
  fallback: string | undefined;
}

/** A value of a policy that may hold wildcards and policy variables. */
export interface Pattern {
  source: string;
  parts: readonly (Glob | Variable)[];
  /** The whole pattern, where it has no variables. */
  glob: Glob | undefined;
  /** Lower-case names of the context keys that its variables read. */
  keys: readonly string[];
}

/** The one value of a context key, or undefined where it has none or several. */
export type ReadVariable = (key: string) => string | undefined;

const TOKEN = /\$\{([^}]*)\}|[*?]/g;

/**
 * Parses a value of a policy. `wildcards` says whether `*` and `?` are wildcards here, `variables` whether
 * `${…}` is replaced (it is literal text before policy version 2012-10-17).
 */
export function parsePattern(
  source: string,
  { wildcards, variables }: { wildcards: boolean; variables: boolean },
): Pattern {
  const parts: (Glob | Variable)[] = [];
  let text = '';
  let end = 0;
  for (const match of source.matchAll(TOKEN)) {
    text += source.slice(end, match.index);
    end = match.index + match[0].length;
    const name = match[1];
    if (name === undefined) text += wildcards ? (match[0] === '*' ? ANY : ONE) : match[0];
    else if (!variables) text += literal(match[0], wildcards);
    else if (name === '*' || name === '?' || name === '$') text += name;
    else {
      parts.push(text, parseVariable(name));
      text = '';
    }
  }
  parts.push(text + source.slice(end));
  const glob = parts.length === 1 && typeof parts[0] === 'string' ? parts[0] : undefined;
  const keys = parts.flatMap((part) => (typeof part === 'string' ? [] : [part.key]));
  return { source, parts, glob, keys };
}

function literal(text: string, wildcards: boolean): string {
  return wildcards ? text.replaceAll('*', ANY).replaceAll('?', ONE) : text;
}

function parseVariable(name: string): Variable {
  const [, key, fallback] = /^(.*?)(?:, *'(.*)')?$/.exec(name) ?? [];
  return { key: (key ?? name).trim().toLowerCase(), fallback };
}

/** The glob that `pattern` is once its variables are replaced; undefined when one has no value, and then nothing matches. */
export function fillPattern(pattern: Pattern, read: ReadVariable): Glob | undefined {
  if (pattern.glob !== undefined) return pattern.glob;
  let glob = '';
  for (const part of pattern.parts) {
    const text = typeof part === 'string' ? part : (read(part.key) ?? part.fallback);
    if (text === undefined) return undefined;
    glob += text;
  }
  return glob;
}

/** Whether `glob` holds a wildcard. */
export function hasWildcard(glob: Glob): boolean {
  return glob.includes(ANY) || glob.includes(ONE);
}

/** `glob` as a policy writes it. */
export function showGlob(glob: Glob): string {
  return glob.replaceAll(ANY, '*').replaceAll(ONE, '?');
}

/** Whether `glob` matches all of `text`; not known where either holds a part that only the deploy knows. */
export function matchGlob(glob: Glob, text: string): Truth {
  if (glob === text) return true;
  if (!hasUnknown(glob) && !hasUnknown(text)) return covers(glob, text);
  if (!hasUnknown(glob) && covers(glob, openUnknown(text))) return true;
  return globsOverlap(openUnknown(glob), openUnknown(text)) ? undefined : false;
}

/** Each unknown part replaced by a wildcard. */
function openUnknown(text: string): Glob {
  return text.replace(/\uE000[^\uE001]*\uE001/g, ANY);
}

/**
 * Whether every text that `inner` matches is matched by `outer` too. Never wrongly true; may be false for
 * equivalent globs that are written differently. A text without wildcards is a glob that matches itself.
 */
export function covers(outer: Glob, inner: Glob): boolean {
  let o = 0;
  let i = 0;
  let star = -1;
  let mark = 0;
  while (i < inner.length) {
    const want = outer[o];
    if (want === ANY) {
      star = o++;
      mark = i;
    } else if (want !== undefined && (want === inner[i] || (want === ONE && inner[i] !== ANY))) {
      o++;
      i++;
    } else if (star >= 0) {
      o = star + 1;
      i = ++mark;
    } else {
      return false;
    }
  }
  while (outer[o] === ANY) o++;
  return o === outer.length;
}

/** Whether some text is matched by both globs. */
export function globsOverlap(a: Glob, b: Glob): boolean {
  // row[j]: whether the rest of `a` from i and the rest of `b` from j have a text in common.
  let below = overlapRow(a, b, a.length, []);
  for (let i = a.length - 1; i >= 0; i--) below = overlapRow(a, b, i, below);
  return below[0] === true;
}

function overlapRow(a: Glob, b: Glob, i: number, below: readonly boolean[]): boolean[] {
  const row: boolean[] = new Array(b.length + 1).fill(false);
  for (let j = b.length; j >= 0; j--) {
    const atA = a[i];
    const atB = b[j];
    if (atA === undefined && atB === undefined) row[j] = true;
    else if (atA === ANY || atB === ANY)
      row[j] = (atA !== undefined && below[j] === true) || (atB !== undefined && row[j + 1] === true);
    else if (atA !== undefined && atB !== undefined)
      row[j] = (atA === atB || atA === ONE || atB === ONE) && below[j + 1] === true;
  }
  return row;
}
