import { expect, test } from 'vitest';
import { findFiles } from './find-files.ts';

const APART = /\/handler\.ts/;

test('each file of several globs is meant once, but for those that are apart', () => {
  const all = findFiles(['functions/signer/*.ts', 'functions/*/audit.ts'], APART);
  expect(all).toEqual([...new Set(all)].sort());
  expect(all).toContain('functions/signer/audit.ts');
  expect(all).not.toContain('functions/signer/handler.ts');
});

test.each([
  ['that is misspelt', 'protocl/*.ts'],
  ['of nothing but what is apart', 'functions/signer/handler.ts'],
])('a glob %s is refused by name, also beside one that is right', (_, glob) => {
  expect(() => findFiles(['protocol/*.ts', glob], APART)).toThrow(`No file is meant by ${glob}.`);
});
