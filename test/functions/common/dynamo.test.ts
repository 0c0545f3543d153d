import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { afterAll, expect, test } from 'vitest';
import { createDynamoTable } from '../../../functions/common/dynamo.ts';
import { startDynamo } from '../../fakes/dynamo.ts';

const dynamo = await startDynamo();
await dynamo.createTable('table');
afterAll(() => dynamo.close());

const NEW = { when: 'attribute_not_exists(pk)' };

test('an item comes back as it was put, without what is undefined', async () => {
  const table = createDynamoTable(dynamo.aws, 'table');
  const item = { text: 'a', number: 1.5, set: ['a', 'b'] };
  expect(await table.put('one', { ...item, nothing: undefined })).toBe(true);
  expect(await table.get('one')).toEqual({ pk: 'one', ...item });
  expect(await table.delete('one')).toEqual({ pk: 'one', ...item });
  expect([await table.get('one'), await table.delete('one')]).toEqual([undefined, undefined]);
});

test('of several conditional puts one is done', async () => {
  const tables = [1, 2, 3, 4].map(() => createDynamoTable(dynamo.aws, 'table'));
  const done = await Promise.all(tables.map((table) => table.put('two', {}, NEW)));
  expect(done.filter(Boolean)).toHaveLength(1);
});

test('an update names reserved words, and is done only where its condition holds', async () => {
  const table = createDynamoTable(dynamo.aws, 'table');
  await table.put('three', { data: 'a', version: 1, lease: 2 });
  const change = (version: number) =>
    table.update('three', 'SET #data = :data, #version = :next REMOVE #lease', {
      when: '#version = :version',
      values: { version, next: version + 1, data: 'b' },
    });
  expect(await change(2)).toBeUndefined();
  expect(await change(1)).toEqual({ pk: 'three', data: 'b', version: 2 });
});

test('a conditional put whose answer gets lost is repeated, and knows itself again', async () => {
  let calls = 0;
  const lossy = createAwsCaller(readAwsConfig(dynamo.env), {
    wait: async () => {},
    fetch: async (url, init) => {
      const { status } = await fetch(url, init);
      calls += 1;
      if (calls === 1) throw new TypeError('fetch failed');
      return new Response('{}', { status });
    },
  });
  expect(await createDynamoTable(lossy, 'table').put('four', {}, NEW)).toBe(true);
  expect(calls).toBe(2);
  expect(await createDynamoTable(dynamo.aws, 'table').put('four', {}, NEW)).toBe(false);
});

test('a table that is not there is no condition that fails', async () => {
  const table = createDynamoTable(dynamo.aws, 'missing');
  for (const ask of [() => table.get('a'), () => table.put('a', {}, NEW), () => table.delete('a')])
    await expect(ask()).rejects.toMatchObject({ code: 'aws_refused' });
});
