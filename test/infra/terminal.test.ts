import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeControls, table } from '../../infra/terminal.ts';

/** ESC, BEL, the C1 introducer, DEL, a change of direction, a line separator, a tag character and a new line. */
const HOSTILE = '\u001b]0;x\u0007\u009b2K\u007f\u202e\u2028\u{e0041}\r\nThe boundaries hold';
const ACTS = /[^\P{C}]|[\u2028\u2029]/u;

describe('what a terminal would act on', () => {
  it('is written as JSON writes it, and nothing else is changed', () => {
    expect(escapeControls('Blåbærsyltetøy → 7 %')).toBe('Blåbærsyltetøy → 7 %');
    expect(escapeControls(HOSTILE)).not.toMatch(ACTS);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(`"${escapeControls(text.replaceAll(/[\\"]/g, ''))}"`)).toBe(
          text.replaceAll(/[\\"]/g, ''),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('stays within the cell of a table', () => {
    const lines = table([['who'], [HOSTILE]], 200).split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).not.toMatch(ACTS);
  });

  it('leaves no way around: commands print by infra/terminal.ts', () => {
    const around = ['infra', 'local'].flatMap((room) =>
      readdirSync(room, { recursive: true })
        .map((file) => `${room}/${file}`)
        .filter((file) => file.endsWith('.ts') && file !== 'infra/terminal.ts')
        .filter((file) => /console\.|process\.std(out|err)\.write/.test(readFileSync(file, 'utf8'))),
    );
    expect(around).toEqual([]);
  });
});

it('who stops reading ends nothing', async () => {
  const text =
    "import { print } from './infra/terminal.ts'; process.stdin.resume().on('end', () => print('x'));";
  const child = spawn(process.execPath, ['--input-type=module', '-e', text]);
  let error = '';
  child.stderr.on('data', (chunk) => (error += chunk));
  child.stdout.destroy();
  child.stdin.end();
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  expect(error).toBe('');
});
