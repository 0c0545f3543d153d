import { describe, expect, it } from 'vitest';
import { unknownValue } from '../../../../infra/proof/assembly/unknown.ts';
import { evaluate } from '../../../../infra/proof/policy/condition.ts';
import { compileConditions } from '../../../../infra/proof/policy/operators.ts';

/** Whether a Condition element holds on a context. */
function holds(element: unknown, context: Readonly<Record<string, readonly string[]>>): boolean | undefined {
  const facts = { values: (key: string) => context[key] ?? [], resource: '*' };
  return evaluate(compileConditions(element, true), facts);
}

/** Operator, value in the policy, values in the request, whether it holds. */
const CASES: readonly [string, string | string[], readonly string[], boolean | undefined][] = [
  ['StringEquals', 'a', ['a'], true],
  ['StringEquals', 'a', ['A'], false],
  ['StringEquals', ['b', 'a'], ['a'], true],
  ['StringEquals', 'a*', ['ab'], false],
  ['StringEquals', 'a', [], false],
  ['StringEquals', 'a', ['a', 'b'], undefined],
  ['stringequals', 'a', ['a'], true],
  ['StringEqualsIfExists', 'a', [], true],
  ['StringEqualsIfExists', 'a', ['b'], false],
  ['StringNotEquals', ['a', 'b'], ['c'], true],
  ['StringNotEquals', ['a', 'b'], ['b'], false],
  ['StringNotEquals', 'a', [], true],
  ['StringLike', 'a*', ['ab'], true],
  ['StringLike', 'a?', ['a'], false],
  ['StringNotLike', 'a*', ['ab'], false],
  ['ArnEquals', 'arn:aws:iam::*:role/a', ['arn:aws:iam::1:role/a'], true],
  ['ArnLike', 'arn:aws:iam::1:role/*', ['arn:aws:iam::1:role/a/b:c'], true],
  ['ArnLike', 'arn:aws:*:role/a', ['arn:aws:iam::1:role/a'], undefined],
  ['ArnLike', 'arn:aws:x:*:1:finance/*', ['arn:aws:x:eu:9:store/abc:1:finance/d'], false],
  ['ArnNotLike', 'arn:aws:iam::1:role/*', ['arn:aws:iam::1:user/a'], true],
  ['ArnLike', 'arn:aws:iam::1:role/*', ['a'], false],
  ['ArnNotEquals', 'arn:aws:iam::1:role/*', [], true],
  ['Bool', 'TRUE', ['true'], true],
  ['Bool', 'false', ['true'], false],
  ['BoolIfExists', 'false', [], true],
  ['Null', 'true', [], true],
  ['Null', 'true', ['x'], false],
  ['Null', 'false', ['x'], true],
  ['Null', 'perhaps', ['x'], undefined],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
  ['ForAllValues:StringEquals', 'a', [], true],
  ['ForAllValues:StringEquals', 'a', [''], undefined],
  ['ForAllValues:StringNotEquals', 'a', ['b', 'a'], undefined],
  ['ForAllValues:StringLike', ['a*', 'b*'], ['ab', 'bc'], true],
  ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], undefined],
  ['ForAnyValue:StringNotEquals', 'a', ['a', 'b'], undefined],
  ['StringResembles', 'a', ['a'], undefined],
  ['StringEquals', '${aws:username}', ['a'], undefined],
  ['StringLike', 'a${*}', ['a*'], true],
  ['StringEqualsIgnoreCase', 'a', ['a'], undefined],
  ['NumericLessThan', '10', ['9'], undefined],
  ['DateNotEquals', '2026-01-01', ['2026-01-02'], undefined],
  ['IpAddress', '10.0.0.0/8', ['10.9.8.7'], undefined],
  ['NotIpAddress', '10.0.0.0/8', [], undefined],
  ['NumericEqualsIfExists', '1', [], undefined],
  ['BinaryEquals', 'QUJD', ['QUJD'], undefined],
  ['NotStringEquals', 'a', ['b'], undefined],
  ['StringNotNotEquals', 'a', ['b'], undefined],
  ['NullIfExists', 'true', [], undefined],
];

describe('condition operators', () => {
  it.each(CASES)('%s %j on %j: %s', (operator, value, values, expected) => {
    expect(holds({ [operator]: { 'aws:Key': value } }, { 'aws:key': values })).toBe(expected);
  });

  it('all operators and all keys must hold', () => {
    const element = { StringEquals: { a: '1', b: '2' }, Null: { c: 'true' } };
    expect(holds(element, { a: ['1'], b: ['2'] })).toBe(true);
    expect(holds(element, { a: ['1'], b: ['3'] })).toBe(false);
    expect(holds(element, { a: ['1'], b: ['2'], c: ['x'] })).toBe(false);
  });

  it('values may be numbers and booleans', () => {
    expect(holds({ Bool: { a: true }, StringEquals: { b: 5 } }, { a: ['true'], b: ['5'] })).toBe(true);
  });

  it('what the deploy decides is not known, and equal to itself', () => {
    const value = unknownValue('P');
    expect(holds({ StringEquals: { a: value } }, { a: ['x'] })).toBeUndefined();
    expect(holds({ StringEquals: { a: value } }, { a: [value] })).toBe(true);
    expect(holds({ StringEquals: { a: { Ref: 'P' } } }, { a: ['x'] })).toBeUndefined();
  });
});
