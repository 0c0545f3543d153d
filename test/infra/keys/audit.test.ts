import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { showTrace } from '../../../infra/keys/audit.ts';
import { lookUpLines } from '../../../infra/keys/connect.ts';
import { readKeyOptions } from '../../../infra/keys/options.ts';
import { isRecord, reconcile } from '../../../infra/keys/reconcile.ts';
import { type FileRead, readRecords } from '../../../infra/keys/records.ts';
import { createLive } from '../../../infra/verify/live.ts';
import { coded } from '../../coded.ts';
import { CREDENTIALS, createFakeAws } from '../../fakes/aws.ts';
import { full } from '../../full.ts';
import { newFolder } from '../../temporary.ts';

const KEY = 'arn:aws:kms:eu-north-1:111122223333:key/1';
const KEYS = new Map([
  [KEY, { kid: 'k', signers: ['journal-signer-journal-internal', 'journal-signer-journal-public'] }],
]);
const LATER = '2026-11-30T10:01:00Z';
const SIGNER = 'arn:aws:sts::111122223333:assumed-role/journal-signer-journal-internal/s';

/** As CloudTrail's user guide has an event of KMS. */
const event = (requestID: string, more: object = {}) => ({
  eventVersion: '1.11',
  eventSource: 'kms.amazonaws.com',
  eventName: 'Sign',
  requestID,
  eventTime: '2026-11-30T10:00:00Z',
  awsRegion: 'eu-north-1',
  sourceIPAddress: '10.30.0.5',
  userIdentity: { type: 'AssumedRole', arn: SIGNER },
  vpcEndpointId: 'vpce-1',
  resources: [{ accountId: '111122223333', type: 'AWS::KMS::Key', ARN: KEY }],
  ...more,
});
const line = (kms_request: string | undefined, more: object = {}) => ({
  level: 'FATAL',
  timestamp: '2026-11-30T10:00:00.100Z',
  service: 'journal',
  zone: 'internal',
  code: 'signed',
  client: 'journal',
  kid: 'k',
  kms_request,
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
  const signedBy = (was: string, is: string) => event('a', by(SIGNER.replace(was, is)));
  const AMONG = [null, {}, { ARN: 'arn:x' }, { ARN: KEY }];
  const ASKED = { resources: null, requestParameters: { keyId: KEY } };
  test.each<[string, unknown[], unknown[]]>([
    ['a signature in both', [event('a'), line('a')], [1, 0, [], [], []]],
    ['a signature that no signer tells of', [event('a'), line('a'), event('b')], [1, 0, [], ['b'], []]],
    ['a line without a signature', [event('a'), line('a'), line('b')], [1, 0, [], [], ['b']]],
    ['a line without an id', [event('a'), line('a'), line(undefined)], [1, 0, [], [], [undefined]]],
    ['an event without', [event('a', { requestID: null }), line(undefined)], [0, 0, [], [null], [undefined]]],
    ['two lines of one signature', [event('a'), line('a'), line('a')], [1, 0, [], [], ['a']]],
    ['two events of one id', [event('a'), event('a'), line('a')], [1, 0, [], ['a'], []]],
    ['a signature that was not released', [event('a'), withheld], [0, 1, [], [], []]],
    ['a line of another key', [event('a'), line('a', { kid: 'other' })], [0, 0, [], ['a'], ['a']]],
    ['a line of another time', [event('a'), line('a', { timestamp: '1999' })], [0, 0, [], ['a'], ['a']]],
    ['two that one line says nobody got', [event('a'), event('a'), withheld], [0, 1, [], ['a'], []]],
    ['another zone’s, not released', [event('a'), { ...withheld, zone: 'nowhere' }], [0, 0, [], ['a'], []]],
    ['another key’s line, not released', [event('a'), { ...withheld, kids: ['x'] }], [0, 0, [], ['a'], []]],
    ['another minute, not released', [event('a'), { ...withheld, timestamp: LATER }], [0, 0, [], ['a'], []]],
    ['a line that names another zone', [event('a'), line('a', { zone: 'x' })], [0, 0, [], ['a'], ['a']]],
    ['another signer of the key', [signedBy('internal', 'public'), line('a')], [0, 0, [], ['a'], ['a']]],
    ['another account', [signedBy('1111', '9999'), line('a')], [0, 0, ['a'], [], ['a']]],
    ['another partition', [signedBy('aws', 'aws-cn'), line('a')], [0, 0, ['a'], [], ['a']]],
    ['another time, not released', [event('a'), { ...withheld, timestamp: 't' }], [0, 0, [], ['a'], []]],
    ['another role, told of', [signedBy('internal', 'x'), line('a')], [0, 0, ['a'], [], ['a']]],
    ['a user, not released', [event('a', by('arn:aws:iam::1:user/u')), withheld], [0, 0, ['a'], [], []]],
    ['nobody', [event('a', { userIdentity: null }), line('a')], [0, 0, ['a'], [], ['a']]],
    ['no identity', [event('a', { userIdentity: undefined }), line('a')], [0, 0, ['a'], [], ['a']]],
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

  describe('of attempts whose answers were lost', () => {
    const at = (time: string) => `2026-11-30T10:00:${time}Z`;
    const sign = (id: string, time: string, more: object = {}) => event(id, { eventTime: at(time), ...more });
    const lost = (kms_lost: number, time: string, more: object = {}) =>
      line('a', { kms_lost, timestamp: at(time), ...more });
    const failed = { code: 'failed', kid: undefined, kids: ['k'], kms_request: undefined };
    const lostIn = (...records: unknown[]) => {
      const found = reconcile(records, KEYS, 'journal');
      return [found.lost, found.unaudited.map(({ requestID }) => requestID)];
    };
    const a = sign('a', '20');
    test.each<[string, unknown[], [number, string[]]]>([
      ['takes one that its line counts', [a, sign('x', '19'), lost(1, '20')], [1, []]],
      ['takes one that KMS was still at', [a, sign('x', '22'), lost(1, '20')], [1, []]],
      ['takes no more than are counted', [a, sign('x', '19'), sign('y', '19'), lost(1, '20')], [1, ['y']]],
      ['takes two that are counted', [a, sign('x', '19'), sign('y', '19'), lost(2, '20')], [2, []]],
      ['takes those of a failed call', [sign('x', '19'), sign('y', '21'), lost(3, '20', failed)], [2, []]],
      ['takes those of a long call', [a, sign('x', '01'), lost(1, '30', { kms_ms: 25_000 })], [1, []]],
      [
        'takes no more than a signer can lose for one signature',
        [a, ...['w', 'x', 'y'].map((id) => sign(id, '19')), lost(1e9, '20')],
        [2, ['y']],
      ],
      [
        'takes no more than a signer can lose for a request',
        [...Array.from({ length: 25 }, (_, id) => sign(`${id}`, '19')), lost(1e9, '20', failed)],
        [24, ['24']],
      ],
      ['takes none from before', [a, sign('x', '01'), lost(1, '20')], [0, ['x']]],
      ['takes none from after', [a, sign('x', '31'), lost(1, '20')], [0, ['x']]],
      ['takes none of a line without its own signature', [sign('x', '19'), lost(1, '20')], [0, ['x']]],
      [
        'takes none of another signer',
        [a, sign('x', '19', by(SIGNER.replace('internal', 'public'))), lost(1, '20')],
        [0, ['x']],
      ],
      ['takes none of another key', [sign('x', '19'), lost(1, '20', { ...failed, kids: ['y'] })], [0, ['x']]],
      [
        'counts a line in two files once',
        [sign('x', '19'), sign('y', '19'), ...Array(2).fill(lost(1, '20', failed))],
        [1, ['y']],
      ],
      ['takes none without a time', [a, sign('x', 'x'), lost(1, '20')], [0, ['x']]],
      [
        'takes for each call what leaves most for the others',
        [sign('x', '24'), sign('y', '12'), lost(1, '20', failed), lost(1, '30', failed)],
        [2, []],
      ],
    ])('%s', (_, records, expected) => {
      expect(lostIn(...records)).toEqual(expected);
      expect(lostIn(...records.toReversed())[0]).toEqual(expected[0]);
    });
    test('but never one by another role, or not through an endpoint', () => {
      const outside = sign('x', '19', { vpcEndpointId: null });
      const found = foundIn([a, outside, sign('y', '19', by('arn:x')), lost(2, '20')]);
      expect(found).toEqual([1, 0, ['x', 'y'], [], []]);
    });
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

/** What a file's records come to, and how many of its parts are none. */
const readFile = (content: string | Uint8Array) => {
  const file = join(newFolder(), 'trail.json');
  writeFileSync(file, content);
  const read: FileRead[] = [];
  const found = foundIn(readRecords([file], isRecord, (each) => void read.push(each)));
  return { ids: found[3], missed: read[0]?.missed, first: read[0]?.first };
};

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
  const read: FileRead[] = [];
  expect(foundIn(readRecords(files, isRecord, (file) => void read.push(file)))).toEqual([3, 0, [], [], []]);
  expect(read.map((of) => of.records)).toEqual([2, 1, 1, 1, 1]);
  expect(read.filter(({ missed }) => missed > 0)).toEqual([]);
});

/** As Athena has it. */
const lowered = (value: object) =>
  Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));
const wrapped = (message: unknown) => json({ events: [{ timestamp: 1, message }], searchedLogStreams: [] });

test.each<[string, string, string[], number]>([
  ['a byte order mark', `\uFEFF${records(a)}`, ['a'], 0],
  ['two documents in one file', `${records(a)}\n${records(b)}`, ['a', 'b'], 0],
  [
    'what lookup-events prints',
    json({ Events: [{ Resources: [{ ResourceName: KEY }], CloudTrailEvent: json(a) }] }),
    ['a'],
    0,
  ],
  ['an array', json([a, b]), ['a', 'b'], 0],
  ['one event over several lines', json(a, 2), ['a'], 0],
  ['an event of EventBridge', json({ 'detail-type': 'x', resources: [], detail: a }), ['a'], 0],
  ['what CloudTrail Lake keeps', json([{ eventData: a }]), ['a'], 0],
  ['what a subscription delivers', json({ logEvents: [{ id: '1', message: json(a) }] }), ['a'], 0],
  ['an event that looks like a wrapper', json({ ...a, Records: [], message: '{}' }), ['a'], 0],
  ['nothing', '', [], 0],
  ['no events of CloudTrail', json({ Events: [], NextToken: 'x' }), [], 0],
  ['no events of CloudWatch', json({ events: [], searchedLogStreams: [] }), [], 0],
  ['the try of an export', 'Permission Check Successful', [], 0],
  [
    'lines of Lambda alone',
    [
      'INIT_START Runtime Version: nodejs:24.v1\tRuntime Version ARN: arn:x',
      'START RequestId: 1 Version: $LATEST',
      '2026-11-30T10:00:00.100Z END RequestId: 1',
      'REPORT RequestId: 1\tDuration: 2 ms\tStatus: timeout',
      'XRAY TraceId: 1-2-3\tSegmentId: 4',
      '2026-11-30T10:00:10.100Z 1-2 Task timed out after 10.01 seconds',
      'RequestId: 1-2 Error: Runtime exited with error: signal: killed',
      json({ time: 't', type: 'platform.start', record: {} }),
      '2026-11-30T10:00:00.100Z\t1-2\tERROR\tInvoke Error \t{"errorType":"Error","errorMessage":"x","stack":[]}',
    ].join('\n'),
    [],
    0,
  ],
  [
    'metrics and other lines',
    `${json({ _aws: {} })}\n${json(line('a', { code: 'KEY_CREATED', message: 'm' }))}`,
    [],
    0,
  ],

  [
    'two events over several lines, one after the other',
    `${json({ detail: 1 }, 2)}\n${json({ detail: 1 }, 2)}`,
    [],
    6,
  ],
  ['a document that was cut off', records(a).slice(0, -5), [], 1],
  ['an event that was cut off', json({ Events: [{ CloudTrailEvent: '{"eventS' }] }), [], 1],
  ['lower-case names', `${json(a)}\n${json(lowered(b))}`, ['a'], 1],
  ['rows of a query', json({ QueryResultRows: [[{ eventName: 'Sign' }]] }), [], 1],
  ['columns of a table', 'eventsource,eventname\nkms.amazonaws.com,Sign', [], 2],
  ['events beside others', json({ Records: [a], More: [b] }), ['a'], 1],
  ['a line of another shape', json(line('a', { kms_request: 12 })), [], 1],
  ['messages that are nothing known', wrapped('something else'), [], 1],
  ['a number', '17', [], 1],
  ['no text', json({ Records: [null, true, {}] }), [], 3],
  ['very much in each other', '['.repeat(200_000) + ']'.repeat(200_000), [], 1],
  ['messages in each other', Array.from({ length: 12 }).reduce<string>(wrapped, '{}'), [], 1],
])('a file with %s is read, or what is not in it counted', (_, content, ids, missed) => {
  const read = readFile(content);
  expect([read.ids, read.missed]).toEqual([ids, missed]);
});

test('of what is not understood names of members are told, and how it begins, on one line', () => {
  expect(readFile(json(lowered(a))).first).toMatch(/^\{ eventversion, eventsource, eventname, /);
  expect(readFile(`no such\nline ${'x'.repeat(1000)}`).first).toBe('no such');
});

test('one event in two files counts once by its id, and two of one id that differ twice', () => {
  const twice = event('a', { eventID: 'e' });
  expect(foundIn([twice, line('a'), { ...twice }])).toEqual([1, 0, [], [], []]);
  expect(foundIn([twice, line('a'), { ...twice, requestID: 'b' }])).toEqual([1, 0, [], ['b'], []]);
});

test.each<[string, string | Uint8Array]>([
  ['of UTF-16', Buffer.from(JSON.stringify(a), 'utf16le')],
  ['packed twice', gzipSync(gzipSync('{}'))],
  ['that is no gzip', Uint8Array.of(0x1f, 0x8b, 1, 2)],
])('a file %s is refused', (_, content) => {
  const file = join(newFolder(), 'trail.json');
  writeFileSync(file, content);
  expect(() => [...readRecords([file], isRecord)]).toThrow(coded('config_invalid'));
});

test('a file that is not there is refused', () => {
  const missing = join(newFolder(), 'missing');
  expect(() => [...readRecords([missing], isRecord)]).toThrow(coded('config_invalid'));
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
      at: 1,
      kind: 'entry',
      zone: 'public',
      trace: 't1',
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

describe('lines of a log group', () => {
  const page = (message: string, nextToken?: string) => ({ events: [{ message }], nextToken });
  const look = async (...answers: object[]) => {
    const fake = createFakeAws('logs', 'eu-north-1');
    fake.answers = answers.map(
      (answer) => () => Response.json(answer, 'events' in answer ? {} : { status: 400 }),
    );
    const live = createLive({
      region: 'eu-north-1',
      credentials: CREDENTIALS,
      endpoint: 'https://logs.example.no',
      fetch: (url, init) => fake.handle(new Request(url, init)),
    });
    const lines = await lookUpLines(live, '/log', 'messageId', ['a', 'b'], 5);
    return { lines, asked: fake.requests.map(({ body }) => JSON.parse(body)) };
  };

  test('are those of every page, also behind an empty one', async () => {
    const { lines, asked } = await look(page('1', 'p'), { events: [], nextToken: 'q' }, page('2'));
    expect(lines).toEqual(['1', '2']);
    const filterPattern = '{ ($.messageId = "a") || ($.messageId = "b") }';
    const first = { logGroupName: '/log', startTime: 5, filterPattern };
    expect(asked).toEqual([first, { ...first, nextToken: 'p' }, { ...first, nextToken: 'q' }]);
  });

  test('are none where CloudWatch refuses', async () => {
    expect((await look({ __type: 'AccessDeniedException' })).lines).toEqual([]);
  });
});
