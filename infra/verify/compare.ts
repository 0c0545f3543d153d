import { isObject, type JsonObject, objectOf, parseJson } from '../proof/assembly/json.ts';

/** A place where two values differ: path of members, and what stands there on each side, undefined where there is nothing. */
export interface Deviation {
  property: string;
  expected?: unknown;
  found?: unknown;
}

/** Members whose own members are names of something. All that is in the first is ours, also where the template has nothing of it. */
const OURS = [
  'Variables',
  'RequestParameters',
  'ResponseParameters',
  'ResponseTemplates',
  'EventPattern',
  'Targets',
  'Credentials',
  'ConnectionId',
  'TlsConfig',
  'Statement',
  'SubscriptionFilters',
];
const MAPS = ['Methods', 'GatewayResponses', ...OURS];

/**
 * Where what is found deviates from what is expected. Members that only AWS has are left out, but in policies and maps; of lists the
 * elements are told that have no equal on the other side. A number is its text, JSON in a text is JSON, nothing is an empty list or text,
 * the order of lists means nothing, and in a policy one is a list of one, as in IAM; descriptions decide nothing. Of policies that mean the
 * same it says that they differ where they are written differently.
 */
export const deviations = (expected: unknown, found: unknown, property: string): Deviation[] =>
  between(canonical(expected), canonical(found), property, false);

function between(expected: unknown, found: unknown, property: string, above: boolean): Deviation[] {
  const name = property.split('.').at(-1) ?? '';
  const ours = above || OURS.includes(name);
  if (isObject(expected) && isObject(found)) {
    const all = ours || MAPS.includes(name);
    const isCompared = (key: string) => all || key in expected || MAPS.includes(key);
    return Object.keys({ ...expected, ...found })
      .filter(isCompared)
      .flatMap((key) => between(expected[key], found[key], `${property}.${key}`, ours));
  }
  if (Array.isArray(expected ?? []) && Array.isArray(found ?? []) && (expected ?? found) !== undefined) {
    const left = [...((found ?? []) as unknown[])];
    // What says most chooses first, lest another takes its equal.
    const wanted = [...((expected ?? []) as unknown[])].sort((a, b) => sizeOf(b) - sizeOf(a));
    const missing = wanted.filter((item) => {
      const at = left.findIndex((other) => between(item, other, property, ours).length === 0);
      if (at !== -1) left.splice(at, 1);
      return at === -1;
    });
    const side = (items: unknown[]) => (items.length === 0 ? undefined : items);
    return missing.length + left.length === 0
      ? []
      : [{ property, expected: side(missing), found: side(left) }];
  }
  return expected === found ? [] : [{ property, expected, found }];
}

const sizeOf = (value: unknown): number => JSON.stringify(value).length;

/** Texts, lists and objects alone, without what is empty and what describes. */
function canonical(value: unknown): unknown {
  if (typeof value === 'string') {
    const json =
      /^(?:\{.|%7B)/s.test(value) && value !== '{}'
        ? parseJson(value.startsWith('%') ? decodeURIComponent(value) : value)
        : value;
    return isObject(json) ? canonical(json) : value || undefined;
  }
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(canonical);
  if (!isObject(value)) return value === undefined || value === null ? undefined : String(value);
  const members = Object.entries('Statement' in value ? policy(value) : value)
    .map(([key, item]) => [key, canonical(item)] as const)
    .filter(([key, item]) => key !== 'Description' && item !== undefined);
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

/** Lists where IAM takes one for a list of one, principals in their long form, keys of conditions in small letters. */
function policy({ Statement, Id: _, ...rest }: JsonObject): JsonObject {
  const lists = (of: unknown, name = (key: string) => key) =>
    Object.fromEntries(Object.entries(objectOf(of)).map(([key, values]) => [name(key), [values].flat()]));
  const principals = (of: unknown) =>
    lists(of === undefined || isObject(of) ? of : { AWS: of }) as Record<string, readonly unknown[]>;
  const long = (who: unknown) => String(who).replace(/^\d{12}$/, 'arn:aws:iam::$&:root');
  const statements = [Statement].flat().map((statement) => {
    const { Principal, NotPrincipal, Condition, Effect, Sid, ...of } = objectOf(statement);
    const who = [Principal, NotPrincipal].map((one) =>
      Object.fromEntries(Object.entries(principals(one)).map(([kind, list]) => [kind, list.map(long)])),
    );
    const small = (keys: unknown) => lists(keys, (key) => key.toLowerCase());
    const conditions = Object.entries(objectOf(Condition)).map(([operator, keys]) => [operator, small(keys)]);
    return {
      ...lists(of),
      Effect,
      Sid,
      Principal: who[0],
      NotPrincipal: who[1],
      Condition: Object.fromEntries(conditions),
    };
  });
  return { ...rest, Statement: statements };
}
