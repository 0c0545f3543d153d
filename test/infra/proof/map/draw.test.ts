import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { routeLabel } from '../../../../infra/proof/report/map/entries.ts';
import { readFacts, sentence, summarize } from '../../../../infra/proof/report/map/facts.ts';
import { renderHtml } from '../../../../infra/proof/report/map/html.ts';
import type { Layout, PlacedNode } from '../../../../infra/proof/report/map/layout.ts';
import { layoutNarrow } from '../../../../infra/proof/report/map/layout-narrow.ts';
import { layoutWide } from '../../../../infra/proof/report/map/layout-wide.ts';
import type { ZoneMap } from '../../../../infra/proof/report/map/model.ts';
import { PAGE_STYLE } from '../../../../infra/proof/report/map/page-style.ts';
import { MAP_STYLE } from '../../../../infra/proof/report/map/style.ts';
import { escapeXml, renderSvg } from '../../../../infra/proof/report/map/svg.ts';
import { SIZES, textWidth, wrap } from '../../../../infra/proof/report/map/text.ts';
import zones from '../../../../zones.ts';
import { FULL } from '../../declaration/change.ts';
import { mapOf, synthesizedFolder } from './maps.ts';

const shipped = mapOf(synthesizedFolder());
const full = mapOf(synthesizedFolder(FULL), FULL);

/** A map with one call, node and zone in red. */
const broken: ZoneMap = {
  ...shipped,
  zones: shipped.zones.map((zone) => ({ ...zone, violated: zone.name === 'public' })),
  nodes: shipped.nodes.map((node) => ({ ...node, violated: node.label === 'summary' })),
  calls: shipped.calls.map((call) => ({ ...call, violated: call.verb === 'sign with' })),
};

const MAPS: [string, ZoneMap][] = [
  ['the shipped system', shipped],
  ['a system with everything', full],
  ['a system with violations', broken],
];
const LAYOUTS: [string, (map: ZoneMap) => Layout][] = [
  ['wide', layoutWide],
  ['middle', (map) => layoutNarrow(map, 720)],
  ['narrow', (map) => layoutNarrow(map, 350)],
];

describe.each(MAPS)('the drawing of %s', (_, map) => {
  test.each(LAYOUTS)('has every node where nothing else is, %s', (_, layout) => {
    const { nodes, width, height } = layout(map);
    expect(new Set(nodes.map(({ node }) => node.id))).toEqual(new Set(map.nodes.map(({ id }) => id)));
    for (const node of nodes) {
      expect(node.x).toBeGreaterThanOrEqual(0);
      expect(node.y).toBeGreaterThanOrEqual(0);
      expect(node.x + node.width).toBeLessThanOrEqual(width);
      expect(node.y + node.height).toBeLessThanOrEqual(height);
    }
    const overlapping = nodes.flatMap((a, index) =>
      nodes
        .slice(index + 1)
        .filter((b) => overlap(a, b))
        .map((b) => `${a.node.label} and ${b.node.label}`),
    );
    expect(overlapping).toEqual([]);
  });

  test.each(LAYOUTS)('keeps text inside its node, %s', (_, layout) => {
    for (const { lines, width, height, node } of layout(map).nodes)
      for (const { text, style, y } of lines) {
        expect(y, node.label).toBeLessThan(height);
        expect(textWidth(text, style) + 16, text).toBeLessThanOrEqual(width + 1);
      }
  });

  test.each(LAYOUTS)('draws no line beyond the frames and says what each frame is, %s', (_, layout) => {
    const { frames, lines } = layout(map);
    const right = Math.max(...frames.map(({ x, width }) => x + width));
    for (const { path, kind } of lines.filter((line) => line.kind !== 'violation'))
      for (const [, x] of path.matchAll(/(-?[\d.]+)[ ,]-?[\d.]+/g))
        expect(Number(x), `${kind} ${path}`).toBeLessThan(right);
    for (const { title } of frames) expect(title).not.toBe('');
  });

  test.each(LAYOUTS)('breaks no schedule over lines, %s', (_, layout) => {
    for (const { node, lines } of layout(map).nodes.filter(({ node: { kind } }) => kind === 'schedule'))
      for (const text of [node.label, ...node.notes].filter((words) => !words.includes(' ')))
        if (!text.includes('/')) expect(lines.map((line) => line.text)).toContain(text);
  });

  test('draws every call that is more than reading a public key', () => {
    const drawn = new Set(
      layoutWide(map).lines.flatMap(({ from, to }) => from.flatMap((a) => to.map((b) => `${a} ${b}`))),
    );
    const missing = map.calls.filter(
      ({ from, to, verb }) => verb !== 'read the public key of' && !drawn.has(`${from} ${to}`),
    );
    expect(missing).toEqual([]);
  });

  test('is the same every time', () => {
    expect(renderSvg(structuredClone(map))).toBe(renderSvg(map));
  });

  test('is well-formed, has a title, and says every call in words', () => {
    const svg = renderSvg(map);
    expect(openElements(svg)).toEqual([]);
    expect(svg).toContain('role="img" aria-labelledby="map-title map-description"');
    for (const fact of readFacts(map)) expect(svg).toContain(sentence(fact).replaceAll("'", '&#39;'));
  });

  test('becomes a page that loads and runs nothing, with every call in a table', () => {
    const html = renderHtml(map);
    expect(html).not.toMatch(/<script|<link|<img|\s(src|href)=|url\((?!#)|@import/);
    expect(html.match(/<tr role="row"( class="bad")?>(?!<th)/g)).toHaveLength(map.calls.length);
    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, reference] of html.matchAll(/aria-labelledby="([^"]+)"/g))
      for (const id of (reference ?? '').split(' ')) expect(ids).toContain(id);
  });
});

test('text is as large as it is set, 11 pixels at least: a page does not make the drawing smaller', () => {
  const style = MAP_STYLE + PAGE_STYLE.replace(/@media print\{[\s\S]*$/, '');
  for (const [, size] of style.matchAll(/font(?:-size)?:(\d+)px/g))
    expect(Number(size)).toBeGreaterThanOrEqual(11);
  expect(Math.min(...Object.values(SIZES))).toBeGreaterThanOrEqual(11);
  expect(style).not.toMatch(/svg\{[^}]*(?:width|zoom|transform)/);
});

test.each([350, 720])('cards fill a page of %i pixels and are no wider', (width) => {
  const layout = layoutNarrow(mapOf(synthesizedFolder(zones), zones), width);
  expect(layout.width).toBe(width);
  expect(Math.max(...layout.frames.map((frame) => frame.x + frame.width))).toBeGreaterThan(width - 10);
  for (const { lines } of layout.nodes.filter(({ node }) => node.kind === 'function'))
    for (const { text } of lines) expect(text).toMatch(/^-?[a-z]{3,}/);
});

test('a route says who gets past it', () => {
  const notes = new Map(shipped.nodes.map(({ label, notes: [first] }) => [label.split(',')[0], first]));
  expect(notes.get(routeLabel('GET', '/session'))).toBe('browsers with a session');
  expect(notes.get(routeLabel('GET', '/api/summaries/{id}'))).toBe('browsers with a session');
  expect(notes.get(routeLabel('GET', '/login'))).toBe('any browser');
});

test('violations are said in words too, not by colour alone', () => {
  expect(summarize(broken)).toContain('3 violations of boundaries');
  expect(renderSvg(broken)).toContain('VIOLATION: signer-journal-public may sign with');
  expect(renderHtml(broken)).toContain('sign with (violates a boundary)');
  expect(summarize(shipped)).toContain('No violation');
});

test('markup in names stays text', () => {
  const map = {
    ...shipped,
    system: '<b>"&',
    nodes: shipped.nodes.map((node) => ({ ...node, label: '<i>' })),
  };
  for (const text of [renderSvg(map), renderHtml(map)]) {
    expect(text).not.toMatch(/<b>|<i>/);
    expect(text).toContain('&#60;b&#62;&#34;&#38;');
  }
});

test('a name that would end the XML or turn text round is written out, and kept inside its node', () => {
  const hostile = 'r\u001b[2J\u202e<script>\ufffe\ud800\n\u2028';
  const written = 'r\\u001b[2J\\u202e&#60;script&#62;\\ufffe\\ud800\\u000a\\u2028';
  const map: ZoneMap = {
    ...shipped,
    system: hostile,
    nodes: shipped.nodes.map((node) => ({ ...node, label: hostile, notes: [hostile, '🔑'.repeat(60)] })),
    calls: shipped.calls.map((call) => ({ ...call, when: hostile })),
  };
  for (const text of [renderSvg(map), renderHtml(map)]) {
    expect(text).not.toMatch(/[^\P{C}\n]|[\p{Zl}\p{Zp}]|<script/u);
    expect(text).toContain(`Zone map of ${written}</title>`);
    expect(text.split(written).length, 'in the head, nodes and every call').toBeGreaterThan(map.calls.length);
  }
  for (const { lines, width, node } of layoutWide(map).nodes)
    for (const { text, style } of lines)
      expect(textWidth(escapeXml(text).replaceAll(/&#\d+;/g, '.'), style) + 16, node.id).toBeLessThanOrEqual(
        width + 1,
      );
});

test('text is broken where it reads well, and never lost', () => {
  expect(wrap('api.selvbetjening.test.nhn.no', 'label', 166)).toEqual(['api.selvbetjening.', 'test.nhn.no']);
  expect(wrap('events from journal.documents', 'note', 100)).toEqual(['events from', 'journal.documents']);
  expect(wrap('aaaaaaaaaaaaaaaaaaaaaaaaa', 'label', 80).join('')).toBe('aaaaaaaaaaaaaaaaaaaaaaaaa');
  expect(wrap('', 'label', 80)).toEqual(['']);
});

describe('colours', () => {
  const [light, dark] = [...MAP_STYLE.matchAll(/\.zone-map\{(--[^}]+?)(;font-family[^}]*)?\}/g)].map(
    ([, variables]) =>
      new Map((variables ?? '').split(';').map((pair) => pair.split(':') as [string, string])),
  );

  test.each([
    ['light', light],
    ['dark', dark],
  ])('have enough contrast, %s', (_, colours) => {
    const colour = (name: string) => colours?.get(`--${name}`) ?? '';
    for (const ground of ['paper', 'zone', 'node', 'signing', 'warning'])
      for (const ink of ['ink', 'quiet'])
        expect(contrast(colour(ink), colour(ground)), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colour('bad'), colour('paper'))).toBeGreaterThanOrEqual(4.5);
    for (const line of ['line', 'accent', 'out', 'bad'])
      for (const ground of ['paper', 'zone', 'signing'])
        expect(contrast(colour(line), colour(ground)), `${line} on ${ground}`).toBeGreaterThanOrEqual(3);
  });
});

test("docs/zone-map.svg is the shipped system's: npm run zones -- --svg docs/zone-map.svg", () => {
  expect(readFileSync(new URL('../../../../docs/zone-map.svg', import.meta.url), 'utf8')).toBe(
    renderSvg(mapOf(synthesizedFolder(zones), zones)),
  );
});

function overlap(a: PlacedNode, b: PlacedNode): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** Elements that are not closed in the right order, or text that is no XML. */
function openElements(xml: string): string[] {
  const open: string[] = [];
  for (const [tag, close, name = '', empty] of xml
    .replace(/<\?.*?\?>/, '')
    .matchAll(/<(\/?)([a-z]+)(?:\s[a-z][\w:-]*="[^"<]*")*(\/?)>|<|&(?!#\d+;)/gi)) {
    if (name === '') return [...open, tag];
    if (close === '/') {
      if (open.pop() !== name) return [...open, tag];
    } else if (empty !== '/') open.push(name);
  }
  return open;
}

/** Contrast ratio of two colours, as WCAG 2.2 defines it. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [r = 0, g = 0, blue = 0] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}
