import type { ClientRecord, KeyEntry, KeyState } from '@helseid-zones/protocol/record';
import { KEY_STATES, recordProblems } from '@helseid-zones/protocol/record';
import {
  addKey,
  candidateKey,
  changeOwner,
  currentKey,
  dueToRetire,
  findKey,
  moveKey,
  NEXT_STATES,
  newestRegistered,
  noteDraft,
  noteExpiry,
  RETIREMENT_LEEWAY,
  switchCurrent,
  usableForAssertion,
  usableForProof,
  wasRegistered,
} from '@helseid-zones/protocol/record-states';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coded } from '../coded.ts';

const EMPTY: ClientRecord = {
  version: 1,
  client: 'journal',
  clientId: 'id',
  issuer: 'https://issuer.example',
  keys: [],
};
const ARN = 'arn:aws:kms:eu-north-1:111122223333:key/';
const key = (kid: string) => ({ kid, keyArn: `${ARN}${kid}`, algorithm: 'ES256' }) as const;

/** A record whose key `kid` has been led to `state`; everything happens at second 10 but the switches. */
function recordWith(states: Record<string, KeyState>): ClientRecord {
  let record = EMPTY;
  for (const [kid, state] of Object.entries(states)) record = lead(record, kid, state);
  return record;
}

function lead(start: ClientRecord, kid: string, state: KeyState): ClientRecord {
  let record = addKey(start, key(kid), 10);
  if (state === 'created') return record;
  record = moveKey(record, kid, 'registered', 11);
  if (state === 'registered') return record;
  record = moveKey(record, kid, 'verified', 12);
  if (state === 'verified') return record;
  record = switchCurrent(record, kid, 13, 1000);
  if (state === 'current') return record;
  record = switchCurrent(lead(record, `${kid}-after`, 'verified'), `${kid}-after`, 14, 1000);
  return state === 'retiring' ? record : moveKey(record, kid, 'retired', 1000);
}

/** docs/keys.md, written out: what becomes of a key in each state that is asked to go to another. */
const MACHINE: Record<
  KeyState,
  Record<'registered' | 'verified' | 'current' | 'retired', 'goes' | 'stays' | 'refused'>
> = {
  created: { registered: 'goes', verified: 'refused', current: 'refused', retired: 'goes' },
  registered: { registered: 'stays', verified: 'goes', current: 'refused', retired: 'goes' },
  verified: { registered: 'stays', verified: 'stays', current: 'goes', retired: 'goes' },
  current: { registered: 'stays', verified: 'stays', current: 'stays', retired: 'refused' },
  retiring: { registered: 'refused', verified: 'refused', current: 'refused', retired: 'goes' },
  retired: { registered: 'refused', verified: 'refused', current: 'refused', retired: 'stays' },
};
const CASES = KEY_STATES.flatMap((from) =>
  (['registered', 'verified', 'current', 'retired'] as const).map(
    (to) => [from, to, MACHINE[from][to]] as const,
  ),
);

describe('transitions', () => {
  test.each(CASES)('from %s to %s: %s', (from, to, what) => {
    const record = recordWith({ k: from });
    const go = () =>
      to === 'current' ? switchCurrent(record, 'k', 2000, 3000) : moveKey(record, 'k', to, 2000);
    if (what === 'stays') expect(go()).toBe(record);
    else if (what === 'goes') expect(findKey(go(), 'k')).toMatchObject({ state: to, since: { [to]: 2000 } });
    else expect(go).toThrow(coded('transition_refused', undefined, { kid: 'k', from, to }));
  });

  test('the state after each, which documents show, is the machine above', () => {
    expect(NEXT_STATES).toEqual({
      created: ['registered', 'retired'],
      registered: ['verified', 'retired'],
      verified: ['current', 'retired'],
      current: ['retiring'],
      retiring: ['retired'],
      retired: [],
    });
    expect(RETIREMENT_LEEWAY).toBe(1200);
  });

  test('a key is added as created, or as one that shall never be used', () => {
    const made = { ...key('k'), state: 'created', since: { created: 10 } };
    expect(addKey(EMPTY, key('k'), 10).keys).toEqual([made]);
    expect(addKey(EMPTY, key('k'), 10, 'retired').keys).toEqual([
      { ...key('k'), state: 'retired', since: { created: 10, retired: 10 } },
    ]);
  });

  test('a key keeps its public half until it has retired', () => {
    const publicKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } as const;
    let record = addKey(EMPTY, { ...key('k'), publicKey }, 10);
    const kept = () => findKey(record, 'k')?.publicKey;
    for (const state of ['registered', 'verified'] as const) record = moveKey(record, 'k', state, 11);
    record = noteExpiry(noteDraft(switchCurrent(record, 'k', 12, 0), 'k', 'id'), 'k', 99);
    record = switchCurrent(lead(record, 'next', 'verified'), 'next', 13, 14);
    expect([findKey(record, 'k')?.state, kept()]).toEqual(['retiring', publicKey]);
    record = moveKey(record, 'k', 'retired', 15);
    expect(kept()).toBeUndefined();
    expect(addKey(EMPTY, { ...key('k'), publicKey }, 10, 'retired').keys).toEqual([
      { ...key('k'), state: 'retired', since: { created: 10, retired: 10 } },
    ]);
  });

  test('a record of 150 keys, those in use with RSA of 3,072 bits, is a secret that AWS takes', () => {
    const publicKey = { kty: 'RSA', n: 'n'.repeat(512), e: 'AQAB' } as const;
    let record: ClientRecord = { ...EMPTY, clientId: 'c'.repeat(36) };
    for (let at = 1_790_000_000; record.keys.length < 150; at += 100_000) {
      const kid = String(record.keys.length).padStart(43, 'k');
      const keyArn = `${ARN}${'a'.repeat(36)}`;
      record = addKey(record, { kid, keyArn, algorithm: 'PS256', publicKey }, at);
      for (const state of ['registered', 'verified'] as const) record = moveKey(record, kid, state, at);
      record = noteExpiry(switchCurrent(record, kid, at, at + 1), kid, at);
      for (const due of dueToRetire(record, at + 2)) record = moveKey(record, due.kid, 'retired', at + 2);
    }
    expect(record.keys.filter(({ state }) => state === 'retired')).toHaveLength(149);
    // https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
    expect(JSON.stringify(record).length).toBeLessThan(65_536);
  });

  test('a clock behind the one before changes no order', () => {
    const record = lead(recordWith({ old: 'current' }), 'new', 'verified');
    expect(findKey(moveKey(recordWith({ k: 'registered' }), 'k', 'verified', 3), 'k')?.since.verified).toBe(
      11,
    );
    const switched = switchCurrent(record, 'new', 5, 6);
    expect(findKey(switched, 'old')).toMatchObject({ since: { retiring: 13 }, usableUntil: 13 });
    expect(findKey(switched, 'new')?.since.current).toBe(12);
    expect(recordProblems(switched)).toEqual([]);
  });

  test('a retiring key is not retired before its last token has expired, unless forced', () => {
    const record = recordWith({ k: 'retiring' });
    expect(() => moveKey(record, 'k', 'retired', 999)).toThrow(coded('transition_refused'));
    expect(findKey(moveKey(record, 'k', 'retired', 1000), 'k')?.state).toBe('retired');
    expect(findKey(moveKey(record, 'k', 'retired', 999, { force: true }), 'k')?.state).toBe('retired');
    expect(() => moveKey(record, 'k', 'retired', 999, { force: false })).toThrow(/tokens bound to it/);
    expect(() => moveKey(recordWith({ k: 'current' }), 'k', 'retired', 999, { force: true })).toThrow(
      /next state/,
    );
  });

  test('a switch takes the old key along and is refused for one that is not verified', () => {
    const record = lead(recordWith({ old: 'current' }), 'new', 'verified');
    const switched = switchCurrent(record, 'new', 20, 500);
    expect(currentKey(switched)?.kid).toBe('new');
    const retiring = { state: 'retiring', usableUntil: 500, since: { retiring: 20 } };
    expect(findKey(switched, 'old')).toMatchObject(retiring);
    expect(switchCurrent(switched, 'new', 30, 900)).toBe(switched);
    for (const state of ['created', 'registered', 'retiring', 'retired'] as const)
      expect(() => switchCurrent(recordWith({ k: state }), 'k', 20, 500)).toThrow(
        coded('transition_refused'),
      );
  });

  test('an unknown key is refused', () => {
    const unknown = coded('key_unknown', undefined, { kid: 'k', client: 'journal' });
    expect(() => moveKey(EMPTY, 'k', 'registered', 1)).toThrow(unknown);
    expect(() => switchCurrent(EMPTY, 'k', 1, 2)).toThrow(unknown);
    expect(() => noteExpiry(EMPTY, 'k', 1)).toThrow(coded('key_unknown'));
    expect(() => noteDraft(EMPTY, 'k', 'id')).toThrow(unknown);
  });

  test('adding twice and noting the same expiry change nothing', () => {
    const record = recordWith({ k: 'created' });
    expect(addKey(record, key('k'), 99)).toBe(record);
    const noted = noteExpiry(record, 'k', 7);
    expect(noteExpiry(noted, 'k', 7)).toBe(noted);
    expect(findKey(noted, 'k')?.expires).toBe(7);
    expect(findKey(noteExpiry(noted, 'k', 8), 'k')?.expires).toBe(8);
    expect(noteExpiry(noted, 'k', undefined)).toStrictEqual(record);
  });
});

describe('selection', () => {
  const entry = (kid: string, state: KeyState, since: KeyEntry['since']): KeyEntry => ({
    ...key(kid),
    state,
    since,
  });

  test('the newest is the one with the latest time, wherever it stands; of two, the one added last', () => {
    const keys = [
      entry('a', 'registered', { created: 3, registered: 3 }),
      entry('b', 'verified', { created: 1, registered: 9, verified: 9 }),
      entry('c', 'registered', { created: 8, registered: 8 }),
      entry('d', 'created', { created: 7 }),
      entry('e', 'retiring', { registered: 99 }),
      entry('f', 'retired', { created: 99, registered: 99 }),
    ];
    expect(newestRegistered({ ...EMPTY, keys })?.kid).toBe('b');
    expect(candidateKey({ ...EMPTY, keys })?.kid).toBe('c');
    const twins = [entry('a', 'created', { created: 3 }), entry('b', 'created', { created: 3 })];
    expect(candidateKey({ ...EMPTY, keys: twins })?.kid).toBe('b');
    const timeless = [entry('a', 'registered', { registered: 3 }), entry('b', 'registered', {})];
    expect(newestRegistered({ ...EMPTY, keys: timeless })?.kid).toBe('a');
    expect(newestRegistered({ ...EMPTY, keys: timeless.reverse() })?.kid).toBe('a');
    expect(candidateKey({ ...EMPTY, keys: [entry('a', 'verified', {})] })?.kid).toBe('a');
  });

  test.each<[KeyState, KeyEntry['since'], boolean]>([
    ['created', {}, false],
    ['registered', {}, true],
    ['verified', {}, true],
    ['current', {}, true],
    ['retiring', {}, true],
    ['retired', {}, false],
    ['retired', { registered: 0 }, true],
    ['created', { registered: 1 }, true],
  ])('a key in state %s since %j was registered: %s', (state, since, expected) => {
    expect(wasRegistered(entry('k', state, since))).toBe(expected);
  });

  test('a key signs proofs in every state but retired; a retiring one whose end nobody wrote down signs none', () => {
    for (const state of KEY_STATES) {
      const usable = state !== 'retired' && state !== 'retiring';
      expect(usableForProof(entry('k', state, {}), 5)).toBe(usable);
      expect(usableForAssertion(entry('k', state, {}))).toBe(state !== 'retired');
    }
    expect(dueToRetire({ ...EMPTY, keys: [entry('k', 'retired', {})] }, 5)).toEqual([]);
  });

  test('newest registered is the candidate as soon as it may be at HelseID', () => {
    const current = recordWith({ old: 'current' });
    expect(newestRegistered(lead(current, 'new', 'created'))?.kid).toBe('old');
    expect(newestRegistered(lead(current, 'new', 'registered'))?.kid).toBe('new');
    expect(candidateKey(lead(current, 'new', 'registered'))?.kid).toBe('new');
    expect(candidateKey(current)).toBeUndefined();
    expect(newestRegistered(EMPTY)).toBeUndefined();
  });

  test('a retiring key signs proofs until usableUntil and is then due', () => {
    const record = recordWith({ k: 'retiring' });
    const retiring = findKey(record, 'k');
    if (!retiring) throw new Error('no key');
    expect(usableForProof(retiring, 999)).toBe(true);
    expect(usableForProof(retiring, 1000)).toBe(false);
    expect(dueToRetire(record, 999)).toEqual([]);
    expect(dueToRetire(record, 1000)).toEqual([retiring]);
    expect(usableForAssertion(retiring)).toBe(true);
    expect(usableForAssertion({ ...retiring, state: 'retired' })).toBe(false);
    expect(usableForProof({ ...retiring, state: 'retired' }, 1)).toBe(false);
  });
});

describe('another owner', () => {
  const other = { ...EMPTY, clientId: 'other' };

  test.each(['registered', 'verified', 'current', 'retiring'] as const)(
    'is refused a record with a key in state %s',
    (state) => {
      const record = recordWith({ a: 'created', b: state });
      expect(changeOwner(record, other, 9)).toBe(record);
    },
  );

  test('is refused a record with a key that was registered before it retired, and another client’s', () => {
    const used = moveKey(recordWith({ a: 'registered' }), 'a', 'retired', 5);
    expect(changeOwner(used, other, 9)).toBe(used);
    const record = recordWith({ a: 'created' });
    expect(changeOwner(record, { ...other, client: 'x' }, 9)).toBe(record);
    expect(changeOwner(record, EMPTY, 9)).toBe(record);
  });

  test.each(['clientId', 'issuer'] as const)(
    'by its %s gets one whose keys were created only; they retire',
    (member) => {
      const unfit = addKey(recordWith({ a: 'created' }), key('b'), 3, 'retired');
      const changed = changeOwner(unfit, { ...EMPTY, [member]: 'other' }, 20);
      expect(changed[member]).toBe('other');
      expect(changed.keys.map(({ state, since }) => [state, since.retired])).toEqual([
        ['retired', 20],
        ['retired', 3],
      ]);
      expect(recordProblems(changed)).toEqual([]);
    },
  );

  test('gets the key that a draft has registered for it as it is, and nobody else does', () => {
    const record = noteDraft(recordWith({ a: 'created', b: 'created' }), 'a', 'other');
    const [a, b] = changeOwner(record, other, 9).keys;
    expect([a?.state, b?.state]).toEqual(['created', 'retired']);
    expect(a).not.toHaveProperty('draft');
    expect(changeOwner(record, { ...other, clientId: 'third' }, 9).keys[0]?.state).toBe('retired');
    expect(changeOwner(record, { ...other, issuer: 'third' }, 9).keys[0]?.state).toBe('retired');
  });
});

describe('problems of a record', () => {
  const [good] = recordWith({ k: 'current' }).keys;
  if (!good) throw new Error('no key');
  test.each<[string, ClientRecord['keys']]>([
    ['the same kid', [good, { ...good, state: 'retired' as const }]],
    ['the same ARN', [good, { ...good, kid: 'x', state: 'retired' as const }]],
    ['are current', [good, { ...good, kid: 'x', keyArn: `${ARN}y` }]],
    ['no time', [{ ...good, since: {} }]],
    ['has not reached', [{ ...good, since: { ...good.since, retired: 99 } }]],
    ['before the one before it', [{ ...good, since: { ...good.since, verified: 9 } }]],
    ['no usableUntil', [{ ...good, state: 'retiring' as const, since: { retiring: 1 } }]],
    ['not after it began', [{ ...good, state: 'retiring' as const, since: { retiring: 2 }, usableUntil: 1 }]],
    ['not after it began', [{ ...good, usableUntil: 1000 }]],
    ...[ARN.replace('1111', '9999'), ARN.replace('north', 'west'), ARN.replace('aws', 'aws-cn')].map(
      (elsewhere): [string, ClientRecord['keys']] => [
        'another account or region',
        [good, { ...good, ...key('x'), keyArn: `${elsewhere}x`, state: 'verified', since: { verified: 1 } }],
      ],
    ),
  ])('%s', (words, keys) => {
    expect(recordProblems({ ...EMPTY, keys }).join()).toContain(words);
  });

  test('any sequence of transitions leaves a record without problems and never moves a key back', () => {
    const step = fc.record({
      kid: fc.constantFrom('a', 'b', 'c'),
      move: fc.constantFrom('add', 'registered', 'verified', 'current', 'retired'),
      at: fc.nat(3000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        let record = EMPTY;
        for (const { kid, move, at } of steps) {
          const before = record;
          record = attempt(record, kid, move, at);
          expect(recordProblems(record)).toEqual([]);
          for (const old of before.keys) {
            const now = findKey(record, old.kid);
            expect(KEY_STATES.indexOf(now?.state ?? 'created')).toBeGreaterThanOrEqual(
              KEY_STATES.indexOf(old.state),
            );
          }
          expect(attempt(record, kid, move, at)).toEqual(record);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function attempt(record: ClientRecord, kid: string, move: string, at: number): ClientRecord {
  try {
    if (move === 'add') return addKey(record, key(kid), at);
    if (move === 'current') return switchCurrent(record, kid, at, at + 100);
    if (move === 'registered' || move === 'verified' || move === 'retired')
      return moveKey(record, kid, move, at);
  } catch {
    // Refused: the record stays as it is, which the property checks.
  }
  return record;
}
