import { listOf, objectOf, parseJson, stringsOf } from '../assembly/json.ts';

/**
 * The actions that the statements of a policy document name (by default those that allow), with their wildcards. `*` stands
 * for a statement that says which actions it is not about, or that can't be read.
 */
export function namedActions(document: unknown, effects: readonly string[] = ['Allow']): string[] {
  const { Statement } = objectOf(typeof document === 'string' ? parseJson(document) : document);
  if (Statement === undefined) return ['*'];
  return listOf(Statement)
    .map(objectOf)
    .filter(({ Effect }) => effects.includes(String(Effect)) || !EFFECTS.includes(String(Effect)))
    .flatMap(({ Action }) => {
      const names = stringsOf(Action);
      return names.length === 0 || names.length < listOf(Action).length ? [...names, '*'] : names;
    });
}

/** Any other effect can't be read, so that the statement may mean anything. */
const EFFECTS = ['Allow', 'Deny'];
