import { ALWAYS, type Condition, mapTests, NEVER } from '../policy/condition.ts';
import { covers, globOf } from '../policy/pattern.ts';
import type { Answers } from '../policy/request.ts';

/** The answers to a question about a pattern of resources, without the resources `except` (ARNs, or patterns of them). */
export function withoutResources(answers: Answers<Condition>, except: readonly string[]): Answers<Condition> {
  const globs = except.map(globOf);
  const change = (condition: Condition) =>
    mapTests(condition, (test) => {
      const pattern = test.kind === 'resource' ? test.pattern.glob : undefined;
      return pattern !== undefined && globs.some((glob) => covers(glob, pattern)) ? NEVER : undefined;
    });
  const both = <Side extends { allows: Condition; denies: Condition }>(side: Side) => ({
    ...side,
    allows: change(side.allows),
    denies: change(side.denies),
  });
  const { resource } = answers;
  return {
    ...answers,
    identity: both(answers.identity),
    boundary: answers.boundary && both(answers.boundary),
    endpoints: () => answers.endpoints().map(({ through, answer }) => ({ through, answer: both(answer) })),
    resource: {
      direct: change(resource.direct),
      role: change(resource.role),
      account: change(resource.account),
      denies: change(resource.denies),
    },
  };
}

/** `condition` for people: that nobody knows the policies of a whole pattern of resources goes without saying. */
export function withoutOpenPolicy(condition: Condition, resource: string): Condition {
  return mapTests(condition, (test) =>
    test.kind === 'unknown' && resource.includes('*') && test.what.includes(resource) ? ALWAYS : undefined,
  );
}
