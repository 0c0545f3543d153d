import { notUnderstood } from '../../derived/additions.ts';
import { type Rule, resourceRule } from '../rule.ts';
import { KNOWN_TYPES } from './properties.ts';

/**
 * Every resource is of a type that rules read. What a compared assembly has beside what the declaration yields is for
 * `additions-are-understood`, which also looks at properties.
 */
export const resourceTypesAreKnown: Rule = resourceRule({
  name: 'resource-types-are-known',
  invariant: 'I1',
  title: 'Every resource is of a type that the proof has thought about.',
  problems: ({ type }, { comparison }) => [
    comparison === undefined && !KNOWN_TYPES.includes(type) && notUnderstood(type),
  ],
  remedy:
    'Remove it, or deploy it from another app, in another account. What a zone needs is declared in zones.ts.',
});
