import { expect, test } from 'vitest';
import { createRecordReader, RECORD_TTL_MS } from '../../../functions/signer/read-record.ts';
import { awsError } from '../../fakes/in-process.ts';

const owner = { client: 'journal', clientId: 'id-1', issuer: 'https://helseid-sts.test.nhn.no' };
const text = JSON.stringify({ version: 1, ...owner, keys: [] });

/** A reader whose secret and clock the test sets. */
function createWorld() {
  const world = { now: 0, reads: 0, answer: (): Promise<string | undefined> => Promise.resolve(text) };
  const readSecret = () => {
    world.reads += 1;
    return world.answer();
  };
  return { world, read: createRecordReader(readSecret, owner, () => world.now) };
}

test('a young record is used again, an old one or an unwanted one is read anew', async () => {
  const { world, read } = createWorld();
  expect((await read()).cached).toBe(false);
  world.now = RECORD_TTL_MS - 1;
  expect((await read()).cached).toBe(true);
  expect((await read({ fresh: true })).cached).toBe(false);
  world.now += RECORD_TTL_MS;
  expect((await read()).cached).toBe(false);
  expect(world.reads).toBe(3);
});

test('a clock that is set back by an hour makes no record young', async () => {
  const { world, read } = createWorld();
  world.now = 3_600_000;
  await read();
  world.now = 0;
  expect((await read()).cached).toBe(false);
  expect((await read()).cached).toBe(true);
});

test('simultaneous reads are one call', async () => {
  const { world, read } = createWorld();
  await Promise.all([read(), read({ fresh: true }), read()]);
  expect(world.reads).toBe(1);
});

test.each<[string, () => Promise<string | undefined>, string]>([
  ['refused by AWS', () => Promise.reject(new Error('AccessDenied')), 'record_unavailable'],
  ['a binary secret', () => Promise.resolve(undefined), 'record_invalid'],
  ['another text', () => Promise.resolve('x'), 'record_invalid'],
])('%s: an error, which is not remembered', async (_name, answer, code) => {
  const { world, read } = createWorld();
  world.answer = answer;
  await expect(read()).rejects.toMatchObject({ code });
  world.answer = () => Promise.resolve(text);
  expect((await read()).record.keys).toEqual([]);
});

test('Secrets Manager down after a good read: the record stays for its 30 seconds, a wish for a fresh one drops nothing', async () => {
  const { world, read } = createWorld();
  const { record } = await read();
  world.answer = () => Promise.reject(awsError('InternalServiceError', 500));
  world.now = RECORD_TTL_MS - 1;
  const unavailable = {
    code: 'record_unavailable',
    facts: { aws_error: 'InternalServiceError', status: 500 },
  };
  await expect(read({ fresh: true })).rejects.toMatchObject(unavailable);
  expect(await read()).toEqual({ record, cached: true });
  world.now = RECORD_TTL_MS;
  await expect(read()).rejects.toMatchObject(unavailable);
  world.answer = () => Promise.reject(Object.assign(new Error('lost'), { code: 'ENOTFOUND' }));
  await expect(read()).rejects.toMatchObject({ facts: { network: 'name', network_code: 'ENOTFOUND' } });
  world.answer = () => Promise.resolve(text);
  expect((await read()).record).toEqual(record);
});
