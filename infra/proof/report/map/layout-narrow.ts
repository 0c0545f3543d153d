import { bundleCalls, isKept, violatingCalls } from './bundles.ts';
import {
  type Area,
  entriesByFunction,
  type Frame,
  type Layout,
  type Line,
  leftOf,
  mean,
  middle,
  type PlacedNode,
  rightOf,
  spread,
  stack,
  stackHeight,
} from './layout.ts';
import { INTERNET, type MapZone, nodesIn, type ZoneMap } from './model.ts';
import { corners, curve, type Point, swing } from './paths.ts';

const TOP = 60;
const HEAD = 40;
const GAP = 10;
const INSIDE = 8;
/** Space at the right of keys, for the lines to them. */
const KEY_SIDE = 12;
const MARGIN = 4;
/** The least width of a card in which names and times stay on a line. */
const LEAST_CARD = 300;

/** Widths of a card and of the columns in it. */
interface Columns {
  card: number;
  functions: number;
  entries: number;
  signers: number;
  keys: number;
}

function columnsOf(card: number): Columns {
  const room = card - 2 * INSIDE;
  const of = (part: number) => Math.floor(room * part);
  return {
    card,
    functions: Math.max(94, of(0.25)),
    entries: Math.max(168, of(0.55)),
    signers: of(0.55),
    keys: of(0.35),
  };
}

/** A card with what is in it; `rows` that belong together stand side by side. */
interface Card {
  frame: Frame;
  nodes: PlacedNode[];
}

/** Draws the map as cards one below the other: a zone with its hosts, another one, at last the signing zone. At the left, rails lead from functions to signers. As wide as `width` if the rails leave the cards room enough, else wider. For phones and tablets. */
export function layoutNarrow(map: ZoneMap, width: number): Layout {
  const rails = bundleCalls(map).filter(({ leaves, target }) => leaves && target.zone !== INTERNET);
  const count = rails.length + violatingCalls(map).length;
  const apart = Math.max(4, Math.min(8, (width - LEAST_CARD - 2 * MARGIN - 2) / Math.max(count, 1)));
  const left = Math.ceil(MARGIN + 2 + count * apart);
  const columns = columnsOf(Math.max(LEAST_CARD, width - left - MARGIN));
  const railAt = (index: number) => left - 6 - index * apart;
  const cards: Card[] = [];
  let y = TOP;
  for (const zone of map.zones) {
    const card = zone.signing
      ? signingCard(map, zone, columns, left, y)
      : zoneCard(map, zone, columns, left, y);
    cards.push(card);
    y = card.frame.y + card.frame.height + 20;
  }
  const nodes = cards.flatMap((card) => card.nodes);
  const at = new Map(nodes.map((node) => [node.node.id, node]));
  return {
    heading: map.system,
    ...{ width: left + columns.card + MARGIN, height: y, nodes, pills: [], captions: [], legend: [] },
    frames: cards.map(({ frame }) => frame),
    lines: [
      ...insideLines(map, at),
      ...rails.flatMap(({ sources, target }, index) =>
        sources.flatMap((source) =>
          railLine(source, target.id, railAt(index), at, isKept(target) ? 'keep' : 'call'),
        ),
      ),
      ...violatingCalls(map).flatMap(({ from, to }, index) =>
        railLine(from, to, railAt(rails.length + index), at, 'violation'),
      ),
    ],
  };
}

function zoneCard(map: ZoneMap, zone: MapZone, columns: Columns, x: number, y: number): Card {
  const { card } = columns;
  const entries = stack(
    [...entriesByFunction(map, zone.name), ...nodesIn(map, zone.name, 'table')],
    x + card - INSIDE - columns.entries,
    y + HEAD,
    columns.entries,
    GAP,
  );
  const functions = besideEntries(map, zone.name, entries, x + INSIDE, y + HEAD, columns.functions);
  const hosts = nodesIn(map, INTERNET, 'host').filter(({ id }) =>
    map.calls.some(({ from, to }) => to === id && functions.some(({ node }) => node.id === from)),
  );
  const bottom = Math.max(y + HEAD + 32, ...[...entries, ...functions].map((of) => of.y + of.height));
  const outward = stack(hosts, x + INSIDE, bottom + GAP + 8, card - 2 * INSIDE, 6);
  const height = Math.max(bottom, ...outward.map((of) => of.y + of.height)) + INSIDE - y;
  return {
    frame: frameOf(zone, `Zone ${zone.name}`, zone.cidr, { x, y, width: card, height }),
    nodes: [...functions, ...entries, ...outward],
  };
}

/** Functions, each at the height of what starts it. */
function besideEntries(
  map: ZoneMap,
  zone: string,
  entries: readonly PlacedNode[],
  x: number,
  top: number,
  width: number,
): PlacedNode[] {
  const wished = stack(nodesIn(map, zone, 'function'), x, top, width, GAP).map((placed) => {
    const starts = map.calls.filter(({ verb, to }) => verb === 'start' && to === placed.node.id);
    const by = entries.filter(({ node }) => starts.some(({ from }) => from === node.id));
    return { ...placed, y: mean(by.map(middle), middle(placed)) - placed.height / 2 };
  });
  return spread(wished, top, GAP);
}

function signingCard(map: ZoneMap, zone: MapZone, columns: Columns, x: number, y: number): Card {
  const signers = nodesIn(map, zone.name, 'signer');
  const keys = nodesIn(map, zone.name, 'key', 'record').sort((a, b) =>
    (a.notes[0] ?? '').localeCompare(b.notes[0] ?? ''),
  );
  const others = nodesIn(map, zone.name, 'function');
  const heights = [
    stackHeight([...signers, ...others], columns.signers, GAP),
    stackHeight(keys, columns.keys, GAP),
  ];
  const content = Math.max(...heights);
  const way = zone.internet === 'none' ? 'no way to the internet' : 'a way to the internet';
  const top = y + HEAD + (content - (heights[1] ?? 0)) / 2;
  return {
    frame: frameOf(zone, 'Signing zone', way, {
      x,
      y,
      width: columns.card,
      height: HEAD + content + INSIDE + 14,
    }),
    nodes: [
      ...stack([...signers, ...others], x + INSIDE, y + HEAD, columns.signers, GAP),
      ...stack(keys, x + columns.card - KEY_SIDE - columns.keys, top, columns.keys, GAP),
    ],
  };
}

function frameOf(zone: MapZone, title: string, aside: string, area: Area): Frame {
  return { ...area, zone, kind: zone.signing ? 'signing' : 'zone', title, aside };
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
  const end: Point[] = isKept(to.node) ? roundSigners(rail, to, at) : [[rail, middle(to)], leftOf(to)];
  return [{ from: [source], to: [target], path: corners([...start, ...end], 7), kind, arrow: true }];
}

/** Below the signers, and up at the right of the keys. */
function roundSigners(rail: number, to: PlacedNode, at: ReadonlyMap<string, PlacedNode>): Point[] {
  const inZone = [...at.values()].filter(({ node }) => node.zone === to.node.zone);
  const bottom = Math.max(...inZone.map(({ y, height }) => y + height)) + (to.node.kind === 'key' ? 16 : 9);
  const up = to.x + to.width + (to.node.kind === 'key' ? 8 : 4);
  return [[rail, bottom], [up, bottom], [up, middle(to)], rightOf(to)];
}
