import { isObject, type JsonObject, objectOf, parseJson } from '../proof/assembly/json.ts';

/** A place where two values differ: path of members, and what stands there on each side, undefined where there is nothing. */
export interface Deviation {
  property: string;
  expected: unknown;
  found: unknown;
}

/**
 * Where what is found deviates from what is expected. Members that only AWS has are left out, but in lists, policies and maps. A number
 * is its text, JSON in a text is JSON, nothing is an empty list or text, the order of lists means nothing, and in a policy one is a
 * list of one, as in IAM; descriptions decide nothing. Of policies that mean the same it says that they differ where they are written differently.
 */
export function deviations(expected: unknown, found: unknown, property: string): Deviation[] {
  const wanted = canonical(expected);
  return between(wanted, likeness(canonical(found), wanted, property), property);
}

/** A leaf, or members by name; an element of a list is a member by its own name, or by what it is. */
type Canonical = string | { [member: string]: Canonical };

/** What names an element of a list, best first. */
const NAMES = ['PolicyName', 'Sid', 'Key', 'AttributeName', 'Priority', 'Id', 'Name', 'ResourcePath'];

/** Members that hold members by names of their own. All that is in the first is ours, also where the template has nothing of it. */
const OURS = [
  ...['Variables', 'RequestParameters', 'ResponseParameters', 'ResponseTemplates'],
  ...['EventPattern', 'Targets', 'Credentials', 'ConnectionId', 'TlsConfig'],
];
const MAPS = ['Methods', 'GatewayResponses', ...OURS];

/** Marks an element that has no name. */
const UNNAMED = '[';

function canonical(value: unknown): Canonical {
  if (typeof value === 'string') {
    const json =
      /^(?:\{.|%7B)/s.test(value) && value !== '{}'
        ? parseJson(value.startsWith('%') ? decodeURIComponent(value) : value)
        : value;
    return isObject(json) ? canonical(json) : value;
  }
  if (Array.isArray(value)) {
    const items = value.map(canonical);
    return Object.fromEntries(items.map((item) => [elementName(item, items), item]));
  }
  if (!isObject(value)) return value === undefined || value === null ? '' : String(value);
  const members = 'Statement' in value ? policy(value) : value;
  const entries = Object.entries(members).map(([key, item]): [string, Canonical] => [key, canonical(item)]);
  const said = entries.filter(([key, item]) => key !== 'Description' && !isEmpty(item));
  return Object.fromEntries(said.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEmpty(value: Canonical | undefined): boolean {
  return (
    value === undefined || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

function elementName(item: Canonical, all: readonly Canonical[]): string {
  if (typeof item === 'string') return item;
  const named = (of: Canonical) =>
    NAMES.map((name) => objectOf(of)[name]).find((name) => typeof name === 'string');
  const name = named(item);
  return name !== undefined && all.filter((other) => named(other) === name).length === 1
    ? String(name)
    : `${UNNAMED}${JSON.stringify(item)}`;
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
    const conditions = Object.entries(objectOf(Condition)).map(([operator, keys]) => [
      ...[operator, lists(keys, (key) => key.toLowerCase())],
    ]);
    return {
      ...{ ...lists(of), Effect, Sid, Principal: who[0], NotPrincipal: who[1] },
      Condition: Object.fromEntries(conditions),
    };
  });
  return { ...rest, Statement: statements };
}

/** `found` without the members that `wanted` does not have, in objects that are no lists, policies or maps. */
function likeness(found: Canonical, wanted: Canonical | undefined, name: string): Canonical {
  const whole = OURS.includes(name) || typeof wanted !== 'object' || 'Statement' in wanted;
  if (whole || typeof found !== 'object') return found;
  const isList = [wanted, found].some((of) => Object.entries(of).some(([key, item]) => isElement(key, item)));
  const entries = Object.entries(found).filter(
    ([key]) => isList || MAPS.includes(name) || MAPS.includes(key) || key in wanted,
  );
  return Object.fromEntries(entries.map(([key, item]) => [key, likeness(item, wanted[key], key)]));
}

function isElement(key: string, item: Canonical): boolean {
  return (
    key === item ||
    key.startsWith(UNNAMED) ||
    (typeof item === 'object' && NAMES.some((name) => item[name] === key))
  );
}

function between(
  expected: Canonical | undefined,
  found: Canonical | undefined,
  property: string,
): Deviation[] {
  if (isEmpty(expected) && isEmpty(found)) return [];
  if (typeof expected !== 'object' || typeof found !== 'object')
    return expected === found ? [] : [{ property, expected: shown(expected), found: shown(found) }];
  return [...new Set([...Object.keys(expected), ...Object.keys(found)])].flatMap((key) =>
    between(expected[key], found[key], key.startsWith(UNNAMED) ? `${property}[]` : `${property}.${key}`),
  );
}

/** Lists as lists again; nothing as undefined. */
function shown(value: Canonical | undefined): unknown {
  if (typeof value !== 'object') return value === '' ? undefined : value;
  const members = Object.entries(value);
  if (members.some(([key, item]) => isElement(key, item))) return members.map(([, item]) => shown(item));
  return Object.fromEntries(members.map(([key, item]) => [key, shown(item)]));
}
