import { arnParts } from './arn.ts';
import { type Network, networkIncludes, parseNetwork } from './network.ts';
import { covers, type Glob, globsOverlap, hasWildcard } from './pattern.ts';

/** A set of values. Numbers stand for dates too (milliseconds). */
export type Shape =
  | { kind: 'glob'; glob: Glob; anyCase: boolean }
  | { kind: 'arn'; parts: readonly Glob[] }
  | { kind: 'number' | 'date'; relation: Relation; bound: number }
  | { kind: 'network'; network: Network };

/** How a number or date stands to the policy's. */
export type Relation = 'is' | 'is below' | 'is at most' | 'is above' | 'is at least';

/** Whether `number` stands so to `bound`. */
export function compare(number: number, relation: Relation, bound: number): boolean {
  if (relation === 'is') return number === bound;
  if (relation === 'is below') return number < bound;
  if (relation === 'is at most') return number <= bound;
  return relation === 'is above' ? number > bound : number >= bound;
}

/** Whether `outer` holds all of `inner`. */
export function shapeCovers(outer: Shape, inner: Shape): boolean {
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

/** Whether some value is in both. A yes may be wrong. */
export function shapesOverlap(a: Shape, b: Shape): boolean {
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
