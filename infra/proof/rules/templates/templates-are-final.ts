import { type Rule, violationsOf } from '../rule.ts';

/** What is deployed is what was looked at: no template is rewritten by a macro on its way. */
export const templatesAreFinal: Rule = {
  name: 'templates-are-final',
  invariant: 'I1',
  title: 'No template is rewritten by a macro while it is deployed.',
  check: ({ assembly }) =>
    assembly.stacks.flatMap(({ name, template }) => {
      const { Transform, Hooks } = template;
      const isRewritten = Transform !== undefined || /"Fn::Transform":/.test(JSON.stringify(template));
      return violationsOf(
        [
          isRewritten && 'is rewritten by a macro while it is deployed',
          Hooks !== undefined && 'has hooks that run while it is deployed',
        ],
        {
          ...{ resource: name, subject: `The template of ${name}` },
          path: [name, 'a macro or a hook', 'whatever it makes of the template'],
          remedy: 'Write out what it would make.',
        },
      );
    }),
};
