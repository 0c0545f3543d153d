import { isObject, listOf, objectOf, stringsOf } from '../assembly/json.ts';
import {
  ALWAYS,
  all,
  any,
  type Condition,
  hasStray,
  hasValue,
  isPresent,
  not,
  unknown,
} from './condition.ts';
import { arnMatcher, type Matcher, networkMatcher, numberMatcher, textMatcher } from './matcher.ts';
import type { Relation } from './shape.ts';

/** How a condition operator compares a value, and whether it asks for the contrary. */
interface Operator {
  matcher(value: string, variables: boolean): Matcher;
  negated?: true;
}

const exact = (value: string, variables: boolean) => textMatcher(value, { wildcards: false, variables });
const anyCase = (value: string, variables: boolean) =>
  textMatcher(value, { wildcards: false, anyCase: true, variables });
const like = (value: string, variables: boolean) => textMatcher(value, { wildcards: true, variables });

/** The base operators of AWS's reference, by lower-case name; `null` and the set operators are in the code below. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  stringequals: { matcher: exact },
  stringnotequals: { matcher: exact, negated: true },
  stringequalsignorecase: { matcher: anyCase },
  stringnotequalsignorecase: { matcher: anyCase, negated: true },
  stringlike: { matcher: like },
  stringnotlike: { matcher: like, negated: true },
  arnequals: { matcher: arnMatcher },
  arnlike: { matcher: arnMatcher },
  arnnotequals: { matcher: arnMatcher, negated: true },
  arnnotlike: { matcher: arnMatcher, negated: true },
  bool: { matcher: anyCase },
  binaryequals: { matcher: (value) => exact(value, false) },
  ipaddress: { matcher: networkMatcher },
  notipaddress: { matcher: networkMatcher, negated: true },
  ...comparisons('numeric', 'number'),
  ...comparisons('date', 'date'),
};

function comparisons(prefix: string, kind: 'number' | 'date'): Record<string, Operator> {
  const relations: Readonly<Record<string, Relation>> = {
    equals: 'is',
    lessthan: 'is below',
    lessthanequals: 'is at most',
    greaterthan: 'is above',
    greaterthanequals: 'is at least',
  };
  const entries = Object.entries(relations).map(([name, relation]): [string, Operator] => [
    `${prefix}${name}`,
    { matcher: (value) => numberMatcher(kind, relation, value) },
  ]);
  const differs: Operator = { matcher: (value) => numberMatcher(kind, 'is', value), negated: true };
  return { ...Object.fromEntries(entries), [`${prefix}notequals`]: differs };
}

/**
 * The condition that the Condition element of a statement states: all of its operators and keys, any of the
 * values of each. `variables` says whether the policy's version knows policy variables. An operator that is
 * not in AWS's reference, or a value that is no text, becomes an unknown.
 */
export function compileConditions(element: unknown, variables: boolean): Condition {
  if (element === undefined) return ALWAYS;
  if (!isObject(element)) return unknown('a Condition that is no object');
  return all(
    Object.entries(element).flatMap(([operator, keys]) =>
      isObject(keys)
        ? Object.entries(objectOf(keys)).map(([name, values]) =>
            compileOne(operator, name, values, variables),
          )
        : [unknown(`operator ${operator} without keys`)],
    ),
  );
}

function compileOne(operator: string, name: string, element: unknown, variables: boolean): Condition {
  const [, set, base = '', ifExists] =
    /^(?:(forallvalues|foranyvalue):)?(.*?)(ifexists)?$/.exec(operator.toLowerCase()) ?? [];
  const values = stringsOf(element);
  const known = OPERATORS[base];
  const readable = values.length === listOf(element).length;
  if (base === 'null' && set === undefined && ifExists === undefined && readable)
    return compileNull(name, values);
  if (known === undefined || !readable) return unknown(`operator ${operator} on ${name}`);
  const matchers = values.map((value) => known.matcher(value, variables));
  const compiled = compileSet(set, known.negated === true, name, matchers);
  return ifExists === undefined ? compiled : any([not(isPresent(name)), compiled]);
}

function compileSet(
  set: string | undefined,
  negated: boolean,
  name: string,
  matchers: readonly Matcher[],
): Condition {
  const some = any(matchers.map((matcher) => hasValue(name, matcher, set === undefined ? 'value' : 'some')));
  if (set === 'forallvalues') return negated ? not(some) : not(hasStray(name, matchers));
  if (set === 'foranyvalue') return negated ? hasStray(name, matchers) : some;
  return negated ? not(some) : some;
}

/** `true`: the key must be absent; `false`: it must be there. */
function compileNull(name: string, values: readonly string[]): Condition {
  return any(
    values.map((value) => {
      if (value.toLowerCase() === 'true') return not(isPresent(name));
      return value.toLowerCase() === 'false' ? isPresent(name) : unknown(`Null with ${value} on ${name}`);
    }),
  );
}
