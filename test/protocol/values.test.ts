import { expect, test } from 'vitest';
import { ageAt } from '../../protocol/values.ts';

test.each([
  ['as old as it is', 2500, 1500, 1000],
  ['as old by a clock that was set back since', 1500, 2500, 1000],
  ['of this moment', 1500, 1500, 0],
  ['of no time', 1500, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
])('what was is %s', (_, now, then, age) => {
  expect(ageAt(now, then)).toBe(age);
});
