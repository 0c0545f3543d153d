import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAwsCaller } from '../../../client/aws.ts';
import { ZonesError } from '../../../client/errors.ts';
import type { KeySet } from '../../../client/jwks.ts';
import { normalizeUrl } from '../../../functions/authorizer/compare-url.ts';
import { createIssuerKeys } from '../../../functions/authorizer/issuer-keys.ts';
import { createReplayTable } from '../../../functions/authorizer/replay-table.ts';
import { makeKey } from './make-request.ts';

describe('replays in DynamoDB', () => {
  const server = dynalite({ createTableMs: 0 });
  let aws: ReturnType<typeof createAwsCaller>;
  let clock = 1000;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    aws = createAwsCaller({
      region: 'eu-north-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      endpoints: { dynamodb: `http://127.0.0.1:${port}` },
    });
    await aws.json({
      service: 'dynamodb',
      target: 'DynamoDB_20120810.CreateTable',
      repeatable: false,
      input: {
        TableName: 'replays',
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      },
    });
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    clock = 1000;
  });

  test('a proof is claimed once, by whichever instance comes first', async () => {
    const instances = [1, 2, 3, 4].map(() => createReplayTable(aws, 'replays', () => clock));
    const claims = await Promise.all(instances.map((instance) => instance.claim('one', 1021)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await instances[0]?.claim('two', 1021)).toBe(true);
  });

  test('and again only when its time has passed', async () => {
    const table = createReplayTable(aws, 'replays', () => clock);
    expect(await table.claim('three', 1021)).toBe(true);
    clock = 1021;
    expect(await table.claim('three', 1042)).toBe(false);
    clock = 1022;
    expect(await table.claim('three', 1043)).toBe(true);
  });

  test('a table that is not there lets nobody in', async () => {
    const table = createReplayTable(aws, 'missing', () => clock);
    await expect(table.claim('four', 1021)).rejects.toMatchObject({ code: 'aws_refused' });
  });
});

describe('the issuer’s keys', () => {
  const token = { payload: '', signature: '' };

  test('are read again for a kid that is new, and not on every made-up one', async () => {
    const [old, rotated] = await Promise.all([makeKey('ES256'), makeKey('ES256')]);
    const published = [{ ...old.jwk, kid: 'old', alg: 'ES256' }] as KeySet['keys'];
    let readAt = 0;
    let kept: KeySet['keys'] = [];
    let reads = 0;
    let clock = 100_000;
    const keys = createIssuerKeys(
      {
        async get(since = 0) {
          if (reads === 0 || readAt < since) {
            reads += 1;
            readAt = clock;
            kept = [...published];
          }
          return { keys: kept };
        },
      },
      () => clock,
    );
    await keys({ alg: 'ES256', kid: 'old' }, token);
    published.push({ ...rotated.jwk, kid: 'new', alg: 'ES256' });
    await expect(keys({ alg: 'ES256', kid: 'new' }, token)).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
    clock += 30_001;
    await expect(keys({ alg: 'ES256', kid: 'new' }, token)).resolves.toBeTruthy();
    await expect(keys({ alg: 'ES256', kid: 'made-up' }, token)).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
    expect(reads).toBe(2);
  });

  test('that can not be read are no refusal', async () => {
    const error = new ZonesError('issuer_unreachable', 'No answer.');
    const keys = createIssuerKeys({ get: () => Promise.reject(error) });
    await expect(keys({ alg: 'RS256', kid: 'a' }, token)).rejects.toBe(error);
  });
});

describe('URLs', () => {
  test.each([
    ['https://API.example:443/a', 'https://api.example/a'],
    ['https://api.example/%61', 'https://api.example/a'],
    ['https://api.example/a b', 'https://api.example/a%20b'],
    ['https://api.example', 'https://api.example/'],
    ['https://api.example/%C3%A5', 'https://api.example/å'],
    ["https://api.example/a(1)'!*", 'https://api.example/a%281%29%27%21%2A'],
  ])('%s is %s', (a, b) => {
    expect(normalizeUrl(a)).toBeDefined();
    expect(normalizeUrl(a)).toBe(normalizeUrl(b));
  });

  test.each([
    ['https://api.example/a%2Fb', 'https://api.example/a/b'],
    ['https://api.example/a', 'https://api.example/a/'],
    ['https://api.example/a', 'https://api.example/A'],
    ['https://api.example/a//b', 'https://api.example/a/b'],
    ['https://api.example/%2561', 'https://api.example/%61'],
  ])('%s is not %s', (a, b) => {
    expect(normalizeUrl(a)).not.toBe(normalizeUrl(b));
  });

  test.each([
    '',
    'a',
    'ftp://api.example/',
    'https://user@api.example/',
    'https://api.example/%',
    'https://api.example/%ff',
  ])('%s is none', (url) => {
    expect(normalizeUrl(url)).toBeUndefined();
  });
});
