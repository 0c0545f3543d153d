import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Minified size of what importing `names` from the client adds to a function's bundle, and what is in it. */
function bundle(names: string): { bytes: number; inputs: string[] } {
  const { outputFiles, metafile } = buildSync({
    stdin: { contents: `export { ${names} } from './client/index.ts';`, resolveDir: root },
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    absWorkingDir: root,
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return { bytes: outputFiles[0]?.contents.length ?? 0, inputs: inputs.map(([file]) => file) };
}

test('a worker’s part of the client is small, and without jose and any AWS SDK client', () => {
  const { bytes, inputs } = bundle(
    'createApiFetch, createAwsCaller, createRemoteSigner, createTokenClient, machineTokens, readAwsConfig',
  );
  expect(bytes).toBeLessThan(70_000);
  expect(inputs.filter((file) => /node_modules\/(jose|@aws-sdk)\//.test(file))).toEqual([]);
});

test('all of the client fits into a function', () => {
  expect(
    bundle('redeemCode, validateLogoutToken, exchangeToken, refreshTokens, createAwsCaller').bytes,
  ).toBeLessThan(120_000);
});

test('the client reads the environment in one place and imports nothing of its users', () => {
  const files = readdirSync(join(root, 'client'), { recursive: true, encoding: 'utf8' });
  const readers = ['connect-zone.ts', 'testing.ts'];
  for (const file of files.filter((name) => name.endsWith('.ts') && !readers.includes(name))) {
    // Without doc comments: an example may do what its reader's function does.
    const source = readFileSync(join(root, 'client', file), 'utf8').replaceAll(/\/\*\*.*?\*\//gs, '');
    expect(source, file).not.toMatch(/process\.env/);
    expect(source, file).not.toMatch(/from '(\.\.\/)+(functions|infra|local|test)\//);
  }
});
