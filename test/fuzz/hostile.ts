import { isZonesError } from '@helseid-zones/protocol/errors';
import fc from 'fast-check';
import { CANARIES, findLeak } from '../canaries.ts';
import { NASTY } from './words.ts';

/** One kind of input: how cases are made, and what must hold of each. */
export interface Kind<T = never> {
  name: string;
  /** Of how many parts of all cases. */
  share: number;
  cases: fc.Arbitrary<T>;
  /** Throws where a promise is broken; resolves to what became of the case in a word, else throws a coded error of ours. */
  run(value: T): unknown;
  /** Outcomes without which the cases would prove nothing. */
  reached: readonly string[];
}

/** Ties what cases are to what they are run with. */
export function kind<T>(one: Kind<T>): Kind {
  return one as unknown as Kind;
}

const broke: string[] = [];

/** A promise that was not kept: it throws, and counts also where the code under test catches what is thrown into it. */
export function broken(what: string): never {
  broke.push(what);
  throw new Error(what);
}

/** The promises that were not kept since the last time. */
export function takeBroken(): string[] {
  return broke.splice(0);
}

/** Throws where a value shows a planted secret. */
export function refuseLeak(value: unknown, where: string): void {
  const name = findLeak(value);
  if (name !== undefined) broken(`${where} shows the ${name}`);
}

/**
 * What became of a case: what `run` says, or the code of the error that it threw, which must be ours and show no secret.
 * Throws where a promise was not kept meanwhile, whoever heard of it.
 */
export function outcomeOf(run: () => unknown): Promise<string> {
  return Promise.resolve()
    .then(run)
    .then(String, (error: unknown) => {
      if (!isZonesError(error)) throw error;
      refuseLeak(error, `the error ${error.code}`);
      return error.code;
    })
    .finally(requireKept);
}

function requireKept(): void {
  const [first] = takeBroken();
  if (first !== undefined) throw new Error(first);
}

/** Mostly undefined, and once in so many what it is given. `fc.option`’s own `freq` says how often there is *no* nil. */
export function seldom<T>(value: fc.Arbitrary<T>, oneIn: number): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
}

const deep = (depth: number, [open, close]: readonly [string, string]): unknown =>
  JSON.parse(`${open.repeat(depth)}1${close.repeat(depth)}`);

/** Values that a schema may not expect: of another type, deep, huge, odd, or a secret. */
export const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...Object.values(CANARIES)),
  fc.constantFrom<unknown>(...NASTY),
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    [],
    {},
    [[]],
    '\ud800',
    'x'.repeat(20_000),
  ),
  fc
    .constantFrom(
      ...([
        ['[', ']'],
        ['{"a":', '}'],
      ] as const),
    )
    .chain((pair) => fc.constantFrom(9, 200, 2000).map((depth) => deep(depth, pair))),
  fc.jsonValue({ maxDepth: 2 }),
);

/** {@link nasty} as text. */
export const nastyText: fc.Arbitrary<string> = nasty.map((value) =>
  typeof value === 'string' ? value : JSON.stringify(value),
);

const NAMES = ['__proto__', 'constructor', 'toString', 'd', 'kid', 'version', 'alg', '', CANARIES.privateKey];

/** Where (of all places, by number) something is changed, and how: {@link apply}. */
export const change = fc.record({
  at: fc.nat(200),
  how: fc.constantFrom('replace', 'replace', 'remove', 'add', 'repeat', 'wrap', 'swap'),
  name: fc.constantFrom(...NAMES),
  value: nasty,
});

type Holder = Record<string, unknown>;

/** A value of `base` with up to `most` changes, mostly few; `mix` are further values that are right somewhere. */
export function mutated(
  base: fc.Arbitrary<unknown>,
  most = 4,
  mix: readonly unknown[] = [],
): fc.Arbitrary<unknown> {
  const fitting = fc.record({
    at: fc.nat(200),
    how: fc.constant('replace' as const),
    name: fc.constant(''),
    value: fc.constantFrom<unknown>(...mix, null),
  });
  const changes = mix.length > 0 ? fc.oneof(change, fitting) : change;
  return fc
    .tuple(base, fc.array(changes, { maxLength: most }))
    .map(([value, all]) => all.reduce(apply, copy(value)));
}

/** As it comes over a wire; deeper than `structuredClone` gets. */
function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? 'null');
}

/** A value with one change. */
export function apply(
  value: unknown,
  { at, how, name, value: by }: { at: number; how: string; name: string; value: unknown },
): unknown {
  const places: [Holder, string][] = [];
  const collect = (holder: unknown, depth: number) => {
    if (typeof holder !== 'object' || holder === null || depth > 20) return;
    for (const key of Object.keys(holder)) {
      places.push([holder as Holder, key]);
      collect((holder as Holder)[key], depth + 1);
    }
  };
  collect(value, 0);
  const place = places[at % Math.max(1, places.length)];
  const given = copy(by);
  if (place === undefined) return given;
  const [holder, key] = place;
  const other = places[(at * 7 + 3) % places.length] ?? place;
  const put = (to: string, what: unknown) =>
    Object.defineProperty(holder, to, { value: what, enumerable: true, writable: true, configurable: true });
  if (how === 'remove' && Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (how === 'remove') Reflect.deleteProperty(holder, key);
  else if (how === 'add') put(Array.isArray(holder) ? String(holder.length) : name, given);
  else if (how === 'repeat') put(key, [holder[key], holder[key]]);
  else if (how === 'wrap') put(key, { [key]: holder[key] });
  else if (how === 'swap') put(key, copy(other[0][other[1]]));
  else put(key, given);
  return value;
}

/** A value as text: JSON mostly, and now and then what is none, or not whole. */
export function written(value: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const json = value.map((each) => JSON.stringify(each) ?? 'null');
  return fc.oneof(
    { weight: 8, arbitrary: json },
    { weight: 1, arbitrary: fc.tuple(json, fc.nat(400)).map(([text, at]) => text.slice(0, at)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(json, fc.constantFrom('\ufeff', '}', ' x', '\0'))
        .map(([text, by]) => by + text + by),
    },
    { weight: 1, arbitrary: nastyText },
    { weight: 1, arbitrary: fc.constantFrom('['.repeat(50_000), '{"a":'.repeat(20_000), '', '"', 'null') },
  );
}
