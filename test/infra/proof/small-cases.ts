import { describe, expect, it } from 'vitest';
import { folderOf } from './small-roles.ts';
import { inputOf, type Resources, ruleNamed } from './small-system.ts';

/** Stacks, what the rule says of them (left out where it has nothing to say), and files of assets by object key. */
export type SmallCase = readonly [
  system: Readonly<Record<string, Resources>>,
  expected?: RegExp | undefined,
  assets?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
];

/** Tests by the names of rules and of cases what a rule says of a system that is as small as can be. */
export function smallCases(cases: Readonly<Record<string, Readonly<Record<string, SmallCase>>>>): void {
  for (const [rule, named] of Object.entries(cases))
    describe(rule, () => {
      it.each(Object.entries(named))('%s', (_name, [system, expected, assets = { 'code.zip': {} }]) => {
        const paths = Object.entries(assets).map(([key, files]) => [key, folderOf(files)] as const);
        const found = ruleNamed(rule).check(inputOf({ ...system }, new Map(paths)));
        const said = found.map(({ message }) => message).join('\n');
        if (expected === undefined) expect(said).toBe('');
        else expect(said).toMatch(expected);
      });
    });
}
