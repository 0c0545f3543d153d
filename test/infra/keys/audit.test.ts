import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { reconcile } from '../../../infra/keys/audit.ts';
import type { Operator } from '../../../infra/keys/operator.ts';
import { readKeyOptions } from '../../../infra/keys/options.ts';
import { readRecords } from '../../../infra/keys/records.ts';
import { showTrace } from '../../../infra/keys/trace.ts';
import { newFolder } from '../../temporary.ts';

const KEY = 'arn:aws:kms:eu-north-1:111122223333:key/1';
const KEYS = new Set([KEY]);

/** As CloudTrail's user guide has an event of KMS. */
const event = (requestID: string, more: object = {}) => ({
  ...{ eventVersion: '1.11', eventSource: 'kms.amazonaws.com', eventName: 'Sign', requestID },
  ...{ eventTime: '2026-11-30T10:00:00Z', awsRegion: 'eu-north-1', sourceIPAddress: '10.30.0.5' },
  userIdentity: { type: 'AssumedRole', arn: 'arn:aws:sts::111122223333:assumed-role/r/s' },
  vpcEndpointId: 'vpce-1',
  resources: [{ accountId: '111122223333', type: 'AWS::KMS::Key', ARN: KEY }],
  ...more,
});
const line = (kms_request: string | undefined, more: object = {}) => ({
  ...{ level: 'FATAL', timestamp: '2026-11-30T10:00:00.100Z', service: 'journal', zone: 'internal' },
  ...{ code: 'signed', client: 'journal', kid: 'k', kms_request },
  ...more,
});
const found = (...records: unknown[]) => foundIn(records);
const foundIn = (records: unknown[]) => {
  const { matched, unaudited, unrecorded } = reconcile(records, KEYS, 'journal');
  return [
    matched,
    unaudited.map(({ requestID }) => requestID),
    unrecorded.map(({ kms_request }) => kms_request),
  ];
};

describe('a reconciliation', () => {
  test.each<[string, unknown[], unknown[]]>([
    ['a signature in both', [event('a'), line('a')], [1, [], []]],
    ['a signature that no signer tells of', [event('a'), line('a'), event('b')], [1, ['b'], []]],
    ['a line without a signature', [event('a'), line('a'), line('b')], [1, [], ['b']]],
    ['a line without an id', [event('a'), line('a'), line(undefined)], [1, [], [undefined]]],
    ['two lines of one signature', [event('a'), line('a'), line('a')], [1, [], ['a']]],
    [
      'a signature that was not released',
      [event('a'), line(undefined, { code: 'failed', kms_requests: ['a'] })],
      [0, [], []],
    ],
    [
      'one that was not released and one that was',
      [event('a'), line('a'), line(undefined, { code: 'refused', kms_requests: ['a'] })],
      [0, [], ['a']],
    ],
    ['a call that KMS refused', [event('a', { errorCode: 'AccessDenied' })], [0, [], []]],
    ['another key', [event('a', { resources: [{ ARN: `${KEY}0` }] })], [0, [], []]],
    ['another call', [event('a', { eventName: 'GetPublicKey' })], [0, [], []]],
    ['another system', [event('a'), line('a', { service: 'other' })], [0, ['a'], []]],
    ['what is neither', [null, 1, 'x', [], { code: 'signed' }], [0, [], []]],
  ])('of %s', (_, records, expected) => {
    expect(found(...records)).toEqual(expected);
  });

  test('finds the one forged among 100,000, in any order', () => {
    const ids = Array.from({ length: 100_000 }, () => randomUUID());
    const records = [...ids.map((id) => line(id)), event('forged'), ...ids.map((id) => event(id)).reverse()];
    expect(foundIn(records)).toEqual([100_000, ['forged'], []]);
  });
});

test('files are read as CloudTrail, CloudWatch and a laptop leave them', () => {
  const folder = newFolder();
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const files = [
    write('trail.json.gz', gzipSync(JSON.stringify({ Records: [event('a'), event('b')] }))),
    write('trail.json', JSON.stringify({ Records: [event('c')] })),
    write(
      'filtered.json',
      JSON.stringify({ events: [{ message: JSON.stringify(line('a')) }, { message: 'START' }] }),
    ),
    write(
      'exported',
      `2026-11-30T10:00:00.100Z ${JSON.stringify(line('b'))}\n2026-11-30T10:00:00.100Z END RequestId\n`,
    ),
    write('local.log', `${JSON.stringify(line('c'))}\n\nnoise {\n`),
  ];
  expect(found(...readRecords(files))).toEqual([3, [], []]);
  expect(() => [...readRecords([join(folder, 'missing')])]).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  );
});

test('files come as an option, and as a shell spreads them', () => {
  expect(readKeyOptions(['audit', '--reconcile', 'a', 'b', 'c']).reconcile).toEqual(['a', 'b', 'c']);
  expect(readKeyOptions(['audit', '--reconcile', 'a', '--reconcile', 'b']).reconcile).toEqual(['a', 'b']);
  expect(readKeyOptions(['audit']).reconcile).toEqual([]);
});

test('without a running local system it says so', () => {
  const { stderr, status } = spawnSync('node', ['infra/keys/main.ts', 'audit', '--local', newFolder()], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([1, expect.stringContaining('local_failed')]);
});

test('a trace is every line of a request, by any id that one has', () => {
  const localLogs = newFolder();
  const trail = [
    {
      at: 1,
      kind: 'entry',
      zone: 'public',
      trace: 't1',
      fields: { entry: 'gateway', requestId: 'r1', method: 'GET', status: 200 },
    },
    {
      at: 2,
      kind: 'log',
      zone: 'signing',
      function: 'signer',
      trace: 't1',
      fields: { code: 'signed', kms_request: 'k1' },
    },
    { at: 3, kind: 'aws', trace: 't1', fields: { service: 'kms', action: 'kms:Sign', requestId: 'k1' } },
    { at: 4, kind: 'log', zone: 'signing', function: 'signer', trace: 't1', fields: { _aws: {}, Signed: 1 } },
    {
      at: 5,
      kind: 'log',
      zone: 'public',
      function: 'other',
      trace: 't2',
      fields: { code: 'signed', kms_request: 'k2' },
    },
    { at: 6, kind: 'log', zone: 'public', function: 'alone', fields: { code: 'signed', kms_request: 'k3' } },
  ];
  writeFileSync(join(localLogs, 'trail.log'), trail.map((each) => JSON.stringify(each)).join('\n'));
  const shown = (id: string) => {
    const said: string[] = [];
    showTrace({ localLogs, say: (line: string) => void said.push(line) } as unknown as Operator, id);
    return said
      .join('\n')
      .split('\n')
      .slice(1)
      .map((line) =>
        line
          .trim()
          .split(/\s{2,}/)
          .slice(0, 4),
      );
  };
  for (const id of ['r1', 'k1', 't1'])
    expect(
      shown(id)
        .map((columns) => columns.at(2) ?? '')
        .join(),
      id,
    ).toMatch(/GET|signed|kms/);
  expect(shown('r1')).toHaveLength(3);
  expect(shown('k2')).toHaveLength(1);
  expect(shown('k3')).toHaveLength(1);
  expect(() => shown('r9')).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});
