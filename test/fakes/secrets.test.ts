import { beforeEach, expect, test } from 'vitest';
import { createFakeSecrets, type FakeSecrets, FAKE_SECRET_ARN as SecretId } from './secrets.ts';

let secrets: FakeSecrets;
beforeEach(() => {
  secrets = createFakeSecrets('first');
});
const token = (letter: string) => letter.repeat(32);
const refusal = (name: string) => expect.objectContaining({ name });

test('a new version takes AWSCURRENT only when no stage is named', async () => {
  await secrets.putSecretValue({
    SecretId,
    ClientRequestToken: token('a'),
    SecretString: 'A',
    VersionStages: ['X'],
  });
  expect((await secrets.getSecretValue({ SecretId })).SecretString).toBe('first');
  await secrets.putSecretValue({ SecretId, ClientRequestToken: token('b'), SecretString: 'B' });
  expect((await secrets.getSecretValue({ SecretId })).SecretString).toBe('B');
  expect((await secrets.getSecretValue({ SecretId, VersionStage: 'AWSPREVIOUS' })).SecretString).toBe(
    'first',
  );
});

test('a version is immutable; the same again is no new write', async () => {
  const put = (SecretString: string) =>
    secrets.putSecretValue({ SecretId, ClientRequestToken: token('a'), SecretString, VersionStages: ['X'] });
  await put('A');
  await put('A');
  expect(secrets.writes).toBe(1);
  await expect(put('B')).rejects.toThrow(refusal('ResourceExistsException'));
});

test('a stage moves only away from the version that has it', async () => {
  const first = secrets.stages.get('AWSCURRENT') ?? '';
  await secrets.putSecretValue({
    SecretId,
    ClientRequestToken: token('a'),
    SecretString: 'A',
    VersionStages: ['X'],
  });
  const move = (
    MoveToVersionId: string | undefined,
    RemoveFromVersionId: string | undefined,
    VersionStage = 'AWSCURRENT',
  ) => secrets.updateSecretVersionStage({ SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId });
  await expect(move(token('a'), token('b'))).rejects.toThrow(refusal('InvalidParameterException'));
  await expect(move(token('a'), undefined)).rejects.toThrow(refusal('InvalidParameterException'));
  await expect(move(token('z'), first)).rejects.toThrow(refusal('ResourceNotFoundException'));
  await expect(move(undefined, first)).rejects.toThrow(refusal('InvalidParameterException'));
  await move(token('a'), first);
  expect(secrets.stages.get('AWSCURRENT')).toBe(token('a'));
  expect(secrets.stages.get('AWSPREVIOUS')).toBe(first);
  await move(undefined, token('a'), 'X');
  expect(secrets.stages.has('X')).toBe(false);
});

test('RotateSecret makes a version without a value, and attempts an incomplete rotation again', async () => {
  const first = secrets.beginRotation();
  await expect(secrets.getSecretValue({ SecretId, VersionId: first })).rejects.toThrow(
    refusal('ResourceNotFoundException'),
  );
  expect(secrets.beginRotation()).toBe(first);
  await secrets.updateSecretVersionStage({
    SecretId,
    VersionStage: 'AWSPENDING',
    RemoveFromVersionId: first,
  });
  expect(secrets.beginRotation()).not.toBe(first);
});

test('another secret is not found', async () => {
  await expect(secrets.describeSecret({ SecretId: 'other' })).rejects.toThrow(
    refusal('ResourceNotFoundException'),
  );
});
