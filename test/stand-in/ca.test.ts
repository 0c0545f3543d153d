import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCa } from '../../local/stand-in/ca.ts';
import type { CertificateAuthority } from '../../local/stand-in/types.ts';

const NOW = new Date();
let dir: string;
let ca: CertificateAuthority;
beforeAll(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'ca-')), 'ca');
  ca = await createCa(dir, NOW);
});
afterAll(() => rm(dir, { recursive: true }));

test('is kept, readable by its owner only', async () => {
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  for (const file of ['ca.key', 'ca.crt', 'localhost.key', 'localhost.crt']) {
    expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600);
  }
  expect(await createCa(dir, NOW)).toEqual(ca);
  expect(await readFile(ca.certificatePath, 'utf8')).toBe(ca.certificatePem);
});

test('the leaf is for this machine only, and the CA can sign no other CA', () => {
  const leaf = new X509Certificate(ca.leaf.cert);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.checkIP('::1')).toBeTruthy();
  expect(leaf.checkHost('example.no')).toBeUndefined();
  expect(new X509Certificate(ca.certificatePem).ca).toBe(true);
});

test('TLS clients that trust it connect, others do not', async () => {
  const server = createServer({ ...ca.leaf }, (_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const get = (trusted?: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ host: 'localhost', port, agent: false, ...(trusted ? { ca: trusted } : {}) }, (response) =>
        resolve(response.resume().statusCode),
      )
        .on('error', reject)
        .end();
    });
  await expect(get(ca.certificatePem)).resolves.toBe(200);
  await expect(get()).rejects.toThrow(/certificate/);
  await new Promise((resolve) => server.close(resolve));
});

test('the leaf is renewed before it expires, the CA much later', async () => {
  const later = (days: number) => new Date(NOW.getTime() + days * 24 * 60 * 60 * 1000);
  expect((await createCa(dir, later(19))).leaf).toEqual(ca.leaf);
  const renewed = await createCa(dir, later(21));
  expect(renewed.leaf).not.toEqual(ca.leaf);
  expect(renewed.certificatePem).toBe(ca.certificatePem);
  expect((await createCa(dir, later(250))).certificatePem).not.toBe(ca.certificatePem);
});

test.each(['ca.key', 'ca.crt', 'localhost.key', 'localhost.crt'])(
  'a spoilt %s is made anew',
  async (file) => {
    const before = await createCa(dir, NOW);
    await writeFile(join(dir, file), 'spoilt');
    const after = await createCa(dir, NOW);
    expect(after.leaf).not.toEqual(before.leaf);
    expect(
      new X509Certificate(after.leaf.cert).verify(new X509Certificate(after.certificatePem).publicKey),
    ).toBe(true);
  },
);
