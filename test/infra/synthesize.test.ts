import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newFolder } from '../temporary.ts';
import { moveOnce } from './synthesize.ts';

test('of two who make the same folder at one time the first one’s stays, and anything else that fails is told', () => {
  const shared = join(newFolder(), 'shared');
  for (const name of ['first', 'second']) {
    const made = newFolder();
    writeFileSync(join(made, name), '');
    moveOnce(made, shared);
  }
  expect(readdirSync(shared)).toEqual(['first']);
  expect(() => moveOnce(join(newFolder(), 'none'), join(newFolder(), 'shared'))).toThrow('ENOENT');
});
