import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { localCertificate } from '../../../local/helseid/certificate.ts';
import { newFolder } from '../../temporary.ts';

const NOW = new Date();
const dir = join(newFolder(), 'tls');
const made = await localCertificate(dir, NOW);

test('is kept, readable by its owner only', async () => {
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  for (const file of ['localhost.key', 'localhost.crt'])
    expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
  expect(await localCertificate(dir, NOW)).toEqual(made);
  expect(readFileSync(made.path, 'utf8')).toBe(made.cert);
  expect(dirname(made.path)).toBe(dir);
});

test('is for this machine only, and can sign no other', () => {
  const certificate = new X509Certificate(made.cert);
  expect(certificate.ca).toBe(false);
  const names = ['DNS:localhost', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1'];
  expect(certificate.subjectAltName).toBe(names.join(', '));
  expect(certificate.checkHost('example.no')).toBeUndefined();
});

test('TLS clients that trust it connect, others do not', async () => {
  const other = await localCertificate(newFolder());
  await expect(connect(made.cert)).resolves.toBe(200);
  await expect(connect(null)).rejects.toThrow(/certificate/);
  await expect(connect(other.cert)).rejects.toThrow(/certificate/);
});

/** Status of an answer by a server with it, asked by who trusts `trusted` (null: Node's own). */
async function connect(trusted: string | null) {
  const server = createServer(made, (_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const options = { host: '127.0.0.1', port, agent: false, servername: 'localhost' };
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  request({ ...options, ...(trusted === null ? {} : { ca: trusted }) }, (response) =>
    resolve(response.resume().statusCode),
  )
    .on('error', reject)
    .end();
  return promise.finally(() => server.close());
}

test('is made anew when a third of its year is left', async () => {
  const later = (days: number) => new Date(NOW.getTime() + days * 24 * 60 * 60 * 1000);
  expect(await localCertificate(dir, later(240))).toEqual(made);
  expect((await localCertificate(dir, later(250))).cert).not.toBe(made.cert);
});

test.each(['localhost.key', 'localhost.crt'])('a spoilt %s is made anew', async (file) => {
  const before = await localCertificate(dir, NOW);
  writeFileSync(join(dir, file), 'spoilt');
  const after = await localCertificate(dir, NOW);
  expect(after.key).not.toEqual(before.key);
  expect(await localCertificate(dir, NOW)).toEqual(after);
});
