import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ForeignCode } from '../../infra/declaration/runtimes.ts';
import { copyCode, readZip } from '../../infra/foreign-code.ts';
import { coded } from '../coded.ts';
import { newFolder } from '../temporary.ts';

/** What is packed: a folder, a stored and a deflated file, and an executable one; and what no code may hold. */
const ZIPS = {
  good: ['lib/', 'lib/a.txt', 'big.txt', 'bootstrap'],
  'a hidden file': ['bootstrap', '.env'],
  'a file outside its folder': ['../bootstrap'],
  'a file of the machine': ['/bootstrap'],
  'a file with a drive': ['C:bootstrap'],
} as const;

/** By Python's zipfile. */
const PACK = `
import json, sys, zipfile
for called, names in json.loads(sys.argv[2]).items():
    with zipfile.ZipFile(f'{sys.argv[1]}/{called}.zip', 'w') as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o755 if name == 'bootstrap' else 0o640) << 16
            info.compress_type = zipfile.ZIP_DEFLATED if name == 'big.txt' else zipfile.ZIP_STORED
            archive.writestr(info, '' if name.endswith('/') else 'æ' * 5000 if name == 'big.txt' else name)
`;
const zips = newFolder();
const packed = spawnSync('python3', ['-c', PACK, zips, JSON.stringify(ZIPS)], { encoding: 'utf8' });
const hasPython = packed.error === undefined;
if (hasPython && packed.status !== 0) throw new Error(packed.stderr);
const zip = (name: keyof typeof ZIPS) => join(zips, `${name}.zip`);

const code = (path: string, more: Partial<ForeignCode> = {}): ForeignCode => ({
  path,
  runtime: 'provided.al2023',
  handler: 'bootstrap',
  ...more,
});

test.runIf(hasPython)('a zip is unpacked as it was packed, with what may be executed', () => {
  const folder = copyCode(newFolder(), 'labels', code(zip('good')));
  expect(readFileSync(join(folder, 'lib/a.txt'), 'utf8')).toBe('lib/a.txt');
  expect(readFileSync(join(folder, 'big.txt'), 'utf8')).toBe('æ'.repeat(5000));
  expect(
    [statSync(join(folder, 'bootstrap')), statSync(join(folder, 'big.txt'))].map(({ mode }) => mode & 0o100),
  ).toEqual([0o100, 0]);
});

test('a folder is copied as it lies, without what Python leaves beside its code', () => {
  const [given, parent] = [newFolder(), newFolder()];
  mkdirSync(join(given, '__pycache__'));
  writeFileSync(join(given, '__pycache__', 'handler.pyc'), 'x');
  writeFileSync(join(given, 'bootstrap'), '#!/bin/sh\n');
  chmodSync(join(given, 'bootstrap'), 0o755);
  const [one, again] = [copyCode(parent, 'labels', code(given)), copyCode(parent, 'labels', code(given))];
  expect(again).toBe(one);
  expect(() => readFileSync(join(one, '__pycache__', 'handler.pyc'))).toThrow('ENOENT');
  expect(statSync(join(one, 'bootstrap')).mode & 0o111).toBe(0o111);
  writeFileSync(join(given, 'bootstrap'), '#!/bin/bash\n');
  expect(copyCode(parent, 'labels', code(given))).not.toBe(one);
});

test
  .runIf(hasPython)
  .each(['a file outside its folder', 'a file of the machine', 'a file with a drive'] as const)(
  'a zip with %s is not unpacked',
  (name) => {
    expect(readZip(readFileSync(zip(name)))).toBeUndefined();
  },
);

const noZip = join(newFolder(), 'a.zip');
writeFileSync(noZip, 'x');

test.each<[string, () => ForeignCode, RegExp]>([
  ['is not there', () => code('build/nothing'), /^build\/nothing, the code of labels, is missing: build it/],
  ['is a file', () => code('package.json'), /neither a folder nor a \.zip/],
  ['is no zip', () => code(noZip), /no zip that can be read/],
  ['is empty', () => code(newFolder(), { runtime: 'java21', handler: 'a.B' }), /no files, where a\.B begins/],
  ['has no bootstrap', () => code('test/languages/labels'), /has no bootstrap/],
  [
    'lacks the module that the handler names',
    () => code('test/languages/labels', { runtime: 'python3.14', handler: 'labels/main.run' }),
    /has no labels\/main\.py, where labels\/main\.run begins/,
  ],
])('code that %s is refused when it is synthesized', (_, given, message) => {
  const refused = () => copyCode(newFolder(), 'labels', given());
  expect(refused).toThrow(coded('config_invalid'));
  expect(refused).toThrow(message);
});

test.each<[string, (folder: string, outside: string) => void, RegExp]>([
  ['a hidden file', (folder) => writeFileSync(join(folder, '.env'), 'SECRET=1'), /\.env.*hidden/],
  [
    'a file in a hidden folder',
    (folder) => {
      mkdirSync(join(folder, '.git'));
      writeFileSync(join(folder, '.git', 'config'), 'x');
    },
    /\.git.*hidden/,
  ],
  [
    'a link to a file outside',
    (folder, outside) => symlinkSync(outside, join(folder, 'data.txt')),
    /leads out.*data\.txt/,
  ],
  [
    'a link to a folder outside',
    (folder, outside) => symlinkSync(join(outside, '..'), join(folder, 'lib')),
    /leads out.*lib/,
  ],
])('a folder with %s is refused', (_, put, message) => {
  const [given, outside] = [newFolder(), join(newFolder(), 'secret')];
  writeFileSync(outside, 'TOP SECRET');
  writeFileSync(join(given, 'bootstrap'), '#!/bin/sh\n');
  put(given, outside);
  expect(() => copyCode(newFolder(), 'labels', code(given))).toThrow(coded('config_invalid', message));
});

test.runIf(hasPython)('a zip with a hidden file is refused', () => {
  const hidden = code(zip('a hidden file'));
  expect(() => copyCode(newFolder(), 'labels', hidden)).toThrow(/\.env.*hidden/);
});

test('a folder may have links to its own files', () => {
  const given = newFolder();
  writeFileSync(join(given, 'main'), '#!/bin/sh\n');
  symlinkSync('main', join(given, 'bootstrap'));
  expect(readFileSync(join(copyCode(newFolder(), 'labels', code(given)), 'bootstrap'), 'utf8')).toBe(
    '#!/bin/sh\n',
  );
});
