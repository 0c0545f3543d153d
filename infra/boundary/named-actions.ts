import { listOf, objectOf, parseJson, stringsOf } from './json.ts';

/**
 * The actions that the Allow statements of a policy document name, with their wildcards. `*` stands for a statement that says
 * what it does not allow, or that can't be read.
 */
export function namedActions(document: unknown): string[] {
  const { Statement } = objectOf(typeof document === 'string' ? parseJson(document) : document);
  if (Statement === undefined) return ['*'];
  return listOf(Statement)
    .map(objectOf)
    .filter(({ Effect }) => Effect !== 'Deny')
    .flatMap(({ Action }) => {
      const names = stringsOf(Action);
      return names.length === 0 || names.length < listOf(Action).length ? [...names, '*'] : names;
    });
}
