import { readFileSync, writeFileSync } from 'node:fs';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { escapeXml } from '../../../terminal.ts';
import type { Proof } from '../../prove.ts';
import type { Finding } from '../../rules/rule.ts';
import { reportMatrix } from '../report.ts';
import { drawMap, estimateHeight } from './draw.ts';
import { hasViolations, summarize, verdict, type ZoneMap } from './model.ts';
import { readZoneMap } from './read.ts';

/** Style of the map and of the page round it: for a style element in the drawing, or the sheet of a page that has the drawing in it. */
export const MAP_STYLE: string = readFileSync(new URL('./map.css', import.meta.url), 'utf8');

/** Width of the SVG file, in pixels: two columns. */
const WIDTH = 1240;

/**
 * The map as one SVG file that needs nothing else: style and title are in it. The drawing is XHTML in it,
 * which browsers show, also where a page has the file as an image; drawing programs show its title only.
 */
export function renderSvg(map: ZoneMap): string {
  const height = estimateHeight(map) + 90;
  const title = `Zone map of ${escapeXml(map.system)}`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="map-title map-description">
<title id="map-title">${title}</title>
<desc id="map-description">${escapeXml(summarize(map))}</desc>
<style>${MAP_STYLE}</style>
<switch><foreignObject width="${WIDTH}" height="${height}"><body xmlns="http://www.w3.org/1999/xhtml" style="height:100%"><main><h1>${title}</h1>
${renderVerdict(map, verdict(map))}
${drawMap(map)}</main></body></foreignObject><text x="20" y="40">${title}: open it in a browser.</text></switch>
</svg>
`;
}

function renderVerdict(map: ZoneMap, text: string): string {
  return `<p${hasViolations(map) ? ' class="bad"' : ''}>${escapeXml(text)}</p>`;
}

/** The map as one HTML page that loads nothing and runs nothing: the drawing, and below it `matrix`, who may do what in words. */
export function renderHtml(map: ZoneMap, matrix = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Zone map of ${escapeXml(map.system)}</title>
<style>${MAP_STYLE}</style>
</head>
<body>
<main>
<h1>Zone map of ${escapeXml(map.system)}</h1>
${renderVerdict(map, summarize(map))}
${renderFindings(map.findings)}
<figure class="map">${drawMap(map)}</figure>
<pre>${matrix.split('\n').map(escapeXml).join('\n')}</pre>
</main>
</body>
</html>
`;
}

function renderFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const items = findings.map(
    ({ rule, invariant, resource, message, path, remedy }) =>
      `<li><strong>${escapeXml(invariant)}, ${escapeXml(rule)}</strong>: <code>${escapeXml(resource)}</code>. ${escapeXml(message)} (${escapeXml(path.join(' → '))}) ${escapeXml(remedy)}</li>`,
  );
  return `<section class="bad" aria-labelledby="violations"><h2 id="violations">Violations</h2><ul>${items.join('\n')}</ul></section>`;
}

/**
 * Draws the zone map of a proof, its violations in red, into the files that somebody asked for.
 * @throws {ZonesError} assembly_invalid: a file can't be written.
 */
export function writeMaps(
  { svg, html }: { svg?: string | undefined; html?: string | undefined },
  { input, violations }: Pick<Proof, 'input' | 'violations'>,
): void {
  if (svg === undefined && html === undefined) return;
  const map = readZoneMap(input, violations);
  if (svg !== undefined) write(svg, renderSvg(map));
  if (html !== undefined) write(html, renderHtml(map, reportMatrix({ input }, COLUMNS)));
}

/** Columns of what a page says in words. */
const COLUMNS = 140;

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new ZonesError('assembly_invalid', `The zone map can't be written to ${file}.`, { cause });
  }
}
