import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { showTrace } from '../../../infra/keys/audit.ts';
import { readKeyOptions } from '../../../infra/keys/options.ts';
import { reconcile } from '../../../infra/keys/reconcile.ts';
import { readRecords } from '../../../infra/keys/records.ts';
import { coded } from '../../coded.ts';
import { full } from '../../full.ts';
import { newFolder } from '../../temporary.ts';

const KEY = 'arn:aws:kms:eu-north-1:111122223333:key/1';
const KEYS = new Map([[KEY, { kid: 'k', signers: ['journal-signer-journal-internal'] }]]);
const SIGNER = 'arn:aws:sts::111122223333:assumed-role/journal-signer-journal-internal/s';

/** As CloudTrail's user guide has an event of KMS. */
const event = (requestID: string, more: object = {}) => ({
  ...{ eventVersion: '1.11', eventSource: 'kms.amazonaws.com', eventName: 'Sign', requestID },
  ...{ eventTime: '2026-11-30T10:00:00Z', awsRegion: 'eu-north-1', sourceIPAddress: '10.30.0.5' },
  userIdentity: { type: 'AssumedRole', arn: SIGNER },
  vpcEndpointId: 'vpce-1',
  resources: [{ accountId: '111122223333', type: 'AWS::KMS::Key', ARN: KEY }],
  ...more,
});
const line = (kms_request: string | undefined, more: object = {}) => ({
  ...{ level: 'FATAL', timestamp: '2026-11-30T10:00:00.100Z', service: 'journal', zone: 'internal' },
  ...{ code: 'signed', client: 'journal', kid: 'k', kms_request },
  ...more,
});
/** How many match and how many nobody got; ids of those by others, of those without a line, and of lines without an event. */
const foundIn = (records: Iterable<unknown>) => {
  const { matched, unreleased, foreign, unaudited, unrecorded } = reconcile(records, KEYS, 'journal');
  const ids = (events: typeof foreign) => events.map(({ requestID }) => requestID);
  const lines = unrecorded.map(({ kms_request }) => kms_request);
  return [matched, unreleased, ids(foreign), ids(unaudited), lines];
};

describe('a reconciliation', () => {
  const withheld = line(undefined, { code: 'failed', kms_requests: ['a'] });
  const by = (arn: unknown) => ({ userIdentity: { arn } });
  const OTHER_ROLE = by(SIGNER.replace('internal', 'x'));
  const AMONG = [null, {}, { ARN: 'arn:x' }, { ARN: KEY }];
  const ASKED = { resources: null, requestParameters: { keyId: KEY } };
  test.each<[string, unknown[], unknown[]]>([
    ['a signature in both', [event('a'), line('a')], [1, 0, [], [], []]],
    ['a signature that no signer tells of', [event('a'), line('a'), event('b')], [1, 0, [], ['b'], []]],
    ['a line without a signature', [event('a'), line('a'), line('b')], [1, 0, [], [], ['b']]],
    ['a line without an id', [event('a'), line('a'), line(undefined)], [1, 0, [], [], [undefined]]],
    [
      'an event without one',
      [event('a', { requestID: null }), line(undefined)],
      [0, 0, [], [null], [undefined]],
    ],
    ['two lines of one signature', [event('a'), line('a'), line('a')], [1, 0, [], [], ['a']]],
    ['two events of one id', [event('a'), event('a'), line('a')], [1, 0, [], ['a'], []]],
    ['a signature that was not released', [event('a'), withheld], [0, 1, [], [], []]],
    ['a line of another key', [event('a'), line('a', { kid: 'other' })], [0, 0, [], ['a'], ['a']]],
    ['a line of another time', [event('a'), line('a', { timestamp: '1999' })], [0, 0, [], ['a'], ['a']]],
    ['another time, not released', [event('a'), { ...withheld, timestamp: 't' }], [0, 0, [], ['a'], []]],
    ['another role, told of', [event('a', OTHER_ROLE), line('a')], [0, 0, ['a'], [], []]],
    [
      'another role, not released',
      [event('a', by('arn:aws:iam::1:user/u')), withheld],
      [0, 0, ['a'], [], []],
    ],
    ['nobody', [event('a', { userIdentity: null }), line('a')], [0, 0, ['a'], [], []]],
    ['no identity', [event('a', { userIdentity: undefined }), line('a')], [0, 0, ['a'], [], []]],
    ['no endpoint', [event('a', { vpcEndpointId: null }), line('a')], [0, 0, ['a'], [], []]],
    ['no source', [event('a', { sourceIPAddress: null, errorCode: null }), line('a')], [1, 0, [], [], []]],
    ['no key', [event('a', { resources: undefined })], [0, 0, ['a'], [], []]],
    ['a key among others', [event('a', { resources: AMONG }), line('a')], [1, 0, [], [], []]],
    ['the key that was asked for', [event('a', ASKED), line('a')], [1, 0, [], [], []]],
    ['a call that KMS refused', [event('a', { errorCode: 'AccessDenied' })], [0, 0, [], [], []]],
    ['another key', [event('a', { resources: [{ ARN: `${KEY}0` }] })], [0, 0, [], [], []]],
    ['another call', [event('a', { eventName: 'GetPublicKey' })], [0, 0, [], [], []]],
    ['another system', [event('a'), line('a', { service: 'other' })], [0, 0, [], ['a'], []]],
    ['what is neither', [null, 1, 'x', [], { code: 'signed' }], [0, 0, [], [], []]],
  ])('of %s', (_, records, expected) => {
    expect(foundIn(records)).toEqual(expected);
  });

  test('finds the one forged among 100,000, in any order', () => {
    const many = full(100_000);
    const ids = Array.from({ length: many }, () => randomUUID());
    const records = [...ids.map((id) => line(id)), event('forged'), ...ids.map((id) => event(id)).reverse()];
    expect(foundIn(records)).toEqual([many, 0, [], ['forged'], []]);
  });
});

const AT = '2026-11-30T10:00:00.100Z';
const json = (value: unknown, indent?: number) => JSON.stringify(value, null, indent);
const records = (...Records: unknown[]) => json({ Records });
const a = event('a');
const b = event('b');

test('files are read as CloudTrail, CloudWatch and a laptop leave them', () => {
  const folder = newFolder();
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const files = [
    write('trail.json.gz', gzipSync(JSON.stringify({ Records: [event('a'), event('b')] }))),
    write('trail.json', JSON.stringify({ Records: [event('c')] })),
    write('filtered.json', JSON.stringify({ events: [{ message: json(line('a')) }, { message: 'START' }] })),
    write('exported', `${AT} ${json(line('b'))}\n${AT} END RequestId\n`),
    write('local.log', `${JSON.stringify(line('c'))}\n\nSTART RequestId\n`),
  ];
  const unread: string[] = [];
  expect(foundIn(readRecords(files, (what) => void unread.push(what)))).toEqual([3, 0, [], [], []]);
  expect(unread).toEqual([]);
});

test.each<[string, string | Uint8Array, string[], RegExp?]>([
  ['a byte order mark', `\uFEFF${records(a)}`, ['a']],
  ['two documents in one file', `${records(a)}\n${records(b)}`, ['a', 'b']],
  ['what lookup-events prints', json({ Events: [{ CloudTrailEvent: json(a) }] }), ['a']],
  ['an array', json([a, b]), ['a', 'b']],
  ['one event over several lines', json(a, 2), ['a']],
  ['two over several lines, one after the other', `${json(a, 2)}\n${json(b, 2)}`, [], /that look like JSON/],
  ['a document that was cut off', records(a).slice(0, -5), [], /: 1 that look/],
  ['an event that was cut off', json({ Events: [{ CloudTrailEvent: '{"eventS' }] }), [], /: 1 that look/],
  ['nothing', '', [], /no record/],
])('a file with %s is read, or named', (_, content, ids, named) => {
  const file = join(newFolder(), 'trail.json');
  writeFileSync(file, content);
  const unread: string[] = [];
  expect(foundIn([...readRecords([file], (what) => void unread.push(what))])[3]).toEqual(ids);
  expect(unread.join()).toMatch(named ?? /^$/);
});

test.each<[string, string | Uint8Array]>([
  ['of UTF-16', Buffer.from(JSON.stringify(event('a')), 'utf16le')],
  ['packed twice', gzipSync(gzipSync('{}'))],
  ['that is no gzip', Uint8Array.of(0x1f, 0x8b, 1, 2)],
])('a file %s is refused', (_, content) => {
  const file = join(newFolder(), 'trail.json');
  writeFileSync(file, content);
  expect(() => [...readRecords([file], () => {})]).toThrow(coded('config_invalid'));
});

test('a file that is not there is refused', () => {
  const missing = join(newFolder(), 'missing');
  expect(() => [...readRecords([missing], () => {})]).toThrow(coded('config_invalid'));
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
  const SIGNER_LOG = { kind: 'log', zone: 'signing', function: 'signer' };
  const PUBLIC_LOG = { kind: 'log', zone: 'public', function: 'other' };
  const trail = [
    {
      ...{ at: 1, kind: 'entry', zone: 'public', trace: 't1' },
      fields: { entry: 'gateway', requestId: 'r1', method: 'GET', status: 200 },
    },
    { at: 2, ...SIGNER_LOG, trace: 't1', fields: { code: 'signed', kms_request: 'k1' } },
    { at: 3, kind: 'aws', trace: 't1', fields: { service: 'kms', action: 'kms:Sign', requestId: 'k1' } },
    { at: 4, ...SIGNER_LOG, trace: 't1', fields: { _aws: {}, Signed: 1 } },
    { at: 5, ...PUBLIC_LOG, trace: 't2', fields: { code: 'signed', kms_request: 'k2' } },
    { at: 6, ...PUBLIC_LOG, fields: { code: 'signed', kms_request: 'k3' } },
  ];
  writeFileSync(join(localLogs, 'trail.log'), trail.map((each) => JSON.stringify(each)).join('\n'));
  const shown = (id: string) => {
    const said: string[] = [];
    showTrace({ localLogs, say: (line: string) => void said.push(line) }, id);
    return said.join('\n').split('\n').slice(1);
  };
  for (const id of ['r1', 'k1', 't1']) expect(shown(id).join(), id).toMatch(/GET|signed|kms/);
  expect(shown('r1')).toHaveLength(3);
  expect(shown('k2')).toHaveLength(1);
  expect(shown('k3')).toHaveLength(1);
  expect(() => shown('r9')).toThrow(coded('config_invalid'));
});
