import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import { describe, expect, test } from 'vitest';
import { tryPatiently, waitUntil } from '../../../functions/rotation/wait-for-acceptance.ts';

/** A clock that stands still but for what is waited, with a run that ends at `deadline`. */
function patience(deadline: number) {
  let time = 1000;
  const waits: number[] = [];
  const wait = async (seconds: number) => {
    waits.push(seconds);
    time += seconds;
  };
  const lines: unknown[] = [];
  const audit = (code: string, facts: object) => void lines.push([code, facts]);
  const now = () => time;
  return { clock: { now, wait }, deadline, client: 'journal', audit, lines, waits, now };
}

const refusal = (error: string, status = 400) =>
  new ZonesError('token_refused', 'no', { facts: { error, status } });

describe('what needs HelseID to accept a key', () => {
  test.each<[string, Error]>([
    ...(
      [
        'config_invalid',
        'details_invalid',
        'grant_refused',
        'intent_malformed',
        'record_invalid',
        'request_malformed',
        'rotation_failed',
        'self_service_refused',
        'self_service_unreachable',
        'version_unknown',
      ] satisfies ErrorCode[]
    ).map((code): [string, Error] => [code, new ZonesError(code, 'no')]),
    ['a refusal beyond the key', refusal('invalid_scope')],
    ['no error of ours', new TypeError('no')],
  ])('is not tried again after %s, which comes as it is', async (_, error) => {
    const world = patience(2000);
    await expect(tryPatiently(world, 'k', () => Promise.reject(error))).rejects.toBe(error);
    expect(world.waits).toEqual([]);
  });

  test.each<[Error, number, number]>([
    [refusal('invalid_client'), 1500, 1498],
    [refusal('invalid_client'), 1060, 1058],
    [new ZonesError('kms_unavailable', 'no', { facts: { status: 503 } }), 1500, 1120],
    [new ZonesError('kms_unavailable', 'no', { facts: { status: 503 } }), 1060, 1060],
  ])('is tried until there is no more time: %s', async (cause, deadline, end) => {
    const world = patience(deadline);
    const run = tryPatiently(world, 'k', () => Promise.reject(cause));
    const { code: reason, facts } = cause as ZonesError;
    await expect(run).rejects.toMatchObject({
      code: 'rotation_failed',
      cause,
      facts: { ...facts, kid: 'k', reason },
      message: expect.stringContaining(reason),
    });
    expect(world.now()).toBeGreaterThan(end - 5);
    expect(world.now()).toBeLessThanOrEqual(deadline);
    const waits = ['ROTATION_WAITS_FOR_ACCEPTANCE', { client: 'journal', kid: 'k', reason }];
    expect(world.lines).toEqual(deadline > 1060 ? [waits] : []);
  });

  test('comes through once it does', async () => {
    const world = patience(2000);
    const answers = [refusal('invalid_client'), new ZonesError('key_not_usable', 'no')];
    const run = async () => {
      const error = answers.shift();
      if (error) throw error;
      return 'done';
    };
    expect(await tryPatiently(world, 'k', run)).toBe('done');
    expect([world.waits, world.lines]).toEqual([[1, 2], []]);
  });
});

test.each([
  [1100, [100]],
  [1101, undefined],
])('waiting until %i', async (time, waited) => {
  const { clock, deadline, waits } = patience(1100);
  const done = waitUntil({ clock, deadline }, time, 'k');
  if (waited) await done;
  else await expect(done).rejects.toMatchObject({ code: 'rotation_failed', facts: { kid: 'k' } });
  expect(waits).toEqual(waited ?? []);
});
