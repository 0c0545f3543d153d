import { writeFileSync } from 'node:fs';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Proof } from '../../prove.ts';
import { reportMatrix } from '../report.ts';
import { renderHtml, renderSvg } from './page.ts';
import { readZoneMap } from './read.ts';

/** Files to draw the zone map into; absent for those that nobody asked for. */
interface MapFiles {
  svg: string | undefined;
  html: string | undefined;
}

/**
 * Draws the zone map of a proof, its violations in red.
 * @throws {ZonesError} assembly_invalid: a file can't be written.
 */
export function writeMaps(
  { svg, html }: MapFiles,
  { input, violations }: Pick<Proof, 'input' | 'violations'>,
): void {
  if (svg === undefined && html === undefined) return;
  const map = readZoneMap(input, violations);
  if (svg !== undefined) write(svg, renderSvg(map));
  if (html !== undefined) write(html, renderHtml(map, reportMatrix({ input }, WIDTH)));
}

/** Columns of what a page says in words. */
const WIDTH = 140;

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new ZonesError('assembly_invalid', `The zone map can't be written to ${file}.`, { cause });
  }
}
