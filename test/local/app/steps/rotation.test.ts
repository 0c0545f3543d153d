import type { KeyEntry } from '@helseid-zones/protocol/record';
import { describe, expect, test } from 'vitest';
import { figureOf, reports, retiringKey } from '../../../../local/app/steps/key-watch.ts';
import { assertionSigners, isAccepted, missingSteps } from '../../../../local/app/steps/rotation.ts';
import { ROTATION_STEPS } from '../../../../local/aws/secrets/rotation.ts';
import type { TrailLine } from '../../../../local/aws/trail.ts';

const line = (kind: TrailLine['kind'], fields: Record<string, unknown>, name?: string): TrailLine => ({
  at: 0,
  kind,
  fields,
  ...(name === undefined ? {} : { function: name }),
});

describe('what the trail shows of a rotation', () => {
  const steps = ROTATION_STEPS.map((step) => line('platform', { event: 'rotation', step }));

  test('all four steps, each without an error', () => {
    expect(missingSteps(steps)).toEqual([]);
    expect(missingSteps(steps.slice(0, 3))).toEqual(['finishSecret']);
    const failed = line('platform', { event: 'rotation', step: 'testSecret', error: 'rotation_failed: x' });
    expect(missingSteps([...steps.filter(({ fields }) => fields['step'] !== 'testSecret'), failed])).toEqual([
      'testSecret',
    ]);
    expect(missingSteps([line('platform', { event: 'event-delivery', step: 'createSecret' })])).toHaveLength(
      4,
    );
  });

  test('that the issuer gave a token to this key: not to another, and not at the API', () => {
    const token = { service: 'helseid', event: 'token', kid: 'new' };
    expect(isAccepted([line('stand-in', token)], 'new')).toBe(true);
    expect(isAccepted([line('stand-in', token)], 'old')).toBe(false);
    expect(isAccepted([line('stand-in', { ...token, event: 'refused' })], 'new')).toBe(false);
    expect(isAccepted([line('log', token)], 'new')).toBe(false);
  });

  test('which signers made an assertion with it: a proof is none, and neither is a refusal', () => {
    const signed = { code: 'signed', kind: 'client_assertion', kid: 'new' };
    const lines = [
      line('log', signed, 'one'),
      line('log', { ...signed, kid: 'old' }, 'two'),
      line('log', { ...signed, kind: 'dpop_proof' }, 'three'),
      line('log', { ...signed, code: 'refused' }, 'four'),
    ];
    expect([...assertionSigners(lines, 'new')]).toEqual(['one']);
  });
});

describe('what key-watch wrote', () => {
  const lines = [
    line('log', { code: 'KEY_UNKNOWN', client: 'journal', kid: 'foreign' }),
    line('log', { _aws: {}, client: 'other', UnknownKeys: 0 }),
    line('log', { _aws: {}, client: 'journal', UnknownKeys: 1 }),
  ];

  test('the key that it reports', () => {
    expect(reports(lines, 'foreign')).toBe(true);
    expect(reports(lines, 'own')).toBe(false);
    expect(reports(lines.slice(1), 'foreign')).toBe(false);
  });

  test('the figure of the client that is meant', () => {
    expect(figureOf(lines, 'journal', 'UnknownKeys')).toBe(1);
    expect(figureOf(lines, 'other', 'UnknownKeys')).toBe(0);
    expect(figureOf(lines, 'nobody', 'UnknownKeys')).toBe(undefined);
    expect(figureOf(lines.slice(0, 1), 'journal', 'UnknownKeys')).toBe(undefined);
  });
});

describe('the key whose end is looked at', () => {
  const NOW = 1_000_000;
  const key = (kid: string, state: KeyEntry['state'], usableUntil?: number): KeyEntry => ({
    kid,
    keyArn: `arn:aws:kms:eu-north-1:000000000000:key/${kid}`,
    algorithm: 'ES256',
    state,
    since: {},
    ...(usableUntil === undefined ? {} : { usableUntil }),
  });
  const pick = (...keys: KeyEntry[]) =>
    retiringKey({ version: 1, client: 'a', clientId: 'b', issuer: 'c', keys }, NOW)?.kid;

  test('is the retiring one with the most time left', () => {
    expect(pick(key('a', 'retiring', NOW + 100), key('b', 'retiring', NOW + 200), key('c', 'current'))).toBe(
      'b',
    );
  });

  test('is none where none is left with a minute', () => {
    expect(pick(key('a', 'retiring', NOW + 60), key('b', 'retired', NOW + 500), key('c', 'current'))).toBe(
      undefined,
    );
  });
});
