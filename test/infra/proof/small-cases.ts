import { describe, expect, it } from 'vitest';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import type { Violation } from '../../../infra/proof/rules/rule.ts';
import { folderOf } from './small-roles.ts';
import { inputOf, type Resources, ruleNamed } from './small-system.ts';

/** Stacks, what the rule says of them (left out where it has nothing to say), and files of assets by object key. */
export type SmallCase = readonly [
  system: Readonly<Record<string, Resources>>,
  expected?: RegExp | undefined,
  assets?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
];

/** Violations in which something that has to be said is empty or unknown. */
export function untold(found: readonly Violation[]): readonly Violation[] {
  const isText = (text: unknown) => typeof text === 'string' && /^\S/.test(text) && !/undefined/.test(text);
  return found.filter(
    ({ resource, message, path, remedy, about = ['all'] }) =>
      ![resource, message, path[0], ...path, remedy, about[0], ...about].every(isText),
  );
}

/** Tests by the names of rules and of cases what a rule says of a system that is as small as can be. */
export function smallCases(
  cases: Readonly<Record<string, Readonly<Record<string, SmallCase>>>>,
  declaration?: SystemDeclaration,
): void {
  for (const [rule, named] of Object.entries(cases))
    describe(rule, () => {
      it.each(Object.entries(named))('%s', (_name, [system, expected, assets = { 'code.zip': {} }]) => {
        const paths = Object.entries(assets).map(([key, files]) => [key, folderOf(files)] as const);
        const found = ruleNamed(rule).check(inputOf({ ...system }, new Map(paths), declaration));
        const said = found.map(({ message }) => message).join('\n');
        expect(untold(found)).toEqual([]);
        if (expected === undefined) expect(said).toBe('');
        else expect(said).toMatch(expected);
      });
    });
}
