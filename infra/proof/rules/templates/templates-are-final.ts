import { isObject } from '../../assembly/json.ts';
import type { Rule } from '../rule.ts';

/** Sections of a template by which it is rewritten, or waits for code, while it is deployed. */
const SECTIONS: Readonly<Record<string, string>> = {
  Transform: 'is rewritten by a macro while it is deployed',
  Hooks: 'has hooks that run while it is deployed',
};

/** What is deployed is what was looked at: no template is rewritten by a macro on its way. */
export const templatesAreFinal: Rule = {
  name: 'templates-are-final',
  invariant: 'I1',
  title: 'No template is rewritten by a macro while it is deployed.',
  check: ({ assembly }) =>
    assembly.stacks.flatMap(({ name, template }) => {
      const problems = [
        ...Object.keys(SECTIONS).filter((section) => template[section] !== undefined),
        ...(hasTransform(template) ? ['Transform'] : []),
      ];
      return [...new Set(problems)].map((section) => ({
        resource: name,
        message: `The template of ${name} ${SECTIONS[section]}.`,
        path: [name, section, 'whatever it makes of the template'],
        remedy: 'Write out what it would make.',
      }));
    }),
};

function hasTransform(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasTransform);
  return (
    isObject(value) &&
    Object.entries(value).some(([key, part]) => key === 'Fn::Transform' || hasTransform(part))
  );
}
