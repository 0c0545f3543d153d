import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundleFunction } from '../../../infra/bundling.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import type { LocalSystem } from '../../../local/app/system.ts';
import { watchFolders, watchFunctions } from '../../../local/app/watch.ts';
import { changed } from '../../infra/declaration/change.ts';
import system from '../../own-things.zones.ts';
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

describe('what is edited from before a start on', () => {
  const declared = join(import.meta.dirname, '../../one-client.zones.ts');

  /** What a program of these lines prints, in a clone with `zones.ts` and folders of sources. */
  function watching(lines: string): string {
    const folder = newFolder();
    for (const source of ['functions/worker', 'client', 'protocol'])
      mkdirSync(join(folder, source), { recursive: true });
    writeFileSync(join(folder, 'zones.ts'), `export { default } from '${declared}';`);
    const module = new URL('../../../local/app/watch.ts', import.meta.url).href;
    const load = new URL('../../../infra/declaration/load.ts', import.meta.url).href;
    const program = `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
      import { loadSystem } from '${load}';
      import { watchEdits, watchFolders } from '${module}';
      const said = Promise.withResolvers();
      let edits = watchEdits('zones.ts', undefined, said.resolve);
      /** Writes a file, and waits until whoever watches its folder was told, and could have read the declaration. */
      const write = async (folder, name) => {
        const told = Promise.withResolvers();
        const stop = watchFolders([folder], told.resolve);
        writeFileSync(folder + '/' + name, '');
        await told.promise;
        stop();
        await loadSystem('zones.ts');
      };
      let seen = false;
      edits.valid.then(() => { seen = true; });
      ${lines}
      edits.stop();`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: folder,
      encoding: 'utf8',
    });
    return child.stdout + child.stderr;
  }

  test.each([
    ['a function that is declared and not written yet', "mkdirSync('functions/reader');"],
    ['a source', "writeFileSync('client/a.ts', '');"],
    ['the declaration', "appendFileSync('zones.ts', '// again');"],
    ['constructs beside it', "writeFileSync('zones.cdk.ts', '');"],
  ])('%s is seen, also by who waits for it only then', (_, edit) => {
    const lines = `${edit} await write('.', 'notes.txt'); await edits.valid; console.log('again');`;
    expect(watching(lines)).toBe('again\n');
  });

  test('a file of no function is not, nor a source that the running system has taken over', () => {
    const lines = `await write('.', 'notes.txt'); console.log(seen);
      await write('client', 'a.ts'); console.log(seen);
      edits.stop(); edits = watchEdits('zones.ts', undefined, said.resolve); seen = false;
      edits.valid.then(() => { seen = true; });
      edits.leaveSources(); await write('client', 'b.ts'); console.log(seen);`;
    expect(watching(lines)).toBe('false\ntrue\nfalse\n');
  });

  test('a declaration that is not valid is said, and the next one seen', () => {
    const lines = `writeFileSync('zones.ts', 'export default {'); console.log((await said.promise).slice(0, 20)); console.log(seen);
      writeFileSync('zones.ts', "export { default } from '${declared}'; // mended"); await edits.valid; console.log('again');`;
    expect(watching(lines)).toBe('zones.ts:1:17: Expec\nfalse\nagain\n');
  });
});

test('watching alone keeps the process, so a system that could not start again waits for its declaration', () => {
  const module = new URL('../../../local/app/watch.ts', import.meta.url).href;
  const watching = `import { watchFolders } from '${module}';
    const stop = watchFolders(['.'], () => {});
    setTimeout(() => { stop(); console.log('until it is told'); }, 200).unref();`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', watching], { cwd: newFolder() });
  expect(String(child.stdout)).toBe('until it is told\n');
});

/** Functions that are watched while a file is touched: their new code by name, and what is said. */
async function touch(
  file: string,
  codes: Readonly<Record<string, string>>,
  folder: string,
  declaration: Pick<LocalSystem['declaration'], 'name' | 'zones'> = { name: 'journal', zones: {} },
) {
  const replaced = new Map<string, string>();
  const { told, next } = expectCall<string>();
  const aws = {
    functions: Object.keys(codes).map((name) => ({ name })),
    codeOf: (name: string) => codes[name],
    replaceCode: (name: string, code: string) => replaced.set(name, code),
  };
  const stop = watchFunctions({ aws, declaration } as unknown as LocalSystem, folder, told);
  utimesSync(file, new Date(), new Date());
  const said = await next();
  stop();
  return { replaced, said };
}

test('a function whose source is touched gets new code, with the config that it has; no other does', async () => {
  const folder = newFolder();
  const codes = {
    reader: bundleFunction(folder, 'reader', 'summary', { 'config.json': { zone: 'public' } }),
    other: bundleFunction(folder, 'other', 'key-watch', {}),
  };
  const { replaced, said } = await touch('functions/summary/handler.ts', codes, folder);
  const [[name, code] = ['', '']] = replaced;
  expect([replaced.size, name]).toEqual([1, 'reader']);
  expect(code).toContain(join(folder, 'watch', 'reader-'));
  expect(readFileSync(join(code, 'index.mjs'))).toEqual(readFileSync(join(codes.reader, 'index.mjs')));
  expect(JSON.parse(readFileSync(join(code, 'config.json'), 'utf8'))).toEqual({ zone: 'public' });
  expect(said).toMatch(/^reader: new code after \d+ ms$/);
});

test.each(['summary', 'webhook-guard'])(
  'a function behind the guard of webhooks keeps it where functions/%s is touched',
  async (touched) => {
    const folder = newFolder();
    const hook = bundleFunction(folder, 'hook', 'summary', { 'config.json': {} }, true);
    const { replaced } = await touch(`functions/${touched}/handler.ts`, { hook }, folder);
    const code = replaced.get('hook') ?? '';
    for (const file of ['index.mjs', 'own.mjs', 'own.mjs.map', 'config.json'])
      expect(readFileSync(join(code, file))).toEqual(readFileSync(join(hook, file)));
  },
);

test('a function in another language gets its folder, or what is in its zip, as it is now', async () => {
  const folder = newFolder();
  const code = newFolder();
  writeFileSync(join(code, 'handler.py'), 'print(1)');
  const declaration = changed('zones.internal.functions.labels.code', code, system) as SystemDeclaration;
  const name = 'journal-internal-labels';
  const { replaced, said } = await touch(join(code, 'handler.py'), { [name]: code }, folder, declaration);
  expect(said).toMatch(/^journal-internal-labels: new code after \d+ ms$/);
  expect(readFileSync(join(replaced.get(name) ?? '', 'handler.py'), 'utf8')).toBe('print(1)');
  // What can't be deployed is said, and the code of before goes on.
  writeFileSync(join(code, '.env'), 'KEY=1');
  const refused = await touch(join(code, 'handler.py'), { [name]: code }, folder, declaration);
  expect(refused.replaced.size).toBe(0);
  expect(refused.said).toMatch(/hidden.*code of before goes on/);
});
