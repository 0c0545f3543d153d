import { isObject, type JsonObject, listOf, objectOf, stringOf } from './json.ts';
import { hasUnknown, unknownValue } from './unknown.ts';

/** What an intrinsic function may look up while the template of one stack is resolved. */
export interface Scope {
  /** Name of the stack, part of the names of unknown values. */
  stack: string;
  /** Value of a pseudo parameter, parameter or resource; undefined where there is none. */
  ref(name: string): unknown;
  attribute(logicalId: string, attribute: string): unknown;
  /** An exported output of any stack of the same account and region. */
  importValue(name: string): unknown;
  /** An output of another stack by its name (the CDK's weak references). */
  stackOutput(stack: string, output: string): unknown;
  /** The same for what decides: of what `ref` and `attribute` make up (ids, or an account and region that nobody gave), an unknown value. */
  deciding(): Scope;
  /** Whether a condition holds; undefined where only the deploy knows. */
  condition(name: string): boolean | undefined;
  mappings: JsonObject;
}

/** What `AWS::NoValue` resolves to; members and elements with it are left out. */
const NO_VALUE = Symbol('AWS::NoValue');

/**
 * `value` with every intrinsic function resolved. What can't be known becomes an `unknownValue` named
 * after the stack and the expression, so that equal expressions stay equal; a function that this module
 * does not know is such a value too. Never throws.
 */
export function resolveValue(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return resolveDynamicReferences(value);
  if (Array.isArray(value))
    return value.map((item) => resolveValue(item, scope)).filter((item) => item !== NO_VALUE);
  if (!isObject(value)) return value;
  const [name, ...others] = Object.keys(value);
  if (name !== undefined && others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))) {
    return INTRINSICS[name]?.(value[name], scope) ?? unknownExpression(value, scope);
  }
  const members = Object.entries(value).map(([key, member]): [string, unknown] => [
    key,
    resolveValue(member, scope),
  ]);
  return Object.fromEntries(members.filter(([, member]) => member !== NO_VALUE));
}

/** Whether the condition `value` (an entry of a template's Conditions, or a part of one) holds; undefined where only the deploy knows. */
export function resolveCondition(value: unknown, scope: Scope): boolean | undefined {
  const [[name, operand] = []] = Object.entries(objectOf(value));
  const parts = () => listOf(operand).map((part) => resolveCondition(part, scope));
  switch (name) {
    case 'Condition':
      return scope.condition(String(operand));
    case 'Fn::Not':
      return parts()[0] === undefined ? undefined : !parts()[0];
    case 'Fn::And':
      return parts().includes(false) ? false : parts().includes(undefined) ? undefined : true;
    case 'Fn::Or':
      return parts().includes(true) ? true : parts().includes(undefined) ? undefined : false;
    case 'Fn::Equals': {
      const [left, right] = listOf(operand).map((side) => resolveValue(side, scope.deciding()));
      if (!isScalar(left) || !isScalar(right)) return undefined;
      if (String(left) === String(right)) return true;
      // CloudFormation compares texts, and how it writes a number or a truth value it does not say.
      return typeof left !== 'string' || typeof right !== 'string' || hasUnknown(left + right)
        ? undefined
        : false;
    }
    default:
      return undefined;
  }
}

type Intrinsic = (operand: unknown, scope: Scope) => unknown;

/** Each gives undefined for what can't be known. */
const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: (operand, scope) => (operand === 'AWS::NoValue' ? NO_VALUE : scope.ref(String(operand))),
  'Fn::GetAtt': (operand, scope) => {
    const [logicalId, ...attribute] = typeof operand === 'string' ? operand.split('.') : listOf(operand);
    return scope.attribute(String(logicalId), String(resolveValue(attribute.join('.'), scope)));
  },
  'Fn::Join': (operand, scope) => {
    const [delimiter, list] = listOf(operand);
    const items = resolveValue(list, scope);
    if (!Array.isArray(items) || !items.every(isScalar)) return undefined;
    return items.map(String).join(String(delimiter));
  },
  'Fn::Sub': (operand, scope) => {
    const [text, variables] = listOf(operand);
    return typeof text === 'string' ? substitute(text, objectOf(variables), scope) : undefined;
  },
  'Fn::Select': (operand, scope) => {
    const [index, list] = listOf(operand).map((part) => resolveValue(part, scope));
    return Array.isArray(list) ? list[Number(index)] : undefined;
  },
  'Fn::Split': (operand, scope) => {
    const [delimiter, text] = listOf(operand).map((part) => resolveValue(part, scope));
    if (typeof delimiter !== 'string' || typeof text !== 'string' || hasUnknown(text)) return undefined;
    return text.split(delimiter);
  },
  'Fn::ImportValue': (operand, scope) => {
    const name = resolveValue(operand, scope);
    return typeof name === 'string' ? scope.importValue(name) : undefined;
  },
  'Fn::GetStackOutput': (operand, scope) => {
    const { StackName: stack, OutputName: output } = objectOf(resolveValue(operand, scope));
    return typeof stack === 'string' && typeof output === 'string'
      ? scope.stackOutput(stack, output)
      : undefined;
  },
  'Fn::FindInMap': (operand, scope) => {
    const [map, first, second, options] = listOf(operand).map((part) => resolveValue(part, scope.deciding()));
    if (hasUnknown(`${map} ${first} ${second}`)) return undefined;
    const found = objectOf(objectOf(scope.mappings[String(map)])[String(first)])[String(second)];
    return found === undefined ? objectOf(options).DefaultValue : resolveValue(found, scope);
  },
  'Fn::If': (operand, scope) => {
    const [name, whenTrue, whenFalse] = listOf(operand);
    const holds = scope.condition(String(name));
    return holds === undefined ? undefined : resolveValue(holds ? whenTrue : whenFalse, scope);
  },
  'Fn::GetAZs': (operand, scope) => {
    const region = stringOf(resolveValue(operand, scope)) || String(scope.ref('AWS::Region'));
    return ['a', 'b', 'c'].map((zone) => `${region}${zone}`);
  },
  'Fn::Base64': (operand, scope) => {
    const text = resolveValue(operand, scope);
    return typeof text === 'string' && !hasUnknown(text) ? Buffer.from(text).toString('base64') : undefined;
  },
  'Fn::ToJsonString': (operand, scope) => JSON.stringify(resolveValue(operand, scope)),
  'Fn::Length': (operand, scope) => {
    const list = resolveValue(operand, scope);
    return Array.isArray(list) ? list.length : undefined;
  },
};

function substitute(text: string, variables: JsonObject, scope: Scope): string | undefined {
  let whole = true;
  const result = text.replace(/\$\{([^}]+)\}/g, (_match, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    const value = name in variables ? resolveValue(variables[name], scope) : lookUp(name, scope);
    if (isScalar(value)) return String(value);
    whole = false;
    return '';
  });
  return whole ? String(resolveDynamicReferences(result)) : undefined;
}

function lookUp(name: string, scope: Scope): unknown {
  const dot = name.indexOf('.');
  const intrinsic = dot < 0 ? { Ref: name } : { 'Fn::GetAtt': [name.slice(0, dot), name.slice(dot + 1)] };
  return resolveValue(intrinsic, scope);
}

/** `{{resolve:secretsmanager:…}}` and the like are read at deploy time. */
function resolveDynamicReferences(text: string): string {
  if (!text.includes('{{resolve:')) return text;
  return text.replace(/\{\{(resolve:[^}]*)\}\}/g, (_match, reference: string) => unknownValue(reference));
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function unknownExpression(value: JsonObject, scope: Scope): string {
  return unknownValue(`${scope.stack}: ${JSON.stringify(value)}`);
}
