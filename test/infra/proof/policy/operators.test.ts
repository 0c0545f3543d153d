import { describe, expect, it } from 'vitest';
import { unknownValue } from '../../../../infra/proof/assembly/unknown.ts';
import { evaluate } from '../../../../infra/proof/policy/index.ts';
import { compileConditions } from '../../../../infra/proof/policy/operators.ts';

/** Whether a Condition element holds on a context. */
function holds(element: unknown, context: Readonly<Record<string, readonly string[]>>): boolean | undefined {
  const facts = { values: (key: string) => context[key] ?? [], resource: '*', session: '' };
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
  ['StringEqualsIgnoreCase', 'aB', ['Ab'], true],
  ['StringNotEqualsIgnoreCase', 'aB', ['Ab'], false],
  ['StringLike', 'a*', ['ab'], true],
  ['StringLike', 'a?', ['a'], false],
  ['StringNotLike', 'a*', ['ab'], false],
  ['ArnEquals', 'arn:aws:iam::*:role/a', ['arn:aws:iam::1:role/a'], true],
  ['ArnLike', 'arn:aws:iam::1:role/*', ['arn:aws:iam::1:role/a/b:c'], true],
  ['ArnLike', 'arn:aws:*:role/a', ['arn:aws:iam::1:role/a'], undefined],
  ['ArnLike', 'arn:aws:x:*:1:finance/*', ['arn:aws:x:eu:9:store/abc:1:finance/d'], false],
  ['ArnNotLike', 'arn:aws:iam::1:role/*', ['arn:aws:iam::1:user/a'], true],
  ['ArnNotEquals', 'arn:aws:iam::1:role/*', [], true],
  ['NumericEquals', '7', ['7.0'], true],
  ['NumericNotEquals', '7', ['8'], true],
  ['NumericLessThan', '10', ['9'], true],
  ['NumericLessThanEquals', '10', ['10'], true],
  ['NumericGreaterThan', '10', ['10'], false],
  ['NumericGreaterThanEquals', '10', ['10'], true],
  ['NumericLessThan', '10', ['ten'], undefined],
  ['NumericNotEquals', 'ten', ['10'], undefined],
  ['DateEquals', '2026-01-01T00:00:00Z', ['1767225600'], true],
  ['DateLessThan', '2026-01-01', ['2025-12-31T23:59:59Z'], true],
  ['DateGreaterThan', '2026-01-01T00:00:00Z', ['2026-01-01T00:00:00Z'], false],
  ['DateNotEquals', '2026-01-01T00:00:00Z', ['2026-01-01T01:00:00+01:00'], false],
  ['DateLessThanEquals', '2026-01-01', ['soon'], undefined],
  ['DateGreaterThanEquals', '2026-01-01T00:00:00Z', [], false],
  ['Bool', 'true', ['TRUE'], true],
  ['Bool', 'false', ['true'], false],
  ['BoolIfExists', 'false', [], true],
  ['BinaryEquals', 'QUJD', ['QUJD'], true],
  ['IpAddress', '10.0.0.0/8', ['10.9.8.7'], true],
  ['IpAddress', '10.0.0.0/8', ['11.0.0.0'], false],
  ['IpAddress', '0.0.0.0/0', ['::1'], false],
  ['IpAddress', '2001:db8::/33', ['2001:db8:8000::1'], false],
  ['IpAddress', '::ffff:10.0.0.1', ['::ffff:a00:1'], true],
  ['IpAddress', '10.0.0.300', ['10.0.0.1'], undefined],
  ['NotIpAddress', ['10.0.0.0/8', '192.168.0.1'], ['192.168.0.1'], false],
  ['NotIpAddress', '10.0.0.0/8', [], true],
  ['Null', 'true', [], true],
  ['Null', 'true', ['x'], false],
  ['Null', 'false', ['x'], true],
  ['Null', 'perhaps', ['x'], undefined],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
  ['ForAllValues:StringEquals', 'a', [], true],
  ['ForAllValues:StringEquals', 'a', [''], undefined],
  ['ForAllValues:StringNotEquals', 'a', ['b', 'a'], false],
  ['ForAllValues:StringLike', ['a*', 'b*'], ['ab', 'bc'], true],
  ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], true],
  ['ForAnyValue:StringEquals', 'a', [], false],
  ['ForAnyValue:StringNotEquals', 'a', ['a'], false],
  ['ForAnyValue:StringNotEquals', 'a', ['a', 'b'], true],
  ['ForAnyValue:StringEqualsIfExists', 'a', [], true],
  ['StringResembles', 'a', ['a'], undefined],
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
    expect(holds({ Bool: { a: true }, NumericEquals: { b: 5 } }, { a: ['true'], b: ['5'] })).toBe(true);
  });

  it('a value may name another key', () => {
    const element = { StringEquals: { 'aws:ResourceTag/zone': '${aws:PrincipalTag/zone}' } };
    expect(holds(element, { 'aws:resourcetag/zone': ['a'], 'aws:principaltag/zone': ['a'] })).toBe(true);
    expect(holds(element, { 'aws:resourcetag/zone': ['a'], 'aws:principaltag/zone': ['b'] })).toBe(false);
    expect(holds(element, { 'aws:resourcetag/zone': ['a'] })).toBe(false);
  });

  it('what the deploy decides is not known, and equal to itself', () => {
    const value = unknownValue('P');
    expect(holds({ StringEquals: { a: value } }, { a: ['x'] })).toBeUndefined();
    expect(holds({ StringEquals: { a: value } }, { a: [value] })).toBe(true);
    expect(holds({ StringEquals: { a: { Ref: 'P' } } }, { a: ['x'] })).toBeUndefined();
  });
});
