import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { afterAll, describe, expect, it } from 'vitest';
import { createDynamoTable } from '../../functions/common/dynamo.ts';
import { createDynamoStore } from '../../functions/login-common/store.ts';
import { startDynamo } from './dynamo.ts';
import { createFakeLoginStore } from './login-store.ts';

const dynamo = await startDynamo();
await dynamo.createTable('sessions');
const real = createDynamoStore(createDynamoTable(dynamo.aws, 'sessions'));

afterAll(() => dynamo.close());

// The fake and the real one pass one suite, so that what is tested on the fake holds for DynamoDB.
describe.each([
  ['the fake', () => createFakeLoginStore()],
  ['DynamoDB', () => real],
] as const)('the login store: %s', (_, make) => {
  it('adds an item once, and reads it back', async () => {
    const store = make();
    expect(await store.add('add', 'sealed', 100)).toBe(true);
    expect(await store.add('add', 'other', 200)).toBe(false);
    expect(await store.read('add')).toEqual({ data: 'sealed', version: 1, expires: 100 });
    expect(await store.read('nothing')).toBeUndefined();
  });

  it('gives a taken item to one caller', async () => {
    const store = make();
    await store.add('take', 'sealed', 100);
    const taken = await Promise.all([store.take('take'), store.take('take'), store.take('take')]);
    expect(taken.filter(Boolean)).toEqual([{ data: 'sealed', version: 1, expires: 100 }]);
    expect(await store.read('take')).toBeUndefined();
  });

  it('replaces the version it was told, and no other', async () => {
    const store = make();
    await store.add('replace', 'one', 100);
    expect(await store.replace('replace', 1, 'two')).toBe(true);
    expect(await store.replace('replace', 1, 'three')).toBe(false);
    expect(await store.read('replace')).toEqual({ data: 'two', version: 2, expires: 100 });
    expect(await store.replace('gone', 1, 'back')).toBe(false);
    expect(await store.read('gone')).toBeUndefined();
  });

  it('extends what has not expired, and brings nothing back', async () => {
    const store = make();
    await store.add('extend', 'sealed', 100);
    expect(await store.extend('extend', 150, 99)).toBe(true);
    expect(await store.extend('extend', 300, 150)).toBe(false);
    expect((await store.read('extend'))?.expires).toBe(150);
    expect(await store.extend('never', 300, 1)).toBe(false);
    expect(await store.read('never')).toBeUndefined();
  });

  it('leases a version to one caller until it lapses, is released or is replaced', async () => {
    const store = make();
    await store.add('lease', 'one', 100);
    const asked = await Promise.all([1, 2, 3].map(() => store.lease('lease', 1, 1000, 2000)));
    expect(asked.filter(Boolean)).toHaveLength(1);
    expect(await store.lease('lease', 1, 2000, 3000)).toBe(false);
    expect(await store.lease('lease', 1, 2001, 3000)).toBe(true);
    await store.release('lease', 1);
    expect(await store.lease('lease', 1, 2002, 3000)).toBe(true);
    await store.replace('lease', 1, 'two');
    expect(await store.lease('lease', 1, 2003, 3000)).toBe(false);
    expect(await store.lease('lease', 2, 2003, 3000)).toBe(true);
    await store.release('lease', 1);
    expect(await store.lease('lease', 2, 2004, 3000)).toBe(false);
    expect(await store.lease('none', 1, 1, 2)).toBe(false);
    expect(await store.read('none')).toBeUndefined();
  });

  it('links and unlinks members', async () => {
    const store = make();
    expect(await store.link('index', 'a', 5, 100)).toEqual(['a']);
    expect((await store.link('index', 'b', 5, 200))?.toSorted()).toEqual(['a', 'b']);
    await store.unlink('index', ['a', 'c']);
    expect(await store.close('index', 1, 200)).toEqual(['b']);
    await store.unlink('index', ['b']);
    await store.unlink('index', []);
    expect(await store.close('index', 1, 200)).toEqual([]);
    await store.unlink('no index', ['a']);
    expect(await store.link('no index', 'b', 5, 100)).toEqual(['b']);
  });

  it('closes an index to what began before, as far as the latest time, and keeps who is in it', async () => {
    const store = make();
    expect(await store.close('closed', 10, 100)).toEqual([]);
    expect(await store.link('closed', 'a', 9, 100)).toBeUndefined();
    expect(await store.link('closed', 'b', 10, 100)).toEqual(['b']);
    expect(await store.close('closed', 7, 100)).toEqual(['b']);
    expect(await store.link('closed', 'a', 9, 100)).toBeUndefined();
    expect(await store.close('closed', 20, 100)).toEqual(['b']);
    expect(await store.link('closed', 'a', 19, 100)).toBeUndefined();
    expect((await store.link('closed', 'a', 20, 100))?.toSorted()).toEqual(['a', 'b']);
  });

  it('links members that race without losing one', async () => {
    const store = make();
    const members = Array.from({ length: 20 }, (_, i) => `member ${i}`);
    await Promise.all(members.map((member) => store.link('race', member, 5, 100)));
    expect((await store.close('race', 1, 100)).toSorted()).toEqual(members.toSorted());
  });

  it('lets a member in before a close, which gives it, or not at all', async () => {
    const store = make();
    const [linked, given] = await Promise.all([store.link('both', 'a', 1, 100), store.close('both', 2, 100)]);
    expect(given).toEqual(linked ?? []);
  });
});

describe('over a connection that breaks', () => {
  /** A store whose first request is lost: on its way there, or on its way back. */
  const breaking = (lost: 'request' | 'answer') => {
    let first = true;
    const aws = createAwsCaller(readAwsConfig(dynamo.env), {
      wait: async () => {},
      fetch: async (url, init) => {
        const broken = first;
        first = false;
        if (broken && lost === 'request') throw new TypeError('fetch failed');
        const response = await fetch(url, init);
        const body = await response.text();
        if (broken) throw new TypeError('fetch failed');
        return new Response(body, { status: response.status });
      },
    });
    return createDynamoStore(createDynamoTable(aws, 'sessions'));
  };

  it.each(['request', 'answer'] as const)('adds an item though the %s is lost', async (lost) => {
    expect(await breaking(lost).add(`add ${lost}`, 'sealed', 100)).toBe(true);
    expect(await breaking(lost).add(`add ${lost}`, 'sealed', 100)).toBe(false);
    expect(await real.read(`add ${lost}`)).toMatchObject({ data: 'sealed', version: 1 });
  });

  it.each(['request', 'answer'] as const)('links a member though the %s is lost', async (lost) => {
    expect(await breaking(lost).link(`link ${lost}`, 'a', 5, 100)).toEqual(['a']);
    expect(await breaking(lost).close(`link ${lost}`, 9, 100)).toEqual(['a']);
    expect(await breaking(lost).link(`link ${lost}`, 'b', 8, 100)).toBeUndefined();
  });

  it.each(['request', 'answer'] as const)(
    'leases, extends and releases though the %s is lost',
    async (lost) => {
      const pk = `lease ${lost}`;
      await real.add(pk, 'sealed', 100);
      expect(await breaking(lost).lease(pk, 1, 10, 20)).toBe(true);
      expect(await breaking(lost).lease(pk, 1, 10, 20)).toBe(false);
      expect(await breaking(lost).extend(pk, 200, 10)).toBe(true);
      await breaking(lost).release(pk, 1);
      expect(await real.lease(pk, 1, 10, 20)).toBe(true);
    },
  );

  it('takes an item, or loses it, but never gives it twice', async () => {
    await real.add('take request', 'sealed', 100);
    await real.add('take answer', 'sealed', 100);
    expect(await breaking('request').take('take request')).toMatchObject({ data: 'sealed' });
    expect(await breaking('answer').take('take answer')).toBeUndefined();
    expect(await real.take('take answer')).toBeUndefined();
  });
});

it('passes other errors of DynamoDB on', async () => {
  await expect(
    createDynamoStore(createDynamoTable(dynamo.aws, 'no-such-table')).add('pk', 'x', 1),
  ).rejects.toMatchObject({ code: 'aws_refused', facts: { error: 'ResourceNotFoundException' } });
});
