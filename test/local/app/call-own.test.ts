import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findRoute, fireSchedule, putSecret } from '../../../local/app/call-own.ts';
import { coded } from '../../coded.ts';
import ownThings from '../../own-things.zones.ts';
import system from '../../two-clients.zones.ts';

/** A local system that answers nothing: whatever is refused is refused before it is asked. */
const running = {
  url: 'http://127.0.0.1:1',
  region: 'eu-north-1',
  declaration: system,
  credentials: { accessKeyId: 'a', secretAccessKey: 's' },
};

describe('what the declaration does not name, also as every object has it, is refused before anything is asked', () => {
  test.each([
    ['nosuch', 'worker/nightly'],
    ['__proto__', 'worker/nightly'],
    ['internal', '__proto__/x'],
    ['internal', 'constructor/name'],
    ['internal', 'worker/toString'],
  ])('%s %s', async (zone, name) => {
    expect(() => fireSchedule(running, { zone, name })).toThrow(coded('local_failed', /has no schedule/));
    await expect(putSecret(running, { zone, name }, 'x')).rejects.toThrow(
      coded('local_failed', /has no secret/),
    );
  });
});

test('a route is found in its zone, and in no other', () => {
  const wanted = { method: 'GET', path: '/summaries/17' };
  expect(findRoute(system, { zone: 'public', ...wanted })).toMatchObject({ path: '/summaries/{id}' });
  for (const zone of ['internal', 'constructor'])
    expect(findRoute(system, { zone, ...wanted })).toBeUndefined();
});

test('a webhook’s secret is put where the guard can use it, and any text of another', async () => {
  const put: string[] = [];
  const aws = createServer(async (request, response) => {
    const { SecretString } = JSON.parse((await request.toArray()).join(''));
    put.push(SecretString);
    response.end('{}');
  });
  await new Promise<void>((listening) => aws.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void aws.close());
  const url = `http://127.0.0.1:${(aws.address() as AddressInfo).port}`;
  const there = { ...running, url, declaration: ownThings };
  const hook = { zone: 'public', name: 'summary/lab' };
  for (const text of ['any text', 'whsec_c2hvcnQ='])
    await expect(putSecret(there, hook, text)).rejects.toThrow(coded('config_invalid', /lab is not whsec_/));
  const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  await putSecret(there, hook, key);
  await putSecret(there, { zone: 'internal', name: 'worker/partner-key' }, 'any text');
  expect(put).toEqual([key, 'any text']);
});
