/**
 * Packs what is published into `.build/packages/`, an archive a package: its folders compiled, with a manifest that holds what a
 * dependency needs and nothing of the clone's: no scripts, no Node binaries. Prints the archives' paths, a line each.
 *
 * `protocol` is a room of its own in the clone and comes in the client's package: whoever has one needs the other.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { transformSync } from 'esbuild';

const USAGE = `npm run pack

Packs @helseid-zones/client and @helseid-zones/infra, compiled, as they are published, into .build/packages/, and prints the
archives' paths, a line each: npm install takes such a path.`;

const [option] = process.argv.slice(2);
if (option !== undefined) {
  const help = option === '--help';
  console.log(help ? USAGE : `There is no option ${option}.\n\n${USAGE}`);
  process.exit(help ? 0 : 1);
}

const PROTOCOL = '@helseid-zones/protocol';

/** Each package: the workspace it is named by, the folders it holds compiled, and those that come as source. */
const PACKAGES = [
  { name: 'client', folders: ['client', 'protocol'], sources: [] },
  // The functions come as source too: a deploy bundles them.
  { name: 'infra', folders: ['infra', 'functions'], sources: ['functions'] },
];

const root = resolve(import.meta.dirname, '..');
const compiled = join(root, '.build', 'compiled');
const packages = join(root, '.build', 'packages');
for (const folder of [compiled, packages]) rmSync(folder, { recursive: true, force: true });

const tsc = join(root, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', compiled], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
});

const readJson = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const readManifest = (name: string) => readJson(join(name, 'package.json'));

for (const { name, folders, sources } of PACKAGES) {
  const folder = join(packages, name);
  mkdirSync(folder, { recursive: true });
  for (const part of folders) cpSync(join(compiled, part), join(folder, part), { recursive: true });
  for (const sheet of globSync(`${name}/**/*.css`, { cwd: root }))
    cpSync(join(root, sheet), join(folder, sheet));
  for (const part of sources) cpSync(join(root, part), join(folder, part), { recursive: true });
  if (name === 'client')
    // For programs: without the white space that makes it three times as long.
    for (const schema of readdirSync(join(root, 'protocol')).filter((file) => file.endsWith('.schema.json')))
      writeFileSync(join(folder, 'protocol', schema), JSON.stringify(readJson(join('protocol', schema))));
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (/\.[jt]s$/.test(file)) placeProtocol(name, folder, file);
  // Comments are in the declarations, where editors look.
  for (const file of globSync(
    folders.map((part) => `${part}/**/*.js`),
    { cwd: folder },
  ))
    writeFileSync(join(folder, file), transformSync(readFileSync(join(folder, file), 'utf8')).code);
  // Types that a schema implies are deep, and tsc indents them by four: 17 KB of the client.
  for (const file of globSync('**/*.d.ts', { cwd: folder })) {
    const text = readFileSync(join(folder, file), 'utf8');
    writeFileSync(
      join(folder, file),
      text.replaceAll(/^(?: {4})+/gm, (indent) => ' '.repeat(indent.length / 4)),
    );
  }
  for (const file of ['LICENSE', 'SECURITY.md', 'CHANGELOG.md']) cpSync(join(root, file), join(folder, file));
  cpSync(join(root, name, 'README.md'), join(folder, 'README.md'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifestOf(name), undefined, 2));
  // A shell, since npm is a .cmd file on Windows; nothing of the line comes from outside.
  const line = 'npm pack --json --ignore-scripts';
  const [packed] = JSON.parse(execFileSync(line, { cwd: folder, shell: true, encoding: 'utf8' }));
  console.log(join(folder, packed.filename));
}

/** Protocol is in the client's package: beside the importing file there, below its name elsewhere. */
function placeProtocol(name: string, folder: string, file: string): void {
  const path = join(folder, file);
  const source = readFileSync(path, 'utf8');
  const here = relative(dirname(path), join(folder, 'protocol')).replaceAll('\\', '/');
  const placed = source.replaceAll(/'@helseid-zones\/protocol\/([\w-]+)'/g, (_, module: string) =>
    name === 'client'
      ? `'${here.startsWith('.') ? here : `./${here}`}/${module}.js'`
      : `'@helseid-zones/client/protocol/${module}'`,
  );
  if (placed !== source) writeFileSync(path, placed);
}

function manifestOf(name: string): object {
  const { dependencies, exports, bin, ...manifest } = readManifest(name);
  const within = name === 'client' ? readManifest('protocol').dependencies : {};
  const { [PROTOCOL]: _, ...kept } = { ...within, ...dependencies };
  const ofProtocol = {
    './protocol/*.schema.json': './protocol/*.schema.json',
    './protocol/*': compiledExport('protocol', './*.ts'),
  };
  return {
    ...manifest,
    exports: {
      ...mapFiles(exports, (file) => compiledExport(name, file)),
      ...(name === 'client' ? ofProtocol : {}),
      './package.json': './package.json',
    },
    ...(bin ? { bin: mapFiles(bin, (file) => compiledExport(name, file).default) } : {}),
    dependencies: kept,
  };
}

function mapFiles<T>(files: Record<string, string>, map: (file: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(files).map(([key, file]) => [key, map(file)]));
}

/** `./NAME.ts` of a workspace, as its package has it. */
function compiledExport(workspace: string, file: string): { types: string; default: string } {
  const path = file.replace('./', `./${workspace}/`);
  return { types: path.replace(/\.ts$/, '.d.ts'), default: path.replace(/\.ts$/, '.js') };
}
