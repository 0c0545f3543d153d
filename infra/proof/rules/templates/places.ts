import type { ZoneDeclaration } from '../../../declaration/schema.ts';
import { isObject } from '../../assembly/json.ts';
import type { ResolvedResource } from '../../assembly/resolve.ts';
import { hasUnknown, showUnknown } from '../../assembly/unknown.ts';
import { isAddition, type Problem, type ProofInput, wordsOf } from '../rule.ts';
import { ADDED, OURS } from './types.ts';

/** One place of a type's properties; see {@link placesOf}. */
interface Place {
  path: string;
  needed: boolean;
  values: readonly string[] | undefined;
  types: readonly string[] | undefined;
  among: 'its own stack' | 'these templates' | 'what is added';
}

/**
 * The places of properties, from words: a path, lists marked by `[]`, and everything below a place by `*` at its end. `!`: must be there, and a rule
 * judges it. `=`: must be there, with one of these values. `@`: must be there, and names a resource of that type in the same stack; `@@`: in any
 * stack; `@+`: one that was added. `?` before `=` or `@`: need not be there. Nothing: of no consequence. Every type has tags.
 */
function placesOf(words: string): Place[] {
  return wordsOf(`${words} Tags[].Key Tags[].Value`).map((word) => {
    const [, path = '', mark, values, where = '', types] =
      /^([^!?=@]+)([!?]?)(?:=(.*)|@([@+]?)(.*))?$/.exec(word) ?? [];
    return {
      path,
      needed: mark === '!' || (mark !== '?' && (values ?? types) !== undefined),
      values: values?.split('|'),
      types: types?.split('|').map((type) => `AWS::${type}`),
      among: where === '@' ? 'these templates' : where === '+' ? 'what is added' : 'its own stack',
    };
  });
}

function read(table: Readonly<Record<string, string>>): ReadonlyMap<string, readonly Place[]> {
  return new Map(Object.entries(table).map(([type, words]) => [`AWS::${type}`, placesOf(words)]));
}

const YIELDED = read(OURS);
/** Of what is added, properties without a mark are understood whole. */
const ADDABLE = read(
  Object.fromEntries(
    Object.entries(ADDED).map(([type, words]) => [
      type,
      `Tags* ${words.replace(/(?<=^|\s)\w+(?=\s|$)/g, '$&*')}`,
    ]),
  ),
);

/** The types of which every property is understood. */
export const KNOWN_TYPES: readonly string[] = [...new Set([...YIELDED.keys(), ...ADDABLE.keys()])];

/** Whether somebody may add resources of a type. */
export function isAddable(type: string): boolean {
  return ADDABLE.has(type);
}

/**
 * What of a resource's properties is not understood, or not as it must be: of one that was added, else of one that the declaration may yield,
 * which may also have what one that is added may have.
 */
export function problemsOfProperties(resource: ResolvedResource, input: ProofInput): (Problem | false)[] {
  const added = isAddition(resource, input);
  const places =
    (added ? undefined : YIELDED_OR_ADDED.get(resource.type)) ?? ADDABLE.get(resource.type) ?? [];
  const leaves = leavesOf(resource.properties, '');
  const strange = leaves.filter(
    ([path, value]) => !places.some((place) => isAt(path, place) || isAbove(path, value, place)),
  );
  return [
    ...strange.map(([path]) => [path, `has ${path}, which is not understood`] as const),
    ...places.flatMap((place) => {
      const { path, needed, types } = place;
      const values = leaves.filter(([found]) => isAt(found, place));
      const lack = `lacks ${path}${types ? `, which names ${types.join(' or ')}` : ''}`;
      return [
        values.length === 0 && needed && ([path, lack] as const),
        ...values.map(([found, value]) => {
          const problem = problemOf(found, value, place, resource, input, added);
          return problem && ([found, problem] as const);
        }),
      ];
    }),
  ];
}

/** Of each type that the declaration may yield, with the places that only one that is added has. */
const YIELDED_OR_ADDED: ReadonlyMap<string, readonly Place[]> = new Map(
  [...YIELDED].map(([type, yielded]) => {
    const roots = new Set(yielded.map(({ path }) => rootOf(path)));
    const more = (ADDABLE.get(type) ?? []).filter(({ path }) => !roots.has(rootOf(path)));
    return [type, [...yielded, ...more.map((place) => ({ ...place, needed: false }))]];
  }),
);

function rootOf(path: string): string | undefined {
  return path.split(/[.[*]/)[0];
}

/** What {@link leavesOf} gives for a list or an object with nothing in it. */
const EMPTY = '';

/** Every value in `value` by its place; the statements of a policy are one, which the policy engine reads. */
function leavesOf(value: unknown, path: string): (readonly [path: string, value: unknown])[] {
  if (typeof value === 'object' && path && Object.keys(value ?? {}).length === 0) return [[path, EMPTY]];
  if (/(?:Policy|Document)\.Statement$/.test(path)) return [[path, typeof value === 'object' ? '' : value]];
  if (Array.isArray(value)) return value.flatMap((item) => leavesOf(item, `${path}[]`));
  if (!isObject(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, path ? `${path}.${name}` : name));
}

function isAt(path: string, { path: known }: Place): boolean {
  if (!known.endsWith('*')) return path === known;
  const root = known.slice(0, -1);
  return (
    path === root || (path.startsWith(root) && (root.endsWith('.') || /^[.[]/.test(path.slice(root.length))))
  );
}

function isAbove(path: string, value: unknown, place: Place): boolean {
  return value === EMPTY && /^[.[]/.test(place.path.slice(path.length)) && place.path.startsWith(path);
}

/** The VPC, subnets and route tables of a network that was there before. */
export function idsOfNetwork(network: ZoneDeclaration['network']): string[] {
  if (network === undefined) return [];
  return [network.vpcId, ...network.subnets.flatMap((of) => [of.subnetId, of.routeTableId])];
}

/** What was there before and a zone's declaration names: its network, and what its exits lead through. What each is, its id says. */
function idsOfOthers({ network, exits = {} }: Partial<ZoneDeclaration> = {}) {
  return [...idsOfNetwork(network), ...Object.values(exits).map(({ through }) => through)];
}

function problemOf(
  path: string,
  value: unknown,
  { values, types, among }: Place,
  { stack, zone }: ResolvedResource,
  input: ProofInput,
  added: boolean,
): string | false {
  const { assembly, declaration } = input;
  const text = String(value);
  if (!added && hasUnknown(text)) return `has a ${path} that only the deploy decides (${showUnknown(text)})`;
  if (values !== undefined && !values.includes(text))
    return `has ${path} ${text}, which is not ${values.join(' or ')}`;
  const isAmong = (one: ResolvedResource) =>
    among === 'these templates' || one.stack === stack || (added && zone !== undefined && one.zone === zone);
  const named =
    types === undefined ||
    (!added && idsOfOthers(declaration.zones[zone ?? '']).includes(text)) ||
    assembly.resources.some(
      (one) =>
        types.includes(one.type) &&
        // What a condition decides may never be made, and then what has its name is another's.
        (one.certain || (added && among !== 'what is added')) &&
        isAmong(one) &&
        !(among === 'what is added' && added && !isAddition(one, input)) &&
        [text, `${text}:*`].some((name) => one.names.includes(name)),
    );
  return !named && `names ${text} in ${path}, which is no ${types.join(' or ')} of ${among}`;
}
