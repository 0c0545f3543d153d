import { describe, expect, it } from 'vitest';
import { passesLevel } from '../../../../local/aws/runtime/log.ts';

const timestamp = '2026-11-29T12:00:00.000Z';
const line = (level: unknown, more: object = { timestamp }) => JSON.stringify({ level, ...more });

describe('a log of the format JSON', () => {
  it.each([
    ['FATAL', 'FATAL', true],
    ['fatal', 'FATAL', true],
    ['ERROR', 'FATAL', false],
    ['ERROR', 'WARN', true],
    ['INFO', 'INFO', true],
    ['DEBUG', 'INFO', false],
    ['DEBUG', 'TRACE', true],
    // What Lambda does not know counts as INFO.
    ['CRITICAL', 'WARN', false],
    ['CRITICAL', 'INFO', true],
    [undefined, 'WARN', false],
    [60, 'WARN', false],
  ])('a line of level %s at %s: %s', (level, filter, kept) => {
    expect(passesLevel(line(level), { format: 'JSON', level: filter })).toBe(kept);
  });

  it.each([
    line('FATAL', {}),
    line('FATAL', { timestamp: 1 }),
    line('FATAL', { timestamp: 'today' }),
    'FATAL',
    'null',
    '',
  ])('%j has no level of its own, and counts as INFO', (text) => {
    expect(passesLevel(text, { format: 'JSON', level: 'WARN' })).toBe(false);
    expect(passesLevel(text, { format: 'JSON', level: 'INFO' })).toBe(true);
  });
});

it('a log of the format Text is kept whole', () => {
  for (const text of [line('TRACE'), 'words'])
    expect(passesLevel(text, { format: 'Text', level: 'FATAL' })).toBe(true);
});
