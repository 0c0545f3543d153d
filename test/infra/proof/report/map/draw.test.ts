import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { routeLabel } from '../../../../../infra/proof/report/map/entries.ts';
import { elementId, summarize, type ZoneMap } from '../../../../../infra/proof/report/map/model.ts';
import { MAP_STYLE, renderHtml, renderSvg } from '../../../../../infra/proof/report/map/page.ts';
import { escapeXml } from '../../../../../infra/terminal.ts';
import zones from '../../../../two-clients.zones.ts';
import { FULL } from '../../../declaration/change.ts';
import { mapOf, renameConstructs, synthesizedFolder } from './maps.ts';

const shipped = mapOf(synthesizedFolder());
const full = mapOf(synthesizedFolder(FULL), FULL);

/** A map with one call, node and zone in red. */
const broken: ZoneMap = {
  ...shipped,
  zones: shipped.zones.map((zone) => ({ ...zone, violated: zone.name === 'public' })),
  nodes: shipped.nodes.map((node) => ({ ...node, violated: node.label === 'summary' })),
  calls: shipped.calls.map((call) => ({ ...call, violated: call.verb === 'sign with' })),
};

describe.each([
  ['the shipped system', shipped],
  ['a system with everything', full],
  ['a system with violations', broken],
])('the drawing of %s', (_, map) => {
  const [svg, html] = [renderSvg(map), renderHtml(map)];

  test.each([
    ['file', svg],
    ['page', html],
  ])('has every node, and every call at both of its ends, in the %s', (_, text) => {
    const drawn = new Set([...text.matchAll(/data-node="([^"]+)"/g)].map(([, id]) => id));
    expect(drawn).toEqual(new Set(map.nodes.map((node) => escapeXml(elementId(node)))));
    const ends = [...text.matchAll(/data-from="([^"]+)" data-to="([^"]+)">(.*?)<\/code>/g)];
    const ids = new Map(map.nodes.map((node) => [node.id, escapeXml(elementId(node))]));
    for (const { from, to, verb } of map.calls.filter((call) => call.verb !== 'start')) {
      const own = ends.filter(
        ([, sources = '', targets = '']) =>
          sources.split(' ').includes(ids.get(from) ?? '-') &&
          targets.split(' ').includes(ids.get(to) ?? '-'),
      );
      expect(own.length, `${from} ${verb} ${to}`).toBeGreaterThanOrEqual(2);
    }
  });

  test('is well-formed, has a title, and says what it is in words', () => {
    expect(openElements(svg)).toEqual([]);
    expect(svg).toContain('role="img" aria-labelledby="map-title map-description"');
    expect(svg).toContain(escapeXml(summarize(map)));
  });

  test('becomes a page that loads and runs nothing', () => {
    expect(html).not.toMatch(/<script|<link|<img|\s(src|href)=|url\((?!#)|@import/);
    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, reference] of html.matchAll(/aria-labelledby="([^"]+)"/g))
      for (const id of (reference ?? '').split(' ')) expect(ids).toContain(id);
  });
});

test('the drawing stays the same when constructs are renamed', () => {
  const renamed = mapOf(synthesizedFolder(), undefined, undefined, [], renameConstructs);
  expect(renamed.nodes.map(({ resources }) => resources)).not.toEqual(
    shipped.nodes.map(({ resources }) => resources),
  );
  expect(renderSvg(renamed)).toBe(renderSvg(shipped));
});

test('nodes of a kind that a zone has several of are told apart', () => {
  const ids = full.nodes.filter(({ kind }) => kind !== 'schedule').map(elementId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('text is 11 pixels at least, and nothing has a width of its own', () => {
  for (const [, size] of MAP_STYLE.matchAll(/font(?:-size)?:\s*([\d.]+)px/g))
    expect(Number(size)).toBeGreaterThanOrEqual(11);
  expect(MAP_STYLE).not.toMatch(/^ *(?:min-)?width: [1-9]/m);
});

test('a route says who gets past it', () => {
  const notes = new Map(shipped.nodes.map(({ label, notes: [first] }) => [label.split(',')[0], first]));
  expect(notes.get(routeLabel('GET', '/session'))).toBe('browsers with a session');
  expect(notes.get(routeLabel('GET', '/api/summaries/{id}'))).toBe('browsers with a session');
  expect(notes.get(routeLabel('GET', '/login'))).toBe('any browser');
});

test('violations are said in words too, not by colour alone', () => {
  expect(summarize(broken)).toContain('3 violations of boundaries');
  expect(renderSvg(broken)).toContain('<strong>violates a boundary:</strong> sign with <code');
  expect(renderSvg(shipped)).not.toContain('violates a boundary');
  expect(summarize(shipped)).toContain('No violation');
});

test('a name that holds markup, would end the XML or turn text round is written out', () => {
  const hostile = 'r\u001b[2J\u202e<script>"&\ufffe\ud800\n\u2028';
  const written = 'r\\u001b[2J\\u202e&#60;script&#62;&#34;&#38;\\ufffe\\ud800\\u000a\\u2028';
  const map: ZoneMap = {
    ...shipped,
    system: hostile,
    nodes: shipped.nodes.map((node) => ({ ...node, label: hostile, notes: [hostile, '🔑'.repeat(60)] })),
    calls: shipped.calls.map((call) => ({ ...call, through: hostile })),
  };
  expect(openElements(renderSvg(map))).toEqual([]);
  for (const text of [renderSvg(map), renderHtml(map)]) {
    expect(text).not.toMatch(/[^\P{C}\n]|[\p{Zl}\p{Zp}]|<script/u);
    expect(text).toContain(`Zone map of ${written}</title>`);
    expect(text.split(written).length, 'in the head, nodes and every call').toBeGreaterThan(map.calls.length);
  }
});

describe('colours', () => {
  const colours = [...MAP_STYLE.matchAll(/^ *(--\w+): light-dark\((#\w{6}), (#\w{6})\);/gm)];
  const [light, dark] = [2, 3].map((at) => new Map(colours.map((row) => [String(row[1]), String(row[at])])));

  test.each([
    ['light', light],
    ['dark', dark],
  ])('have enough contrast, %s', (_, colours) => {
    const colour = (name: string) => colours?.get(`--${name}`) ?? '';
    for (const ground of ['page', 'zone', 'node', 'signing', 'warning'])
      for (const ink of ['text', 'soft', 'alarm'])
        expect(contrast(colour(ink), colour(ground)), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    for (const line of ['line', 'accent', 'out'])
      for (const ground of ['zone', 'signing'])
        expect(contrast(colour(line), colour(ground)), `${line} on ${ground}`).toBeGreaterThanOrEqual(3);
  });
});

test("docs/zone-map.svg is the shipped system's (npm run zones -- --declaration test/two-clients.zones.ts --svg draws it)", () => {
  expect(readFileSync(new URL('../../../../../docs/zone-map.svg', import.meta.url), 'utf8')).toBe(
    renderSvg(mapOf(synthesizedFolder(zones), zones)),
  );
});

/** Elements that are not closed in the right order, or text that is no XML. */
function openElements(xml: string): string[] {
  const open: string[] = [];
  for (const [tag, close, name = '', empty] of xml
    .replace(/<\?.*?\?>/, '')
    .matchAll(/<(\/?)([a-z]+\d?)(?:\s[a-z][\w:-]*="[^"<]*")*(\/?)>|<|&(?!#\d+;)/gi)) {
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
