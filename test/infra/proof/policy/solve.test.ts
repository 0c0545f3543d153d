import { describe, expect, it } from 'vitest';
import { ALWAYS, all, not } from '../../../../infra/proof/policy/condition.ts';
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
  expect(satisfiable(all([every('a', 'b'), only('c')]))).toBe(false);
  expect(satisfiable(all([only('a'), not(every('a', 'b'))]))).toBe(false);
  expect(satisfiable(all([only('a'), every('a', 'b')]))).toBe(true);
});

it('what is unknown excludes nothing else that is, not even its contrary', () => {
  expect(satisfiable(all([unknown('a'), not(unknown('a'))]))).toBe(true);
  expect(satisfiable(all([unknown('a'), not(unknown('b'))]))).toBe(true);
  expect(satisfiable(all([known('vpce-1'), not(known('vpce-1'))]))).toBe(false);
});

it('a value that is spelled as a test of its key is a value all the same', () => {
  const present = of({ Null: { 'aws:SourceVpce': 'false' } });
  expect(satisfiable(all([present, not(known('present'))]))).toBe(true);
});
