import { hasUnknown } from '../assembly/unknown.ts';
import { and, type Truth } from './ternary.ts';

/** Wildcards of a glob; asterisks and question marks in one are themselves. */
const ANY = '\uE010';
const ONE = '\uE011';

/** A text in which {@link ANY} stands for any characters and {@link ONE} for any single one. */
export type Glob = string;

const TOKEN = /\$\{([^}]*)\}|[*?]/g;

/** How a value of a policy is read: whether `*` and `?` are wildcards in it, and whether `${…}` is replaced (before policy version 2012-10-17 it is literal text). */
export interface Notation {
  wildcards: boolean;
  variables: boolean;
}

/** The glob that a value of a policy is; undefined where a policy variable (`${aws:username}`) is part of it, which this engine does not follow. */
export function parsePattern(source: string, { wildcards, variables }: Notation): Glob | undefined {
  const literal = (text: string) => (wildcards ? text.replaceAll('*', ANY).replaceAll('?', ONE) : text);
  let open = false;
  const glob = source.replace(TOKEN, (token, name: string | undefined) => {
    if (name === undefined || !variables) return literal(token);
    if (name === '*' || name === '?' || name === '$') return name;
    open = true;
    return token;
  });
  return open ? undefined : glob;
}

/** The glob that an ARN pattern is outside a policy. */
export function globOf(arn: string): Glob {
  return arn.replaceAll('*', ANY).replaceAll('?', ONE);
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
const openUnknown = (text: string): Glob => text.replace(/\uE000[^\uE001]*\uE001/g, ANY);

/** Whether `parts` (of an ARN pattern) match the ARN `value`; not known for a pattern that has no six components. */
export function matchArn(parts: readonly Glob[], value: string): Truth {
  if (parts.length < 6) return undefined;
  const values = arnParts(value);
  if (values.length < 6) return hasUnknown(value) ? undefined : false;
  return parts.reduce<Truth>(
    (all, part, index) => (all === false ? false : and(all, matchGlob(part, values[index] ?? ''))),
    true,
  );
}

/** The six components of an ARN; the last keeps its colons. Fewer where `arn` has fewer. */
export function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
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
  // Most are texts, and the one way is quicker than the table.
  if (!hasWildcard(b)) return covers(a, b);
  if (!hasWildcard(a)) return covers(b, a);
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
