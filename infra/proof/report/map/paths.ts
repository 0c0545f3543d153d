/** A place in the drawing. */
export type Point = readonly [x: number, y: number];

/** A curve that leaves and arrives level. */
export function curve([x1, y1]: Point, [x2, y2]: Point): string {
  const bend = Math.max(18, Math.abs(x2 - x1) / 2) * Math.sign(x2 - x1 || 1);
  if (y1 === y2) return `M${at(x1, y1)}H${round(x2)}`;
  return `M${at(x1, y1)}C${at(x1 + bend, y1)} ${at(x2 - bend, y2)} ${at(x2, y2)}`;
}

/** A curve between two places on the same side, which swings out by `swing` (to the left if negative). */
export function swing([x1, y1]: Point, [x2, y2]: Point, by: number): string {
  return `M${at(x1, y1)}C${at(x1 + by, y1)} ${at(x2 + by, y2)} ${at(x2, y2)}`;
}

/** Straight pieces through `points`, with corners rounded by `radius`. */
export function corners(points: readonly Point[], radius: number): string {
  const [first, ...others] = points;
  if (first === undefined) return '';
  let path = `M${at(...first)}`;
  let before = first;
  others.forEach((corner, index) => {
    const after = others[index + 1];
    if (after === undefined) {
      path += `L${at(...corner)}`;
    } else {
      path += `L${at(...towards(corner, before, radius))}Q${at(...corner)} ${at(...towards(corner, after, radius))}`;
    }
    before = corner;
  });
  return path;
}

/** The place `distance` from `from` on the way to `to`, at most half-way. */
function towards([x1, y1]: Point, [x2, y2]: Point, distance: number): Point {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const part = length === 0 ? 0 : Math.min(distance, length / 2) / length;
  return [x1 + (x2 - x1) * part, y1 + (y2 - y1) * part];
}

function at(x: number, y: number): string {
  return `${round(x)} ${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
