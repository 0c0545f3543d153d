/**
 * Compiles the examples of pages and doc comments, and each page that is followed as it is at its end. A part of `npm run check`:
 * their types are checked as those of all other code are.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { pages, root } from './pages.ts';
import { FOLLOWED, readSteps, writeStep } from './tutorial.ts';

/** The examples of doc comments, as text without the comment's own marks. */
const comments = ['protocol', 'client', 'infra'].flatMap((room) =>
  readdirSync(join(root, room), { recursive: true })
    .map((file) => join(room, String(file)))
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => ({
      name,
      text: [...readFileSync(join(root, name), 'utf8').matchAll(/^\/\*\*.*?^ \*\/$/gms)]
        .filter(([comment]) => comment.includes('@example'))
        .map(([comment]) => comment.replaceAll(/^ \*(?: |$)/gm, ''))
        .join('\n'),
    })),
);

/** Where rooms declare the codes of their errors: whoever compiles a room's files compiles them. */
const ERRORS = ['functions/common', 'infra'].map((room) => `../../${room}/errors.ts`);

/** Has files look as `npm run fix` leaves them. */
function format(folder: string): void {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const options = ['--linter-enabled=false', '--vcs-enabled=false', `--config-path=${root}`];
  execFileSync(process.execPath, [biome, 'check', '--write', ...options, folder], { stdio: 'pipe' });
}

/** A new folder below `.build` whose files are compiled as if they lay in the clone. */
function likeClone(name: string, include: readonly string[]): string {
  const folder = join(root, '.build', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const compilerOptions = {
    rootDirs: ['.', '../..'],
    incremental: true,
    // Beside the folder, so that what did not change since the last time is not compiled again.
    tsBuildInfoFile: `../${name}.tsbuildinfo`,
  };
  const config = { extends: '../../tsconfig.json', compilerOptions, include, exclude: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  return folder;
}

/** Writes the examples of pages and doc comments; whole files must look as `npm run fix` leaves them. */
function writeExamples(): string {
  const folder = likeClone('examples', ['**/*.ts', ...ERRORS]);
  const apart = [...pages, ...comments].filter(({ name }) => !FOLLOWED.includes(name));
  const examples = apart.flatMap(({ name, text }) =>
    [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ''], index) => ({ name, index, code })),
  );
  const looks = mkdtempSync(join(tmpdir(), 'zones-'));
  const whole = new Map<string, string>();
  for (const { name, index, code } of examples) {
    // A whole file says where it lies, and is compiled as if it lay there.
    const [, place = `${name.replaceAll(/\W/g, '-')}-${index}.ts`] =
      /^\/\/ ([\w./-]+\.ts)\n/.exec(code) ?? [];
    mkdirSync(dirname(join(folder, place)), { recursive: true });
    writeFileSync(join(folder, place), code);
    if (!code.startsWith(`// ${place}`)) continue;
    whole.set(join(looks, place), code);
    mkdirSync(dirname(join(looks, place)), { recursive: true });
    writeFileSync(join(looks, place), code);
  }
  format(looks);
  for (const [file, code] of whole)
    if (readFileSync(file, 'utf8') !== code)
      throw new Error(`${relative(looks, file)} is not as npm run fix leaves it, in a page.`);
  rmSync(looks, { recursive: true });
  // Examples are written for the declaration that they show a part of, not for the one in the clone.
  writeFileSync(join(folder, 'zones.ts'), "export { default } from '../../test/one-client.zones.ts';\n");
  if (examples.length === 0) throw new Error('There are no examples.');
  return folder;
}

/** Writes what a page that is followed has in its end. */
function writeFollowed(page: string): string {
  const folder = likeClone(basename(page), ['zones.ts', 'functions', '../../infra/errors.ts']);
  for (const step of readSteps(page)) if ('file' in step) writeStep(folder, step);
  return folder;
}

const folders = [writeExamples(), ...FOLLOWED.map(writeFollowed)];
const tsc = join(root, 'node_modules/typescript/bin/tsc');
// One build reads what they share once. The compiler takes a third less time where it seldom collects its garbage.
const { status } = spawnSync(
  process.execPath,
  [tsc, '-b', ...folders, '--checkers', '1', '--builders', '1'],
  {
    stdio: 'inherit',
    env: { ...process.env, GOGC: '400' },
  },
);
process.exitCode = status ?? 1;
