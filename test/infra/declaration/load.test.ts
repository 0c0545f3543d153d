import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSystem, refuseRepeatedNames } from '../../../infra/declaration/load.ts';
import shipped from '../../../zones.ts';
import { newFolder } from '../../temporary.ts';

const folder = newFolder();

const write = (name: string, source: string): string => {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
};

test('the shipped declarations load', async () => {
  expect(await loadSystem()).toEqual(shipped);
  expect((await loadSystem('examples/multi-tenant.zones.ts')).name).toBe('vendor');
});

test('refused: two zones with one name', async () => {
  const zones = `{ public: { cidr: '10.1.0.0/20', grants: [] }, public: { cidr: '10.2.0.0/20', grants: [] } }`;
  const file = write('twice.ts', `export default {\n  name: 'journal',\n  zones: ${zones} };`);
  await expect(loadSystem(file)).rejects.toMatchObject({
    code: 'declaration_invalid',
    message: expect.stringMatching(/twice\.ts:3: .*"public".*rename one/),
  });
});

test('not refused: one name in two places', () => {
  expect(() => refuseRepeatedNames(`export default { a: { name: 1 }, b: { name: 2 } }`, 'x')).not.toThrow();
});

test('refused: what is no TypeScript, by file, line and column', async () => {
  const file = write('syntax.ts', `export default {\n  name: 'journal,\n};`);
  await expect(loadSystem(file)).rejects.toMatchObject({
    code: 'declaration_invalid',
    message: expect.stringMatching(/syntax\.ts:2:\d+: .*Mend this line: {3}name: 'journal,/),
  });
});

test.each([
  ['throws', `throw new Error('no way');`, /throws\.ts: It can't be run: no way/],
  [
    'imports what is not there',
    `import './nowhere.ts'; export default {};`,
    /ts: It can't be run: .*nowhere/,
  ],
  [
    'declares what is not right',
    `export default { name: 'J' };`,
    /right\.ts: The declaration is not right:\n {2}\w/,
  ],
])('refused, by the file’s name: one that %s', async (what, source, message) => {
  await expect(loadSystem(write(`${what.split(' ').at(-1)}.ts`, source))).rejects.toMatchObject({
    code: 'declaration_invalid',
    message: expect.stringMatching(message),
  });
});

test('refused: a declaration that never went through defineSystem and is wrong', async () => {
  await expect(loadSystem(write('wrong.ts', `export default { name: 'J' };`))).rejects.toMatchObject({
    code: 'declaration_invalid',
  });
});

test('refused: a file that exports nothing, and one that is not there', async () => {
  await expect(loadSystem(write('empty.ts', 'export {};'))).rejects.toMatchObject({
    code: 'declaration_invalid',
  });
  await expect(loadSystem(join(folder, 'nowhere.ts'))).rejects.toMatchObject({ code: 'declaration_invalid' });
});
