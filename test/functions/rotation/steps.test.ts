import { ZonesError } from '@helseid-zones/protocol/errors';
import { describe, expect, test, vi } from 'vitest';
import { describeFailure } from '../../../functions/common/aws-error.ts';
import { runStep } from '../../../functions/rotation/steps.ts';
import { coded } from '../../coded.ts';
import { awsError } from '../../fakes/in-process.ts';
import { FAKE_SECRET_ARN } from '../../fakes/secrets.ts';
import { bootstrap, createWorld } from '../../rotation/world.ts';

async function runner() {
  const world = createWorld();
  await bootstrap(world);
  const audit = vi.fn();
  const countFailure = vi.fn();
  const open = (arn: string) => {
    if (arn !== FAKE_SECRET_ARN) throw new ZonesError('event_invalid', 'unknown');
    return { ...world.rotation(), audit };
  };
  return { world, audit, countFailure, run: (event: unknown) => runStep(open, countFailure, event) };
}

const event = (Step: string, ClientRequestToken: string, SecretId = FAKE_SECRET_ARN) => ({
  Step,
  SecretId,
  ClientRequestToken,
});

test('the four events of Secrets Manager rotate a key, each audited', async () => {
  const { world, audit, countFailure, run } = await runner();
  const token = world.secrets.beginRotation();
  const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
  for (const step of steps) await run(event(step, token));
  expect(world.record().keys.map(({ state }) => state)).toEqual(['retiring', 'current']);
  const facts = (step: string) => ({ client: 'journal', step, token });
  expect(audit.mock.calls.filter(([code]) => code.startsWith('ROTATION_STEP'))).toEqual(
    steps.flatMap((step) => [
      ['ROTATION_STEP_STARTED', facts(step)],
      ['ROTATION_STEP_COMPLETED', facts(step)],
    ]),
  );
  expect(countFailure).not.toHaveBeenCalled();
});

test('a failed step is audited with its reason, counted and thrown', async () => {
  const { world, audit, countFailure, run } = await runner();
  world.helseId.behaviour.post = 'refuse';
  const token = world.secrets.beginRotation();
  await run(event('createSecret', token));
  await expect(run(event('setSecret', token))).rejects.toThrow(coded('self_service_refused'));
  expect(countFailure).toHaveBeenCalledExactlyOnceWith('journal');
  expect(audit).toHaveBeenLastCalledWith(
    'ROTATION_STEP_FAILED',
    expect.objectContaining({
      reason: 'self_service_refused',
      status: 400,
      step: 'setSecret',
      client: 'journal',
    }),
  );
});

test('an error that is none of ours is named, not quoted', async () => {
  const { world, audit, run } = await runner();
  world.kms.failNext('createKey', 'ThrottlingException');
  await expect(run(event('createSecret', world.secrets.beginRotation()))).rejects.toMatchObject({
    name: 'ThrottlingException',
  });
  expect(audit).toHaveBeenLastCalledWith(
    'ROTATION_STEP_FAILED',
    expect.objectContaining({ reason: 'ThrottlingException', status: 400 }),
  );
});

test.each<[unknown, object]>([
  [
    new TypeError('secret', { cause: Object.assign(new Error('secret'), { code: 'ENOTFOUND' }) }),
    { reason: 'TypeError', network: 'name', network_code: 'ENOTFOUND' },
  ],
  [awsError('InternalFailure', 500), { reason: 'InternalFailure', status: 500 }],
  [new RangeError('secret'), { reason: 'RangeError' }],
  ['secret', { reason: 'unknown' }],
])('a failure is described by its name, its status and what kept an answer from coming', (error, facts) => {
  expect(describeFailure(error)).toEqual(facts);
});

describe('other events are refused', () => {
  const token = 'a'.repeat(36);
  test.each([
    ['no object', null],
    ['an unknown step', event('dropSecret', token)],
    ['an inherited name', event('constructor', token)],
    ['a short token', event('setSecret', 'a'.repeat(31))],
    ['a long token', event('setSecret', 'a'.repeat(65))],
    ['another secret', event('setSecret', token, 'arn:other')],
  ])('%s', async (_, bad) => {
    const { run } = await runner();
    await expect(run(bad)).rejects.toThrow(coded('event_invalid'));
  });
});
