import { isObject, type JsonObject, listOf, objectOf, stringOf } from './json.ts';
import { hasUnknown, unknownValue } from './unknown.ts';

/** What an intrinsic function may look up while the template of one stack is resolved. */
export interface Scope {
  /** Name of the stack, part of the names of unknown values. */
  stack: string;
  /** Value of a pseudo parameter, parameter or resource; undefined where there is none. */
  ref(name: string): unknown;
  attribute(logicalId: string, attribute: string): unknown;
  /** An exported output of any stack of the same account and region (the CDK's strong references, which other stacks have). */
  importValue(name: string): unknown;
  /** What a map of the stack says under two constants. */
  mapped(map: string, keys: readonly [string, string]): unknown;
  /** An output of another stack by its name (the CDK's weak references), here or in another region. */
  stackOutput(stack: string, output: string, region: string | undefined): unknown;
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
    const known = INTRINSICS[name]?.(value[name], scope);
    return known ?? unknownValue(`${scope.stack}: ${JSON.stringify(value)}`);
  }
  const members = Object.entries(value).map(([key, member]) => [key, resolveValue(member, scope)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== NO_VALUE));
}

/** One that is not among {@link INTRINSICS}, such as `Fn::If`, is for the deploy to decide. */
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
  // A key that the deploy decides, such as the region, may be another.
  'Fn::FindInMap': (operand, scope) => {
    const [map, first, second, ...more] = listOf(operand).map(stringOf);
    if (map === undefined || first === undefined || second === undefined || more.length > 0) return undefined;
    return resolveValue(scope.mapped(map, [first, second]), scope);
  },
  'Fn::ImportValue': (operand, scope) => scope.importValue(String(resolveValue(operand, scope))),
  'Fn::GetStackOutput': (operand, scope) => {
    const { StackName: stack, OutputName: output, Region, ...more } = objectOf(resolveValue(operand, scope));
    // By a role it may be of another account.
    if (Object.keys(more).length > 0) return undefined;
    return scope.stackOutput(String(stack), String(output), stringOf(Region));
  },
  'Fn::GetAZs': (operand, scope) => {
    const region = stringOf(resolveValue(operand, scope)) || String(scope.ref('AWS::Region'));
    return ['a', 'b', 'c'].map((zone) => `${region}${zone}`);
  },
};

function substitute(text: string, variables: JsonObject, scope: Scope): string | undefined {
  let whole = true;
  const result = text.replace(/\$\{([^}]+)\}/g, (_match, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    const value = Object.hasOwn(variables, name) ? resolveValue(variables[name], scope) : lookUp(name, scope);
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
