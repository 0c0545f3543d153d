import { describe, expect, it } from 'vitest';
import { ALWAYS, all, any, not } from '../../../../infra/proof/policy/condition.ts';
import { compileConditions } from '../../../../infra/proof/policy/operators.ts';
import { satisfiable, widens } from '../../../../infra/proof/policy/solve.ts';

const of = (element: object) => compileConditions(element, true);
/** What the proof does not decide. */
const unknown = (...values: string[]) => of({ 'ForAnyValue:StringNotEquals': { 'aws:TagKeys': values } });
const every = (...values: string[]) => of({ 'ForAllValues:StringLike': { 'aws:TagKeys': values } });
const only = (value: string) => of({ StringEquals: { 'aws:TagKeys': value } });
const known = (value: string) => of({ StringEquals: { 'aws:SourceVpce': value } });

describe('what is wider now than before', () => {
  it('is what some request has now and had not', () => {
    expect(widens(known('vpce-1'), ALWAYS, ALWAYS)).toBe(true);
    expect(widens(known('vpce-1'), known('vpce-2'), ALWAYS)).toBe(true);
    expect(widens(ALWAYS, known('vpce-1'), ALWAYS)).toBe(false);
    expect(widens(known('vpce-1'), known('vpce-1'), ALWAYS)).toBe(false);
  });

  it('is not what is unknown in the same words, and is what is unknown of other values', () => {
    expect(widens(unknown('a'), unknown('a'), ALWAYS)).toBe(false);
    expect(widens(unknown('a'), unknown('b'), ALWAYS)).toBe(true);
    expect(widens(unknown('a'), unknown('a', 'b'), ALWAYS)).toBe(true);
    expect(widens(unknown('a'), ALWAYS, ALWAYS)).toBe(true);
  });

  it('of all values of a key is more values, and not fewer', () => {
    expect(widens(every('a', 'b'), every('a'), ALWAYS)).toBe(false);
    expect(widens(every('a', 'b*'), every('a', 'be'), ALWAYS)).toBe(false);
    expect(widens(every('a'), every('a', 'b'), ALWAYS)).toBe(true);
    expect(widens(every('a', 'b'), every('a', 'c'), ALWAYS)).toBe(true);
    expect(widens(every('a', 'b'), only('a'), ALWAYS)).toBe(false);
    expect(widens(every('a', 'b'), only('c'), ALWAYS)).toBe(true);
    expect(widens(only('a'), every('a'), ALWAYS)).toBe(true);
  });
});

it('a value that is not in a list is a stray one', () => {
  expect(satisfiable(all([only('c'), every('a', 'b')]))).toBe(false);
  expect(satisfiable(all([every('a', 'd'), only('c')]))).toBe(false);
  expect(satisfiable(all([only('a'), not(every('a', 'b'))]))).toBe(false);
  expect(satisfiable(all([only('a'), every('a', 'b')]))).toBe(true);
  const none = of({ Null: { 'aws:TagKeys': 'true' } });
  expect(satisfiable(all([none, not(every('a'))]))).toBe(false);
  expect(satisfiable(all([not(none), not(every('a'))]))).toBe(true);
});

it('what is unknown excludes nothing else that is, not even its contrary', () => {
  expect(satisfiable(all([unknown('a'), not(unknown('a'))]))).toBe(true);
  expect(satisfiable(all([unknown('a'), not(unknown('b'))]))).toBe(true);
  const few = of({ ArnLike: { 'aws:PrincipalArn': 'arn:*:role/a' } });
  expect(satisfiable(all([few, not(few)]))).toBe(true);
  expect(satisfiable(all([known('vpce-1'), not(known('vpce-1'))]))).toBe(false);
});

it('a value that is spelled as a test of its key is a value all the same', () => {
  const present = of({ Null: { 'aws:SourceVpce': 'false' } });
  expect(satisfiable(all([present, not(known('present'))]))).toBe(true);
});

describe('two tests of one key exclude and entail each other as regular expressions do, over short values', () => {
  const words = ['', 'a', 'b', 'aa', 'ab', 'ba', 'bb'];
  const ends = words.flatMap((end) => [end, `${end}:a`, `a:${end}`]);
  const arns = ['a:x', 'b:x', 'ab:x', 'a:a'].flatMap((middle) => ends.map((end) => `x:${middle}:x:x:${end}`));
  const values = [...words, 'x:a:a', 'x:a:x:x:x', 'x:a:a:x:x:x:a', 'x:a:x:x:x:b:x:x:x:a', ...arns, undefined];
  const text = (source: string) => source.replaceAll('*', '.*').replaceAll('?', '.');
  const arn = (source: string) => {
    const [one = '', last = ''] = source.split(/(?<=^(?:[^:]*:){5})/);
    return one.replaceAll('*', '[^:]*').replaceAll('?', '[^:]') + text(last);
  };
  const tests = Object.entries({
    StringEquals: ['a', 'ab', 'x:a:x:x:x:a', 'x:a:x:x:x:b:a', 'x:a:a:x:x:x:a', 'x:a:x:x:x'],
    StringLike: ['**a', 'a*', '*b', '?', 'x:*:a', 'x:*b', 'x:*:x:x:x:a'],
    ArnLike: ['x:*:x:x:x:*', 'x:a:*:x:x:a', 'x:*:x:x:x:a', 'x:?:x:x:x:b*', 'x:a:x:x:x:*:a', 'x:a:x:x:x:a'],
    Null: ['true', 'false'],
  }).flatMap(([operator, sources]) =>
    sources.map((source) => {
      const expression = new RegExp(`^${operator === 'ArnLike' ? arn(source) : text(source)}$`);
      const holds = (value: string | undefined) =>
        operator === 'Null'
          ? (value === undefined) === (source === 'true')
          : value !== undefined && expression.test(value);
      const matched = values.filter(holds);
      return {
        operator,
        source,
        matched,
        condition: () => of({ [operator]: { 'aws:PrincipalArn': source } }),
      };
    }),
  );
  it.each(tests)('$operator $source', ({ matched, condition }) => {
    for (const other of tests) {
      const name = `${other.operator} ${other.source}`;
      const both = satisfiable(all([condition(), other.condition()]));
      expect(both, name).toBe(matched.some((value) => other.matched.includes(value)));
      const beyond = satisfiable(all([condition(), not(other.condition())]));
      expect(beyond, name).toBe(!matched.every((value) => other.matched.includes(value)));
    }
  });
});

it('what takes too many guesses to exclude is possible', () => {
  const is = (name: string) => of({ StringEquals: { [`aws:RequestTag/${name}`]: 'a' } });
  const [x, y] = [is('x'), is('y')];
  const never = [x, not(x)].flatMap((one) => [y, not(y)].map((other) => any([one, other])));
  /** Every way to meet so many choices is tried before it is known that none will do. */
  const choices = (count: number) =>
    Array.from({ length: count }, (_, at) => any([is(`a${at}`), is(`b${at}`)]));
  expect(satisfiable(all([...choices(4), ...never]))).toBe(false);
  expect(satisfiable(all([...choices(16), ...never]))).toBe(true);
});
