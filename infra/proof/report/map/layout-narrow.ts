import { type Bundle, bundleCalls, violatingCalls } from './bundles.ts';
import {
  entriesByFunction,
  type Frame,
  type Layout,
  type Line,
  middle,
  type PlacedNode,
  stack,
  stackHeight,
} from './layout.ts';
import { INTERNET, type MapZone, nodesIn, type ZoneMap } from './model.ts';
import { corners, curve, type Point, swing } from './paths.ts';

const TOP = 60;
const HEAD = 40;
const GAP = 10;
const FUNCTIONS = 104;
const ENTRIES = 178;
const SIGNERS = 204;
const KEYS = 118;
const INSIDE = 12;
const BETWEEN = 40;
const CARD = INSIDE * 2 + SIGNERS + KEYS + BETWEEN;

/** A card with what is in it; `rows` that belong together stand side by side. */
interface Card {
  frame: Frame;
  nodes: PlacedNode[];
}

/** Draws the map as cards one below the other: a zone with its hosts, another one, at last the signing zone. At the left, rails lead from functions to signers. For phones. */
export function layoutNarrow(map: ZoneMap): Layout {
  const rails = bundleCalls(map).filter(({ leaves, target }) => leaves && target.zone !== INTERNET);
  const left = 16 + rails.length * 8 + violatingCalls(map).length * 8;
  const cards: Card[] = [];
  let y = TOP;
  for (const zone of map.zones) {
    const card = zone.signing ? signingCard(map, zone, left, y) : zoneCard(map, zone, left, y);
    cards.push(card);
    y = card.frame.y + card.frame.height + 20;
  }
  const nodes = cards.flatMap((card) => card.nodes);
  const at = new Map(nodes.map((node) => [node.node.id, node]));
  return {
    heading: map.system,
    ...{ width: left + CARD + 16, height: y, nodes, pills: [], captions: [], legend: [] },
    frames: cards.map(({ frame }) => frame),
    lines: [
      ...insideLines(map, at),
      ...rails.flatMap((bundle, index) => railLines(bundle, left - 12 - index * 8, at)),
      ...violatingCalls(map).flatMap(({ from, to }, index) =>
        railLine(from, to, left - 12 - (rails.length + index) * 8, at, 'violation'),
      ),
    ],
  };
}

function zoneCard(map: ZoneMap, zone: MapZone, x: number, y: number): Card {
  const functions = nodesIn(map, zone.name, 'function');
  const entries = [...entriesByFunction(map, zone.name), ...nodesIn(map, zone.name, 'table')];
  const mine = new Set(functions.map(({ id }) => id));
  const hosts = nodesIn(map, INTERNET, 'host').filter(({ id }) =>
    map.calls.some(({ from, to }) => to === id && mine.has(from)),
  );
  const content = Math.max(stackHeight(functions, FUNCTIONS, GAP), stackHeight(entries, ENTRIES, GAP), 32);
  const inner = CARD - 2 * INSIDE;
  const below = y + HEAD + content + (hosts.length > 0 ? GAP + 8 : 0);
  const outward = stack(hosts, x + INSIDE, below, inner, 6);
  const height = HEAD + content + (hosts.length > 0 ? GAP + 8 + stackHeight(hosts, inner, 6) : 0) + INSIDE;
  const top = y + HEAD + (content - stackHeight(functions, FUNCTIONS, GAP)) / 2;
  return {
    frame: frameOf(zone, `Zone ${zone.name}`, zone.cidr, x, y, height),
    nodes: [
      ...stack(functions, x + INSIDE, top, FUNCTIONS, GAP),
      ...stack(entries, x + CARD - INSIDE - ENTRIES, y + HEAD, ENTRIES, GAP),
      ...outward,
    ],
  };
}

function signingCard(map: ZoneMap, zone: MapZone, x: number, y: number): Card {
  const signers = nodesIn(map, zone.name, 'signer');
  const keys = nodesIn(map, zone.name, 'key', 'record').sort((a, b) =>
    (a.notes[0] ?? '').localeCompare(b.notes[0] ?? ''),
  );
  const others = nodesIn(map, zone.name, 'function');
  const columns = [stackHeight([...signers, ...others], SIGNERS, GAP), stackHeight(keys, KEYS, GAP)];
  const content = Math.max(...columns);
  const way = zone.internet === 'none' ? 'no way to the internet' : 'a way to the internet';
  const top = y + HEAD + (content - (columns[1] ?? 0)) / 2;
  return {
    frame: frameOf(zone, 'Signing zone', way, x, y, HEAD + content + INSIDE + 14),
    nodes: [
      ...stack([...signers, ...others], x + INSIDE, y + HEAD, SIGNERS, GAP),
      ...stack(keys, x + CARD - INSIDE - KEYS, top, KEYS, GAP),
    ],
  };
}

function frameOf(zone: MapZone, title: string, aside: string, x: number, y: number, height: number): Frame {
  return { x, y, width: CARD, height, zone, kind: zone.signing ? 'signing' : 'zone', title, aside };
}

/** Lines between the two columns of a card. */
function insideLines(map: ZoneMap, at: ReadonlyMap<string, PlacedNode>): Line[] {
  const kinds = new Map(map.nodes.map(({ id, kind }) => [id, kind]));
  const drawn = new Set<string>();
  return map.calls.flatMap((call): Line[] => {
    const [from, to] = [at.get(call.from), at.get(call.to)];
    const id = `${call.from} ${call.to}`;
    if (call.violated || from === undefined || to === undefined || drawn.has(id)) return [];
    if (from.node.zone !== to.node.zone || (from.node.kind === 'signer' && call.verb.startsWith('read the')))
      return [];
    drawn.add(id);
    const kind = kinds.get(call.from) === 'signer' ? 'sign' : call.verb === 'start' ? 'start' : 'call';
    const path =
      from.x === to.x
        ? swing(rightOf(from), rightOf(to), 18)
        : from.x < to.x
          ? curve(rightOf(from), leftOf(to))
          : curve(leftOf(from), rightOf(to));
    return [{ from: [call.from], to: [call.to], path, kind, arrow: true }];
  });
}

function railLines(bundle: Bundle, rail: number, at: ReadonlyMap<string, PlacedNode>): Line[] {
  const kind = bundle.target.kind === 'key' || bundle.target.kind === 'record' ? 'keep' : 'call';
  return bundle.sources.flatMap((source) => railLine(source, bundle.target.id, rail, at, kind));
}

function railLine(
  source: string,
  target: string,
  rail: number,
  at: ReadonlyMap<string, PlacedNode>,
  kind: Line['kind'],
): Line[] {
  const [from, to] = [at.get(source), at.get(target)];
  if (from === undefined || to === undefined) return [];
  const start: Point[] = [leftOf(from), [rail, middle(from)]];
  const isInner = to.node.kind === 'key' || to.node.kind === 'record';
  const end: Point[] = isInner ? roundSigners(rail, to, at) : [[rail, middle(to)], leftOf(to)];
  return [{ from: [source], to: [target], path: corners([...start, ...end], 7), kind, arrow: true }];
}

/** Below the signers, and up at the right of the keys. */
function roundSigners(rail: number, to: PlacedNode, at: ReadonlyMap<string, PlacedNode>): Point[] {
  const inZone = [...at.values()].filter(({ node }) => node.zone === to.node.zone);
  const bottom = Math.max(...inZone.map(({ y, height }) => y + height)) + (to.node.kind === 'key' ? 16 : 9);
  const up = to.x + to.width + (to.node.kind === 'key' ? 8 : 4);
  return [[rail, bottom], [up, bottom], [up, middle(to)], rightOf(to)];
}

function leftOf(node: PlacedNode): Point {
  return [node.x, middle(node)];
}

function rightOf(node: PlacedNode): Point {
  return [node.x + node.width, middle(node)];
}
