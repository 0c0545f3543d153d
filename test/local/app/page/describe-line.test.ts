import { get } from 'node:http';
import { describe, expect, test } from 'vitest';
import { describeLine } from '../../../../local/app/page/describe-line.ts';
import { createTrail, type TrailLine } from '../../../../local/aws/trail.ts';
import { fakeDeps, NAMES, startFakePage } from './page.ts';

const AT = 'eu-north-1:000000000000';
const line = (kind: TrailLine['kind'], fields: object, more: Partial<TrailLine> = {}): TrailLine => ({
  at: 5,
  kind,
  fields: { ...fields },
  ...more,
});
const call = {
  service: 'kms',
  operation: 'Sign',
  principal: 'arn:aws:sts::000000000000:assumed-role/small-signer-a-public/small-signer-a-public',
  vpce: 'vpce-1',
  action: 'kms:Sign',
  resource: `arn:aws:kms:${AT}:key/of-a`,
};

describe('a line of the trail in words', () => {
  test('a call: who, what, through what, and where on the map', () => {
    expect(describeLine(line('aws', call), NAMES)).toEqual({
      at: 5,
      zone: 'signing',
      who: 'small-signer-a-public',
      tone: 'plain',
      what: 'kms:Sign key/of-a through its endpoint',
      from: 'signing/signer/signer-a-public',
      to: 'signing/key/client%20key/of%20client%20a',
    });
  });

  test('a refused call says so, and an unknown caller belongs outside', () => {
    const { vpce: _, ...open } = call;
    const denied = { principal: 'nobody', error: 'AccessDeniedException', message: 'no' };
    const refused = line('aws', { ...open, ...denied });
    expect(describeLine(refused, NAMES)).toMatchObject({
      zone: 'outside',
      who: 'nobody',
      tone: 'refused',
      what: "kms:Sign key/of-a through AWS's public endpoint: AccessDeniedException",
    });
  });

  test('a signature, a refusal and a metric', () => {
    const more = { zone: 'signing', function: 'small-signer-a-public' };
    const signed = {
      code: 'signed',
      message: 'signed',
      kind: 'dpop_proof',
      target: 'POST https://a',
      kid: 'x'.repeat(43),
    };
    expect(describeLine(line('log', signed, more), NAMES)).toMatchObject({
      zone: 'signing',
      tone: 'done',
      what: 'signed, kind dpop_proof, target POST https://a, key xxxxxxxx',
    });
    const refused = { code: 'refused', level: 'WARN', kinds: ['dpop_proof'], reason: 'grant_refused' };
    expect(describeLine(line('log', refused, more), NAMES)).toMatchObject({
      tone: 'refused',
      what: 'refused, kind dpop_proof, reason grant_refused',
    });
    expect(describeLine(line('log', { _aws: {}, Signed: 1 }, more), NAMES)).toBeUndefined();
  });

  test('an entry, with its place on the map', () => {
    const entry = { entry: 'gateway', method: 'POST', route: '/x', status: 401 };
    expect(describeLine(line('entry', entry, { zone: 'public' }), NAMES)).toEqual({
      at: 5,
      zone: 'public',
      who: 'API Gateway',
      what: 'POST /x: 401',
      tone: 'refused',
      from: 'public/route/GET%20/x/{id},%20POST%20/x',
    });
    const other = { ...entry, route: 'none', status: 403, refused: 'NOT_FOUND' };
    expect(describeLine(line('entry', other, { zone: 'public' }), NAMES)?.from).toBeUndefined();
  });

  test('tells which request it belongs to', () => {
    expect(describeLine({ ...line('aws', call), trace: '1-a-b' }, NAMES)).toMatchObject({ trace: '1-a-b' });
  });

  test('stand-ins and what AWS does itself', () => {
    const standIn = { service: 'helseid', event: 'refused', detail: 'use_dpop_nonce' };
    expect(describeLine(line('stand-in', standIn), NAMES)).toMatchObject({
      zone: 'outside',
      who: 'helseid',
      what: 'challenged: use_dpop_nonce',
      tone: 'plain',
    });
    expect(describeLine(line('stand-in', { ...standIn, detail: 'invalid_dpop_proof' }), NAMES)).toMatchObject(
      { what: 'refused: invalid_dpop_proof', tone: 'refused' },
    );
    const rotation = { event: 'rotation', secret: 's', step: 'createSecret' };
    expect(describeLine(line('platform', rotation), NAMES)).toMatchObject({
      who: 'AWS',
      what: 'rotation, secret s, step createSecret',
      tone: 'plain',
    });
  });
});

test('the stream begins with recent lines, goes on as things happen, and ends with the browser', async () => {
  const trail = createTrail(() => 7);
  trail.add({ kind: 'stand-in', fields: { service: 'helseid', event: 'token', detail: 'before' } });
  const { port } = await startFakePage(fakeDeps({ trail }));
  const events: string[] = [];
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      const check = () => (events.length >= count ? resolve() : setImmediate(check));
      check();
    });
  const request = get({ host: '127.0.0.1', port, path: '/events', headers: { host: `localhost:${port}` } });
  const response = await new Promise<import('node:http').IncomingMessage>((resolve) =>
    request.once('response', resolve),
  );
  response.setEncoding('utf8').on('data', (text: string) => {
    events.push(...text.split('\n\n').filter((part) => part !== ''));
  });
  expect(response.headers['content-type']).toBe('text/event-stream');
  await until(1);
  expect(events[0]).toContain('"what":"token: before"');
  trail.add({ kind: 'aws', fields: { ...call, service: 'secretsmanager', operation: 'PutSecretValue' } });
  await until(2);
  expect(events[1]).toContain('event: line');
  const closed = new Promise((resolve) => response.once('close', resolve));
  request.destroy();
  await closed;
});
