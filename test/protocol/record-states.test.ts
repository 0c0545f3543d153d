import type { ClientRecord, KeyState } from '@helseid-zones/protocol/record';
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
  switchCurrent,
  usableForAssertion,
  usableForProof,
} from '@helseid-zones/protocol/record-states';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

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

describe('transitions', () => {
  test.each(KEY_STATES)('from %s, exactly the next states and those passed are granted', (from) => {
    const record = recordWith({ k: from });
    for (const to of ['registered', 'verified', 'retired'] as const) {
      const allowed = NEXT_STATES[from].includes(to);
      const passed = from === to || (from === 'verified' && to === 'registered');
      const passedCurrent = from === 'current' && to !== 'retired';
      if (allowed) expect(findKey(moveKey(record, 'k', to, 2000), 'k')?.state).toBe(to);
      else if (passed || passedCurrent) expect(moveKey(record, 'k', to, 2000)).toBe(record);
      else
        expect(() => moveKey(record, 'k', to, 2000)).toThrow(
          expect.objectContaining({ code: 'transition_refused' }),
        );
    }
  });

  test('a retiring key is not retired before its last token has expired, unless forced', () => {
    const record = recordWith({ k: 'retiring' });
    expect(() => moveKey(record, 'k', 'retired', 999)).toThrow(
      expect.objectContaining({ code: 'transition_refused' }),
    );
    expect(findKey(moveKey(record, 'k', 'retired', 1000), 'k')?.state).toBe('retired');
    expect(findKey(moveKey(record, 'k', 'retired', 999, { force: true }), 'k')?.state).toBe('retired');
  });

  test('a switch takes the old key along and is refused for one that is not verified', () => {
    const record = lead(recordWith({ old: 'current' }), 'new', 'verified');
    const switched = switchCurrent(record, 'new', 20, 500);
    expect(currentKey(switched)?.kid).toBe('new');
    expect(findKey(switched, 'old')).toMatchObject({
      state: 'retiring',
      usableUntil: 500,
      since: { retiring: 20 },
    });
    expect(switchCurrent(switched, 'new', 30, 900)).toBe(switched);
    for (const state of ['created', 'registered', 'retiring', 'retired'] as const)
      expect(() => switchCurrent(recordWith({ k: state }), 'k', 20, 500)).toThrow(
        expect.objectContaining({ code: 'transition_refused' }),
      );
  });

  test('an unknown key is refused', () => {
    expect(() => moveKey(EMPTY, 'k', 'registered', 1)).toThrow(
      expect.objectContaining({ code: 'key_unknown' }),
    );
    expect(() => noteExpiry(EMPTY, 'k', 1)).toThrow(expect.objectContaining({ code: 'key_unknown' }));
  });

  test('adding twice and noting the same expiry change nothing', () => {
    const record = recordWith({ k: 'created' });
    expect(addKey(record, key('k'), 99)).toBe(record);
    const noted = noteExpiry(record, 'k', 7);
    expect(noteExpiry(noted, 'k', 7)).toBe(noted);
    expect(noteExpiry(noted, 'k', undefined)).toEqual(record);
  });
});

describe('selection', () => {
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
