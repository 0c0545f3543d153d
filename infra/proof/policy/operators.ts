import { isObject, listOf, objectOf, stringsOf } from '../assembly/json.ts';
import type { Condition } from './condition.ts';
import { ALWAYS, all, any, hasStray, hasValue, isPresent, not, unknown } from './condition.ts';
import { arnMatcher, type Matcher, textMatcher } from './matcher.ts';

/** How a condition operator compares a value; undefined for a value that it can't compare. */
type Compare = (value: string, variables: boolean) => Matcher | undefined;

const exact: Compare = (value, variables) => textMatcher(value, { wildcards: false, variables });
/** What a request holds is always written so; a policy may write it in capitals. */
const bool: Compare = (value, variables) => exact(value.toLowerCase(), variables);
const like: Compare = (value, variables) => textMatcher(value, { wildcards: true, variables });

/**
 * The operators that are evaluated, by lower-case name without `Not`; `null` and `ForAllValues` are in the code
 * below. Numbers, dates, addresses, binaries and texts in any case are not among them: no policy of ours has one, and each is an unknown.
 */
const OPERATORS: Readonly<Record<string, Compare>> = {
  stringequals: exact,
  stringlike: like,
  arnequals: arnMatcher,
  arnlike: arnMatcher,
  bool,
};

/**
 * The condition that the Condition element of a statement states: all of its operators and keys, any of the
 * values of each. `variables` says whether the policy's version knows policy variables. An operator that is
 * not evaluated, or a value that can't be compared, becomes an unknown.
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
  const [, set, kind = '', negation, rest = '', ifExists] =
    /^(forallvalues:)?(?:(string|arn)(not)?)?(.*?)(ifexists)?$/.exec(operator.toLowerCase()) ?? [];
  const values = stringsOf(element);
  const open = unknown(`operator ${operator} on ${name}`, JSON.stringify(element));
  if (values.length < listOf(element).length) return open;
  if (operator.toLowerCase() === 'null') return compileNull(name, values);
  const compare = OPERATORS[`${kind}${rest}`];
  const known = values.flatMap((value) => compare?.(value, variables) ?? []);
  if (known.length < values.length || compare === undefined || (set && negation)) return open;
  const one = any(known.map((matcher) => hasValue(name, matcher)));
  const compiled = set ? not(hasStray(name, known)) : negation === undefined ? one : not(one);
  return ifExists === undefined ? compiled : any([not(isPresent(name)), compiled]);
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
