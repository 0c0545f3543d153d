import { globSync } from 'node:fs';

/**
 * The files of globs, sorted and each once, without those that are `apart`.
 * @throws of a glob that is left without any: misspelt or overtaken by a move, it would have less tried, without a word
 */
export function findFiles(globs: readonly string[], apart: RegExp): string[] {
  const found = globs.map((glob) => globSync(glob).filter((file) => !apart.test(file)));
  const empty = globs.filter((_, index) => found[index]?.length === 0);
  if (empty.length > 0) throw new Error(`No file is meant by ${empty.join(', ')}.`);
  return [...new Set(found.flat())].sort();
}
