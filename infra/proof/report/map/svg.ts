import { escapeControls } from '../../../terminal.ts';
import { readFacts, sentence, summarize, verdict } from './facts.ts';
import type { Frame, Layout, Line, Pill, PlacedNode } from './layout.ts';
import { INSET, SIGN_WIDTH } from './layout.ts';
import { layoutWide } from './layout-wide.ts';
import { hasViolations, type NodeKind, type ZoneMap } from './model.ts';
import { MAP_STYLE } from './style.ts';

/** The map as one SVG file that needs nothing else: style, title and every call in words are in it. */
export function renderSvg(map: ZoneMap): string {
  const facts = [summarize(map), ...readFacts(map).map(sentence)];
  return `<?xml version="1.0" encoding="UTF-8"?>\n${drawing(map, layoutWide(map), { description: facts, style: true })}\n`;
}

/** How a drawing is put into a page. */
interface DrawingOptions {
  /** Lines said to those who do not see it. */
  description: readonly string[];
  /** Whether its style is in it; else the page has `MAP_STYLE`. */
  style: boolean;
  /** Begins its ids, where a page has several drawings. */
  prefix?: string;
}

/** A layout as an svg element. */
export function drawing(map: ZoneMap, layout: Layout, options: DrawingOptions): string {
  const { width, height, frames, nodes, pills, lines, captions, legend } = layout;
  const { prefix = 'map' } = options;
  const style = options.style ? `<style>${MAP_STYLE}</style>` : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" class="zone-map" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${prefix}-title ${prefix}-description">
<title id="${prefix}-title">Zone map of ${escapeXml(map.system)}</title>
<desc id="${prefix}-description">${options.description.map(escapeXml).join('\n')}</desc>
${style}<defs>${TIPS.map((tip) => marker(prefix, tip)).join('')}</defs>
<rect class="paper" width="${width}" height="${height}" rx="12"/>
<text class="heading" x="20" y="36">${escapeXml(layout.heading)}</text>
${words(hasViolations(map) ? 'verdict aside violated' : 'note aside', verdict(map), width - 20, 36)}
${captions.map(({ text, x, y }) => `<text class="title" x="${x}" y="${y}">${escapeXml(text)}</text>`).join('\n')}
${frames.map(frame).join('\n')}
${strokes(lines, prefix, (kind) => kind !== 'violation')}
${nodes.map(box).join('\n')}
${strokes(lines, prefix, (kind) => kind === 'violation')}
${pills.map(pill).join('\n')}
${legend.map((item) => sample(item, prefix)).join('\n')}
</svg>`;
}

/** Classes of lines and of the tips of their arrows, by kind. */
const CLASSES: Readonly<Record<Line['kind'], string>> = {
  start: 'call',
  call: 'call',
  sign: 'signature',
  keep: 'keep',
  out: 'out',
  violation: 'violation',
};

const TIPS = ['call', 'signature', 'keep', 'out', 'violation'];

function marker(prefix: string, tip: string): string {
  return `<marker id="${prefix}-tip-${tip}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="tip ${tip}" d="M0 .8 7.5 4 0 7.2z"/></marker>`;
}

function sample({ kind, text, x, y }: Layout['legend'][number], prefix: string): string {
  const tip = CLASSES[kind];
  const path = `<path class="line ${tip}" d="M${x} ${n(y - 4)}h30" marker-end="url(#${prefix}-tip-${tip})"/>`;
  return `${path}${words('note', text, x + 38, y)}`;
}

function frame({ x, y, width, height, kind, title, aside, zone }: Frame): string {
  const state = zone.violated && kind !== 'network' ? ' violated' : '';
  return `<rect class="${kind}${state}" x="${x}" y="${n(y)}" width="${width}" height="${n(height)}" rx="${kind === 'network' ? 8 : 10}"/>${kind === 'network' ? words('note', title, x + 10, y + height - 6) : words('title', title, x + 14, y + 24)}${words('note aside', aside, x + width - 14, y + 23)}`;
}

function strokes(lines: readonly Line[], prefix: string, drawn: (kind: Line['kind']) => boolean): string {
  return lines
    .filter(({ kind }) => drawn(kind))
    .map((line) => stroke(line, prefix))
    .join('\n');
}

function stroke({ from, to, path, kind, arrow }: Line, prefix: string): string {
  const tip = CLASSES[kind];
  const end = arrow ? ` marker-end="url(#${prefix}-tip-${tip})"` : '';
  return `<path class="line ${tip}" d="${path}"${end} data-from="${attributeIds(from)}" data-to="${attributeIds(to)}"/>`;
}

function box({ node, x, y, width, height, lines }: PlacedNode): string {
  const state = node.violated ? ' violated' : '';
  const texts = lines.map(({ text, style, y: line }) =>
    words(style, text, x + INSET + (style === 'label' ? SIGN_WIDTH : 0), y + line),
  );
  return `<g class="node ${node.kind}${state}" data-node="${attributeIds([node.id])}"><rect x="${x}" y="${n(y)}" width="${width}" height="${n(height)}" rx="6"/><path class="sign" transform="translate(${x + 7} ${n(y + 7)})" d="${SIGNS[node.kind]}"/>${texts.join('')}</g>`;
}

function pill({ text, x, y, width, height }: Pill): string {
  return `<g class="pill"><rect x="${n(x)}" y="${n(y)}" width="${width}" height="${height}" rx="${height / 2}"/><text x="${n(x + width / 2)}" y="${n(y + height / 2 + 4)}">${escapeXml(text)}</text></g>`;
}

function words(style: string, text: string, x: number, y: number): string {
  return text === '' ? '' : `<text class="${style}" x="${n(x)}" y="${n(y)}">${escapeXml(text)}</text>`;
}

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
  host: 'M13 7A6 6 0 1 1 1 7a6 6 0 0 1 12 0zM1 7h12M7 1c-4 4-4 8 0 12M7 1c4 4 4 8 0 12',
};

/** What a node is called in the drawing's `data-` attributes: its id without the parts of an ARN that are the same for all. */
export function elementId(id: string): string {
  return id.replace(/^(?:rule:)?arn:(?:[^:]*:){4}/, '').replaceAll(/[ \u00a0]/g, '%20');
}

function attributeIds(ids: readonly string[]): string {
  return escapeXml(ids.map(elementId).join(' '));
}

/** A number with at most one decimal. */
function n(value: number): number {
  return Math.round(value * 10) / 10;
}

/**
 * `text` for elements and quoted attributes of XML and HTML: the characters of markup as entities, and those that XML may not
 * have or that would turn the text round as a terminal gets them, {@link escapeControls}.
 */
export function escapeXml(text: string): string {
  return escapeControls(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
