import { escapeXml } from '../../../terminal.ts';
import type { MapCall, MapNode, NodeKind, ZoneMap } from './model.ts';
import { elementId, INTERNET, NETWORKS, nameOf, zoneTitle } from './model.ts';

/** A call with the nodes at its ends. */
interface Edge extends MapCall {
  source: MapNode;
  target: MapNode;
}

/** Calls that differ in the node at one of their ends only. */
interface Bundle {
  /** Those nodes; all of one zone. */
  ends: readonly MapNode[];
  edges: readonly Edge[];
}

/** Nodes that may make the same calls: they share what stands at their right. */
interface Row {
  pairs: readonly { node: MapNode; into: readonly Bundle[] }[];
  out: readonly Bundle[];
}

/** A zone, or the internet, with what is in it. */
interface Card {
  title: string;
  aside: string;
  style: string;
  rows: readonly Row[];
}

/**
 * The map as cards, one a zone and one for the internet, in two columns where there is room. In a card each node has at its
 * left what may call it and at its right what it may call, also what is in another card: no line leaves a card, so none
 * crosses another, and any width will do. XHTML, for a page or a drawing that has `MAP_STYLE`.
 */
export function drawMap(map: ZoneMap): string {
  const drawColumn = (cards: readonly Card[]) =>
    `<div class="column">${cards.map(drawCard).join('\n')}</div>`;
  return `<div class="zone-map">${columnsOf(map).map(drawColumn).join('\n')}</div>`;
}

/** How high {@link drawMap} becomes in two columns of 600 pixels. Too much rather than too little, since faces differ. */
export function estimateHeight(map: ZoneMap): number {
  const linesOf = (texts: readonly string[], width: number) =>
    18 * sum(texts.map((text) => Math.ceil(text.length / width)));
  const nodeHeight = ({ label, notes }: MapNode, width: number) => 14 + linesOf([label, ...notes], width);
  const callsHeight = (bundles: readonly Bundle[], width: number) =>
    sum(
      bundles.map(({ ends, edges }) =>
        ends.some(({ kind }) => ENTRIES.includes(kind))
          ? 8 + sum(ends.map((node) => nodeHeight(node, width)))
          : 8 + linesOf([[...ends.map(nameOf), ...verbsOf(edges), '12 more'].join(', ')], width),
      ),
    );
  const rowHeight = ({ pairs, out }: Row) => {
    const width = out.length > 0 ? 16 : 36;
    const heights = pairs.map(({ node, into }) =>
      Math.max(callsHeight(into, width), nodeHeight(node, width)),
    );
    return 12 + Math.max(sum(heights.map((height) => 12 + height)), callsHeight(out, 26));
  };
  const cardHeight = ({ rows }: Card) => 64 + sum(rows.map(rowHeight));
  return Math.max(...columnsOf(map).map((cards) => sum(cards.map(cardHeight))));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0);

/** The zones, and what is outside them. */
function columnsOf(map: ZoneMap): Card[][] {
  const byId = new Map(map.nodes.map((node) => [node.id, node]));
  const edges = map.calls.flatMap((call): Edge[] => {
    const [source, target] = [byId.get(call.from), byId.get(call.to)];
    return source === undefined || target === undefined ? [] : [{ ...call, source, target }];
  });
  const cards = map.zones.map(({ name, signing, cidr, internet, violated }): Card & { signing: boolean } => ({
    title: zoneTitle(name),
    rows: rowsOf(map, name, edges),
    signing,
    aside: [cidr, WAYS[internet]].filter(Boolean).join(' · '),
    style: `${signing ? 'signing' : 'zone'}${violated ? ' violated' : ''}`,
  }));
  const outside = [INTERNET, NETWORKS].map((of) => ({
    title: of.replace(/^internet$/, 'the $&'),
    aside: '',
    style: 'zone',
    rows: rowsOf(map, of, edges),
  }));
  return [
    cards.filter(({ signing }) => !signing),
    [...cards.filter(({ signing }) => signing), ...outside.filter(({ rows }) => rows.length > 0)],
  ];
}

const WAYS = {
  none: 'no way to the internet',
  https: 'https to its hosts',
  any: 'any way to the internet',
} as const;

const ENTRIES: readonly NodeKind[] = ['route', 'events', 'schedule'];

function rowsOf(map: ZoneMap, zone: string, edges: readonly Edge[]): Row[] {
  const isDrawnAsCaller = (node: MapNode) =>
    ENTRIES.includes(node.kind) && edges.some(({ source }) => source === node);
  const shown = map.nodes.filter((node) => node.zone === zone && !isDrawnAsCaller(node));
  const rows = Map.groupBy(shown, (node) => {
    const out = edges.filter(({ source }) => source === node);
    const calls = out.map(({ to, verb, through, violated }) => `${to} ${verb} ${through} ${violated}`);
    return [node.kind, ...calls].join('\n');
  });
  const callersOf = (node: MapNode) => edges.filter(({ target }) => target === node);
  return [...rows.values()].map((nodes) => {
    const calls = edges.filter(({ source }) => nodes.includes(source));
    const pairs = nodes.map((node) => ({ node, into: bundle(callersOf(node), 'source') }));
    return { pairs, out: bundle(calls, 'target') };
  });
}

/** `edges` by the node at their `end`, and those nodes together that are of one zone and have the same calls. */
function bundle(edges: readonly Edge[], end: 'source' | 'target'): Bundle[] {
  const byNode = Map.groupBy(edges, (edge) => `${edge[end].id} ${edge.through} ${edge.violated}`);
  const alike = Map.groupBy(byNode.values(), ([edge, ...others]) =>
    edge === undefined || ENTRIES.includes(edge[end].kind)
      ? edge
      : [edge[end].zone, edge.through, edge.violated, ...verbsOf([edge, ...others])].join('\n'),
  );
  return [...alike.values()].map((groups) => ({
    ends: groups.flatMap(([edge]) => edge?.[end] ?? []),
    edges: groups.flat(),
  }));
}

const verbsOf = (edges: readonly Edge[]): string[] => [...new Set(edges.map(({ verb }) => verb))];

function drawCard({ title, aside, style, rows }: Card): string {
  const name = escapeXml(title.charAt(0).toUpperCase() + title.slice(1));
  return `<div class="zone-card ${style}" role="group" aria-label="${name}"><p class="title">${name} <span class="note">${escapeXml(aside)}</span></p>
${rows.map(drawRow).join('\n')}</div>`;
}

function drawRow({ pairs, out }: Row): string {
  const lefts = pairs.map(({ node, into }) => {
    const callers = into.map((callers) => `<li>${drawCallers(callers)}</li>`).join('');
    return `<li>${callers === '' ? '' : `<ul class="callers">${callers}</ul>${ARROW}`}${drawNode(node)}</li>`;
  });
  const rights = out.map((targets) => `<li>${ARROW}${drawCalls(targets, 'target')}</li>`);
  return `<div class="group"><ul class="pairs">${lefts.join('\n')}</ul>${rights.length === 0 ? '' : `<ul class="callees">${rights.join('\n')}</ul>`}</div>`;
}

const ARROW = '<i class="arrow"></i>';

function drawCallers(bundle: Bundle): string {
  const entries = bundle.ends.filter(({ kind }) => ENTRIES.includes(kind));
  return entries.length > 0 ? entries.map(drawNode).join('') : drawCalls(bundle, 'source');
}

/** Calls by what they go through, what they do, and the nodes at one of their ends. */
function drawCalls({ ends, edges }: Bundle, end: 'source' | 'target'): string {
  const [edge] = edges;
  if (edge === undefined) return '';
  const { zone, kind } = edge[end];
  const isNear = edge.source.zone === edge.target.zone || (end === 'target' && !OF_ZONES.includes(kind));
  const names = ends.map((node) => {
    const own = edges.filter((call) => call[end] === node);
    const ids = (of: 'source' | 'target') => [...new Set(own.map((call) => elementId(call[of])))].join(' ');
    return `<code class="${kind}" data-from="${escapeXml(ids('source'))}" data-to="${escapeXml(ids('target'))}">${breakable(nameOf(node))}</code>`;
  });
  const verbs = verbsOf(edges).filter((verb) => !verb.startsWith('open'));
  const who = `${names.join(', ')}${isNear ? '' : escapeXml(` of ${zoneTitle(zone)}`)}`;
  const may = verbs.length === 0 || end === 'target' ? verbs.join(', ') : `may ${verbs.join(', ')} it`;
  const violation = edge.violated ? '<strong>violates a boundary:</strong> ' : '';
  const words = end === 'target' ? `${may} ${who}` : `${who} ${may}`;
  return `<span class="call${edge.violated ? ' violated' : ''}"><b class="pill">${escapeXml(edge.through)}</b> ${violation}${words.trim()}</span>`;
}

/** What every zone may have, so that a call of another zone's names the zone. */
const OF_ZONES: readonly NodeKind[] = ['function', 'table', 'queue', 'secret'];

function drawNode(node: MapNode): string {
  const { kind, label, notes, violated } = node;
  const lines = notes.map((note) => `<span class="note">${breakable(note)}</span>`);
  return `<div class="node ${kind}${violated ? ' violated' : ''}" data-node="${escapeXml(elementId(node))}"><svg xmlns="http://www.w3.org/2000/svg" class="sign" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><path d="${SIGNS[kind]}"/></svg><span class="label">${breakable(label)}</span>${lines.join('')}</div>`;
}

/** Text of a name, which may be broken where hosts and paths have their parts. */
const breakable = (text: string): string => escapeXml(text).replaceAll(/(?<=\w)[./](?=[\w{])/g, '$&<wbr/>');

/** Signs of the kinds of nodes, in an area of 14 by 14. */
const SIGNS: Readonly<Record<NodeKind, string>> = {
  route: 'M1 7h7M5.5 4 8.5 7l-3 3M10 2h3v10h-3',
  events: 'M1.5 3h11v8.5h-11zM1.5 3.5 7 8l5.5-4.5',
  schedule: 'M13 7A6 6 0 1 1 1 7a6 6 0 0 1 12 0zM7 3.5V7l2.5 1.5',
  function: 'M2.5 2h2l6 10.5h2M6.8 6 3 12.5',
  signer: 'M2 12.5 3 9l7-7 2.5 2.5-7 7zM8.5 3.5 11 6M8 12.5h5',
  key: 'M7.5 5a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM7.5 5H13v3M10.5 5v2.2',
  record: 'M3 1.5h5.5L11.5 5v7.5H3zM5 6.5h4.5M5 9.5h4.5',
  table: 'M2 3.5c0-2.6 10-2.6 10 0v7c0 2.6-10 2.6-10 0zM2 3.5c0 2.6 10 2.6 10 0',
  queue: 'M1.5 4h3v6h-3zM5.5 4h3v6h-3zM9.5 4h3v6h-3z',
  secret: 'M3 6.5h8v6H3zM4.5 6.5v-2a2.5 2.5 0 0 1 5 0v2',
  host: 'M13 7A6 6 0 1 1 1 7a6 6 0 0 1 12 0zM1 7h12M7 1c-4 4-4 8 0 12M7 1c4 4 4 8 0 12',
};
