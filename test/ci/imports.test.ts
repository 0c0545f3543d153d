import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { newFolder } from '../temporary.ts';

const root = resolve(import.meta.dirname, '../..');

/** A file that may not import what it imports, for every room and both ways to import. */
const REFUSED = [
  ['protocol/compose.ts', '../client/tokens.ts'],
  ['protocol/grant.ts', '@helseid-zones/client'],
  ['client/tokens.ts', '../functions/signer/handler.ts'],
  ['client/aws.ts', '@helseid-zones/infra'],
  ['functions/signer/handler.ts', '../../infra/index.ts'],
  ['functions/worker/handler.ts', '../../local/app/main.ts'],
  ['functions/worker/handler.ts', '../../zones.ts'],
  ['functions/worker/handler.ts', 'aws-cdk-lib'],
  ['client/aws.ts', 'aws-cdk-lib/aws-lambda'],
  ['protocol/grant.ts', 'aws-cdk-lib'],
  ['infra/index.ts', '../local/app/main.ts'],
  ['infra/stacks/zone.ts', '../../test/full.ts'],
  ['infra/stacks/zone.ts', '../proof/prove.ts'],
  ['infra/constructs/signer.ts', '../proof/rules/index.ts'],
  ['infra/keys/rotate.ts', '../proof/prove.ts'],
  ['infra/build-app.ts', './proof/plugin.ts'],
  ['infra/verify/main.ts', '../../local/app/main.ts'],
  ['infra/changes/changes.ts', '../../local/app/main.ts'],
  ['infra/declaration/schema.ts', '../../functions/signer/handler.ts'],
  ['infra/declaration/define.ts', '../stacks/zone.ts'],
  ['infra/declaration/define.ts', '../keys/rotate.ts'],
  ['infra/declaration/define.ts', '@helseid-zones/client'],
  ['infra/declaration/define.ts', '@helseid-zones/client/errors'],
  ['infra/proof/main.ts', '../../local/app/main.ts'],
  ['infra/proof/rules/index.ts', '../../stacks/zone.ts'],
  ['local/aws/sigv4.ts', '../../test/full.ts'],
  ['local/app/main.ts', '../../infra/build-app.ts'],
] as const;

const ALLOWED = [
  ['protocol/compose.ts', './errors.ts'],
  ['client/tokens.ts', '@helseid-zones/protocol/errors'],
  ['functions/signer/handler.ts', '@helseid-zones/client'],
  ['infra/stacks/zone.ts', '../../functions/common/dynamo.ts'],
  ['infra/declaration/schema.ts', '@helseid-zones/protocol/grant'],
  ['infra/app.ts', './proof/plugin.ts'],
  ['infra/limits.ts', './proof/assembly/resolve.ts'],
  ['infra/verify/main.ts', '../proof/prove.ts'],
  ['infra/changes/changes.ts', '../proof/prove.ts'],
  ['infra/proof/rules/index.ts', '../../declaration/names.ts'],
  ['local/app/synth.ts', '../../infra/build-app.ts'],
  ['local/app/main.ts', '../../infra/declaration/load.ts'],
] as const;

let folder = '';
let found = new Set<string>();

/** Every case as a file of its own beside the file it stands for, with this repository's rules. */
beforeAll(() => {
  folder = newFolder();
  const { $schema, vcs, ...rules } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...rules, root: true }));
  for (const [file, target] of [...REFUSED, ...ALLOWED]) {
    write(file, target, `import { a } from '${target}';\nexport const b = a;\n`, 'static');
    write(file, target, `export const b = () => import('${target}');\n`, 'dynamic');
  }
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string | { file: string } } }[];
  };
  found = new Set(
    diagnostics
      .filter(({ category }) => category === 'lint/style/noRestrictedImports')
      .map(({ location: { path } }) => (typeof path === 'string' ? path : path.file).replace(/^\.\//, '')),
  );
});

function write(file: string, target: string, source: string, way: string): void {
  const path = join(folder, caseFile(file, target, way));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, source);
}

/** Whether Biome's rules name the file itself, and not its folder: only a case at its very place meets its rule. */
const named = (file: string) =>
  ['infra/proof/main.ts', 'infra/app.ts', 'infra/limits.ts', 'local/app/synth.ts'].includes(file);

/** Where a case is written: beside the file it stands for, or in its place. */
function caseFile(file: string, target: string, way: string): string {
  return named(file) && way === 'static'
    ? file
    : file.replace(/\.ts$/, `-${target.replaceAll(/\W/g, '')}-${way}.ts`);
}

test.each(REFUSED)('%s does not import %s', (file, target) => {
  expect(found).toContain(caseFile(file, target, 'static'));
  if (!named(file)) expect(found).toContain(caseFile(file, target, 'dynamic'));
});

test.each(ALLOWED)('%s may import %s', (file, target) => {
  expect(found).not.toContain(caseFile(file, target, 'static'));
  if (!named(file)) expect(found).not.toContain(caseFile(file, target, 'dynamic'));
});
