import { isAddition, type Rule, resourceRule, violationsOf, wordsOf } from '../rule.ts';
import { KNOWN_TYPES, problemsOfProperties } from './places.ts';
import { notUnderstood } from './types.ts';

/** Of what the constructs yield, every property is understood: none is new, chosen by the deploy, or leads out of the templates. */
export const propertiesAreUnderstood: Rule = resourceRule({
  name: 'properties-are-understood',
  invariant: 'I10',
  title:
    'Of the types that a system is made of, every property is one that the proof understands, known before the deploy, and leads to resources of the templates.',
  of: KNOWN_TYPES,
  problems: (resource, input) => {
    // Another rule judges what was added.
    if (isAddition(resource, input)) return [];
    const { certain } = resource;
    return [!certain && 'exists only if the deploy decides so', ...problemsOfProperties(resource, input)];
  },
  remedy:
    'Say it in zones.ts and synthesize again. What our constructs newly yield belongs into infra/proof/rules/templates/types.ts, with the rule that judges it or without consequence.',
});

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

/** What a template may be made of; macros and hooks are told apart. */
const SECTIONS = wordsOf(
  `AWSTemplateFormatVersion Conditions Description Hooks Mappings Metadata Outputs Parameters Resources Rules Transform`,
);

/** What is deployed is what was looked at: no template is rewritten by a macro on its way. */
export const templatesAreFinal: Rule = {
  name: 'templates-are-final',
  invariant: 'I1',
  title: 'No template is rewritten by a macro while it is deployed.',
  check: ({ assembly }) =>
    assembly.stacks.flatMap(({ name, template }) => {
      const { Transform, Hooks } = template;
      const strange = Object.keys(template).filter((section) => !SECTIONS.includes(section));
      const isRewritten = Transform !== undefined || /"Fn::Transform":/.test(JSON.stringify(template));
      return violationsOf(
        [
          isRewritten && 'is rewritten by a macro while it is deployed',
          Hooks !== undefined && 'has hooks that run while it is deployed',
          strange.length > 0 && `has ${strange.join(' and ')}, which is not understood`,
        ],
        {
          resource: name,
          subject: `The template of ${name}`,
          path: [name, 'a macro or a hook', 'whatever it makes of the template'],
          remedy: 'Write out what it would make.',
        },
      );
    }),
};
