import { appendFileSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleFunction } from '../../../infra/bundling.ts';
import type { LocalSystem } from '../../../local/app/system.ts';
import { watchFolders, watchFunctions } from '../../../local/app/watch.ts';
import { newFolder } from '../../temporary.ts';

/** Resolves with what the next call of `told` is given. */
function expectCall<T>(): { told: (value: T) => void; next(): Promise<T> } {
  let { promise, resolve } = Promise.withResolvers<T>();
  return {
    told: (value) => resolve(value),
    async next() {
      const value = await promise;
      ({ promise, resolve } = Promise.withResolvers<T>());
      return value;
    },
  };
}

test('a file that an editor puts in the place of another is seen, and so is what is written to it then', async () => {
  const folder = newFolder();
  const file = join(folder, 'a.ts');
  writeFileSync(file, '1');
  const { told, next } = expectCall<readonly string[]>();
  const stop = watchFolders([folder], (files) => files.includes(file) && told(files));
  writeFileSync(join(folder, 'new'), '2');
  renameSync(join(folder, 'new'), file);
  expect(await next()).toContain(file);
  appendFileSync(file, '3');
  expect(await next()).toContain(file);
  stop();
});

test('a function whose source is touched gets new code, with the config that it has; no other does', async () => {
  const folder = newFolder();
  const codes = {
    reader: bundleFunction(folder, 'reader', 'summary', { 'config.json': { zone: 'public' } }),
    other: bundleFunction(folder, 'other', 'key-watch', {}),
  };
  const { told, next } = expectCall<[string, string]>();
  const aws = {
    functions: Object.keys(codes).map((name) => ({ name })),
    codeOf: (name: keyof typeof codes) => codes[name],
    replaceCode: (name: string, code: string) => told([name, code]),
  };
  const said: string[] = [];
  const stop = watchFunctions({ aws } as unknown as LocalSystem, folder, (what) => said.push(what));
  utimesSync('functions/summary/handler.ts', new Date(), new Date());
  const [name, code] = await next();
  stop();
  expect(name).toBe('reader');
  expect(code).toContain(join(folder, 'watch', 'reader-'));
  expect(readFileSync(join(code, 'index.mjs'))).toEqual(readFileSync(join(codes.reader, 'index.mjs')));
  expect(JSON.parse(readFileSync(join(code, 'config.json'), 'utf8'))).toEqual({ zone: 'public' });
  expect(said).toEqual([expect.stringMatching(/^reader: new code after \d+ ms$/)]);
});
