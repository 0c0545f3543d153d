import { bundleCalls, isKept } from './bundles.ts';
import { HOSTS, RIGHT, TOP } from './columns.ts';
import type { Layout, Line } from './layout.ts';
import {
  exitLines,
  keepLines,
  outLines,
  signLines,
  startLines,
  tableLines,
  violationLines,
} from './lines-wide.ts';
import type { ZoneMap } from './model.ts';
import {
  clientOf,
  placeHosts,
  placeKeys,
  placeLanes,
  placeSigningPills,
  signingFrames,
} from './place-wide.ts';
import { textWidth } from './text.ts';

/** Draws the map in columns: the internet, the zones one below the other, the signing zone. For wide screens and paper. */
export function layoutWide(map: ZoneMap): Layout {
  const bundles = bundleCalls(map);
  const lanes = placeLanes(map, bundles);
  const bottom = Math.max(...lanes.map(({ frame }) => frame.y + frame.height), TOP);
  const signers = lanes.flatMap((lane) => lane.signers);
  const keys = placeKeys(map, signers, bundles);
  const hosts = placeHosts(map, lanes);
  const nodes = [...hosts, ...lanes.flatMap((lane) => lane.nodes), ...signers, ...keys];
  const at = new Map(nodes.map((node) => [node.node.id, node]));
  const exits = lanes.flatMap((lane) => lane.exits).filter(({ bundle }) => isKept(bundle.target));
  const networkBottom = Math.max(bottom, ...keys.map(({ y, height }) => y + height));
  const height = networkBottom + (exits.length > 0 ? 30 + exits.length * 9 : 16);
  const inner = placeSigningPills(bundles, at);
  const clients = [...new Set(inner.map(({ bundle }) => clientOf(bundle)))];
  const pills = [
    ...lanes.flatMap((lane) => [...lane.exits.map(({ pill }) => pill), ...(lane.gate ? [lane.gate] : [])]),
    ...inner.map(({ pill }) => pill),
  ];
  const lines = [
    ...startLines(map, at),
    ...lanes.flatMap((lane) => [
      ...outLines(map, lane, at),
      ...exitLines(lane, at),
      ...tableLines(lane, bundles, at),
    ]),
    ...inner.flatMap(({ bundle, pill }) => signLines(bundle, pill, clients.indexOf(clientOf(bundle)), at)),
    ...keepLines(exits, at, networkBottom + 22),
    ...violationLines(map, at),
  ];
  return {
    heading: `${map.system}: zones, and every call they permit`,
    ...{ width: RIGHT + 20, height: height + 46, nodes, pills, lines },
    frames: [...lanes.map(({ frame }) => frame), ...signingFrames(map, TOP, height, networkBottom)],
    captions:
      hosts.length > 0
        ? [{ text: 'The internet', x: HOSTS.x, y: Math.min(...hosts.map(({ y }) => y)) - 12 }]
        : [],
    legend: placeLegend(lines, HOSTS.x, height + 26),
  };
}

/** What kinds of lines mean, for the kinds that there are. */
const MEANINGS: readonly [Line['kind'], string][] = [
  ['call', 'starts or calls'],
  ['sign', 'signs with, reads'],
  ['keep', 'makes, disables, changes'],
  ['out', 'https'],
  ['violation', 'violates a boundary'],
];

function placeLegend(lines: readonly Line[], x: number, y: number): Layout['legend'] {
  let next = x;
  return MEANINGS.filter(([kind]) => lines.some((drawn) => drawn.kind === kind)).map(([kind, text]) => {
    const item = { kind, text, x: next, y };
    next += 62 + textWidth(text, 'note');
    return item;
  });
}
