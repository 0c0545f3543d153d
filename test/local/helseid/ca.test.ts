import 'reflect-metadata';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import { type AddressInfo, isIP } from 'node:net';
import { join } from 'node:path';
import { type JsonGeneralName, X509CertificateGenerator } from '@peculiar/x509';
import { beforeAll, expect, test } from 'vitest';
import { createCa } from '../../../local/helseid/ca.ts';
import { type KeyAndCert, makeLeaf } from '../../../local/helseid/certificates.ts';
import type { CertificateAuthority } from '../../../local/helseid/types.ts';
import { newFolder } from '../../temporary.ts';

const NOW = new Date();
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
let dir: string;
let ca: CertificateAuthority;
beforeAll(async () => {
  dir = join(newFolder(), 'ca');
  ca = await createCa(dir, NOW);
});

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
  await expect(connect(ca.leaf, 'localhost')).resolves.toBe(200);
  await expect(connect(ca.leaf, 'localhost', null)).rejects.toThrow(/certificate/);
});

/** Status of an answer by a server with that certificate, asked under a name by who trusts `trusted` (null: Node's own). */
async function connect(leaf: KeyAndCert, name: string, trusted: string | null = ca.certificatePem) {
  const server = createServer(leaf, (_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise<number | undefined>((resolve, reject) => {
      const secure = { servername: isIP(name) ? '' : name, checkServerIdentity: () => undefined };
      const options = { host: '127.0.0.1', port, agent: false, ...secure };
      request({ ...options, ...(trusted === null ? {} : { ca: trusted }) }, (response) =>
        resolve(response.resume().statusCode),
      )
        .on('error', reject)
        .end();
    });
  } finally {
    server.close();
  }
}

test.each<[JsonGeneralName['type'], string]>([
  ['dns', 'example.no'],
  ['dns', 'localhost.example.no'],
  ['ip', '192.0.2.1'],
  ['email', 'somebody@example.no'],
  ['url', 'https://example.no/'],
])('who trusts it trusts no certificate that its key signs for the %s %s', async (type, value) => {
  const authority = { key: await readFile(join(dir, 'ca.key'), 'utf8'), cert: ca.certificatePem };
  const good = await makeLeaf(authority, [{ type: 'dns', value: 'localhost' }], NOW, 1);
  await expect(connect(good, 'localhost')).resolves.toBe(200);
  const made = await makeLeaf(authority, [{ type, value }], NOW, 1);
  await expect(connect(made, value)).rejects.toThrow(/permitted subtree violation/);
});

test('one of an earlier version, good for any name, is made anew', async () => {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const cert = await X509CertificateGenerator.createSelfSigned({
    ...{
      name: 'CN=old',
      notBefore: NOW,
      notAfter: new Date(NOW.getTime() + 400 * 24 * 60 * 60 * 1000),
      keys,
    },
    signingAlgorithm: EC,
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const pem = createPrivateKey({ key, type: 'pkcs8', format: 'der' }).export({
    type: 'pkcs8',
    format: 'pem',
  });
  const old = join(dir, 'old');
  await mkdir(old);
  await writeFile(join(old, 'ca.key'), pem);
  await writeFile(join(old, 'ca.crt'), cert.toString('pem'));
  const renewed = await createCa(old, NOW);
  expect(new X509Certificate(renewed.certificatePem).subject).not.toContain('CN=old');
  await expect(connect(renewed.leaf, 'localhost', renewed.certificatePem)).resolves.toBe(200);
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
