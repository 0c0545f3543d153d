import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCrossZone, runPattern } from '../../local/patterns/main.ts';
import { FULL } from '../full.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'examples/patterns');
const page = readFileSync(join(root, 'docs/patterns.md'), 'utf8');

describe('a pattern of the guideline', () => {
  test('cross-zone: a key that can be read out is refused where the system is declared', async () => {
    const lines: string[] = [];
    expect(
      await runCrossZone(
        (line) => lines.push(line),
        () => 0,
      ),
      lines.join('\n'),
    ).toBe(true);
    for (const scheme of ['file:', 'postgres:', 'secretsmanager:'])
      expect(lines).toContainEqual(
        expect.stringMatching(
          `'${scheme}' in zones.ts: refused, declaration_invalid: [^]*"Use of Client Secrets"`,
        ),
      );
    expect(lines).toContainEqual(expect.stringMatching(/custody: 'awskms:'.*: taken/));
    expect(
      await runCrossZone(
        () => {},
        () => 1,
      ),
    ).toBe(false);
  });

  // PostgreSQL in this process takes many seconds to start; test/client/custody has it in every run.
  test.each(['rich-client', 'distributed', ...(FULL ? ['shared-backend'] : [])])(
    '%s works, and what breaks its rule is refused',
    { timeout: 120_000 },
    async (name) => {
      const lines: string[] = [];
      const right = await runPattern(name, (line) => lines.push(line));
      expect(right, lines.join('\n')).toBe(true);
      for (const what of ['boundary ', 'holds the key ', 'may use it ', 'breaks the rule '])
        expect(lines.filter((line) => line.trimStart().startsWith(what))).toHaveLength(1);
      expect(lines.filter((line) => line.includes(': refused, custody_')).length).toBeGreaterThanOrEqual(2);
      expect(lines.join('\n')).not.toMatch(/PRIVATE KEY|eyJ/);
    },
  );

  test.each(['rich-client', 'shared-backend', 'distributed'])('%s is read in ten minutes', (name) => {
    const files = readdirSync(join(folder, name)).filter((file) => file.endsWith('.ts'));
    const lines = files.flatMap((file) => readFileSync(join(folder, name, file), 'utf8').split('\n'));
    expect(lines.length).toBeLessThan(name === 'rich-client' ? 300 : 100);
    expect(page).toMatch(
      /shared-backend and distributed below 100 lines each and rich-client,[^;]* below 300/,
    );
    expect(files).toContain('key.ts');
  });

  test.each([
    ['rich-client', 'shared-backend'],
    ['rich-client', 'distributed'],
  ])('from %s to %s is the change that docs/patterns.md shows', (from, to) => {
    const [before, after] = [from, to].map((name) =>
      readFileSync(join(folder, name, 'key.ts'), 'utf8').split('\n'),
    );
    const changed = (before ?? []).flatMap((line, index) =>
      line === after?.[index] ? [] : [`-${line}`, `+${after?.[index]}`],
    );
    expect(after).toHaveLength(before?.length ?? 0);
    expect(changed).toHaveLength(4);
    expect(page).toContain(`\`\`\`diff\n${changed.join('\n')}\n\`\`\``);
  });

  test('another name is told the names there are', () => {
    const run = () =>
      execFileSync(process.execPath, [join(root, 'local/patterns/main.ts'), 'hsm'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    expect(run).toThrow();
    expect(
      execFileSync(process.execPath, [join(root, 'local/patterns/main.ts'), '--help'], { encoding: 'utf8' }),
    ).toContain('rich-client|shared-backend|distributed|cross-zone');
  });
});
