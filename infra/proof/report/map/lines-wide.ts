import { type Bundle, isKept, violatingCalls } from './bundles.ts';
import { KEYS, RIGHT, SIGNERS, SIGNING, ZONE } from './columns.ts';
import { type Line, leftOf, middle, type Pill, type PlacedNode, rightOf } from './layout.ts';
import { INTERNET, nodesIn, type ZoneMap } from './model.ts';
import { corners, curve, type Point, swing } from './paths.ts';
import type { Lane } from './place-wide.ts';

/** Placed nodes by id. */
export type Places = ReadonlyMap<string, PlacedNode>;

/** From what enters a zone to the functions that it starts. */
export function startLines(map: ZoneMap, at: Places): Line[] {
  const starts = map.calls.flatMap((call): Line[] => {
    const [from, to] = [at.get(call.from), at.get(call.to)];
    if (call.verb !== 'start' || call.violated || from === undefined || to === undefined) return [];
    return [line([call.from], [call.to], curve(rightOf(from), leftOf(to)), 'start')];
  });
  const stubs = [...at.values()]
    .filter(({ node }) => node.kind === 'route' || node.kind === 'events')
    .map((node) => line([], [node.node.id], curve([ZONE.x - 22, middle(node)], leftOf(node)), 'start'));
  return [...stubs, ...starts];
}

/** From a zone's gate to the hosts that its functions reach. */
export function outLines(map: ZoneMap, { zone, gate }: Lane, at: Places): Line[] {
  if (gate === undefined) return [];
  const inZone = new Set(nodesIn(map, zone.name, 'function').map(({ id }) => id));
  return nodesIn(map, INTERNET, 'host').flatMap((host) => {
    const calls = map.calls.filter(
      ({ from, to, violated }) => to === host.id && inZone.has(from) && !violated,
    );
    const placed = at.get(host.id);
    if (calls.length === 0 || placed === undefined) return [];
    const sources = calls.map(({ from }) => from);
    return [line(sources, [host.id], curve(leftOf(gate), rightOf(placed)), 'out')];
  });
}

/** From functions through a zone's endpoints: to signers all the way, to keys and records up to the pill. */
export function exitLines({ exits }: Lane, at: Places): Line[] {
  return exits.flatMap(({ bundle, pill }) => {
    const target = at.get(bundle.target.id);
    if (target === undefined) return [];
    const kind = isKept(bundle.target) ? 'keep' : 'call';
    const into = fanIn(bundle, pill, at, kind);
    const out = curve(rightOf(pill), leftOf(target));
    return kind === 'keep' ? into : [...into, line(bundle.sources, [bundle.target.id], out, kind)];
  });
}

/** Signers of one client share a vertical line. */
export function signLines(bundle: Bundle, pill: Pill, lane: number, at: Places): Line[] {
  const target = at.get(bundle.target.id);
  if (target === undefined) return [];
  const out = curve(rightOf(pill), leftOf(target));
  const bus = SIGNERS.x + SIGNERS.width + 14 + lane * 8;
  const into = bundle.sources.flatMap((source): Line[] => {
    const from = at.get(source);
    if (from === undefined) return [];
    const points: Point[] = [rightOf(from), [bus, middle(from)], [bus, middle(pill)], leftOf(pill)];
    return [{ from: [source], to: [bundle.target.id], path: corners(points, 6), kind: 'sign', arrow: false }];
  });
  return [...into, line(bundle.sources, [bundle.target.id], out, 'sign')];
}

function fanIn(bundle: Bundle, pill: Pill, at: Places, kind: Line['kind']): Line[] {
  return bundle.sources.flatMap((source) => {
    const from = at.get(source);
    if (from === undefined) return [];
    const path = curve(rightOf(from), leftOf(pill));
    return [{ from: [source], to: [bundle.target.id], path, kind, arrow: false }];
  });
}

/** Between functions of a zone and its tables, and each other. */
export function tableLines({ zone }: Lane, bundles: readonly Bundle[], at: Places): Line[] {
  return bundles
    .filter((bundle) => bundle.zone === zone.name && !bundle.leaves)
    .flatMap((bundle) =>
      bundle.sources.flatMap((source) => {
        const [from, to] = [at.get(source), at.get(bundle.target.id)];
        if (from === undefined || to === undefined || isKept(bundle.target)) return [];
        const sameColumn = from.x === to.x;
        const path = sameColumn ? swing(rightOf(from), rightOf(to), 22) : curve(leftOf(from), rightOf(to));
        return [line([source], [bundle.target.id], path, 'call')];
      }),
    );
}

/** From a zone's pill round the signers to keys and records, each line in a channel of its own; ordered so that none crosses another. */
export function keepLines(
  exits: readonly { bundle: Bundle; pill: Pill }[],
  at: Places,
  channel: number,
): Line[] {
  const apart = Math.min(9, (RIGHT - 6 - KEYS.x - KEYS.width - 10) / Math.max(exits.length - 1, 1));
  return exits.flatMap(({ bundle, pill }, index) => {
    const target = at.get(bundle.target.id);
    if (target === undefined) return [];
    const y = channel + index * 9;
    const down = SIGNING.x - 14 - index * 9;
    const up = KEYS.x + KEYS.width + 10 + index * apart;
    const [to, level] = [target.x + target.width, middle(target)];
    const points: Point[] = [
      rightOf(pill),
      [down, middle(pill)],
      [down, y],
      [up, y],
      [up, level],
      [to, level],
    ];
    return [line(bundle.sources, [bundle.target.id], corners(points, 8), 'keep')];
  });
}

/** Calls that violate a boundary, straight from who to what. */
export function violationLines(map: ZoneMap, at: Places): Line[] {
  return violatingCalls(map).flatMap((call) => {
    const [from, to] = [at.get(call.from), at.get(call.to)];
    if (from === undefined || to === undefined) return [];
    const path =
      to.x > from.x + from.width
        ? curve(rightOf(from), leftOf(to))
        : to.x + to.width < from.x
          ? curve(leftOf(from), rightOf(to))
          : swing(rightOf(from), rightOf(to), 48);
    return [line([call.from], [call.to], path, 'violation')];
  });
}

function line(from: readonly string[], to: readonly string[], path: string, kind: Line['kind']): Line {
  return { from, to, path, kind, arrow: true };
}
