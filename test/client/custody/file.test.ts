import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { addKey, type Custody, openCustody, switchKey } from '@helseid-zones/client/custody';

import type { Intent } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { calculateJwkThumbprint, compactVerify, exportJWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { newFolder } from '../../temporary.ts';
import { failure } from '../make-client.ts';

const PASSPHRASE = 'QmFzZTY0IG9mIHJhbmRvbSBieXRlcw';
const SUBJECT = {
  clientId: 'c-1',
  issuer: 'https://sts.test',
  tenancy: 'single-tenant',
  profile: helseIdProfile,
} as const;
const ASSERTION = { kind: 'client_assertion', client: 'journal', issuer: SUBJECT.issuer } as const;

const newFile = () => join(newFolder(), 'key.pem');

function open(path: string, change: Partial<Parameters<typeof openCustody>[0]> = {}): Promise<Custody> {
  return openCustody({
    ...{ uri: pathToFileURL(path).href, zone: 'surgery', client: 'journal', subject: SUBJECT },
    ...{ algorithm: 'ES256', passphrase: () => PASSPHRASE, ...change },
  });
}

async function openNew(path = newFile()) {
  const custody = await open(path);
  await custody.change((ring) => addKey(ring, 'ES256'));
  return { path, custody };
}

const signedBy = async (custody: Custody) => (await custody.signer.sign([ASSERTION]))[0]?.kid;

describe('keys in a file', () => {
  test('are encrypted, for this user alone, and OpenSSL opens them', async () => {
    const { path, custody } = await openNew();
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('BEGIN ENCRYPTED PRIVATE KEY');
    expect(text).not.toMatch(/BEGIN (EC )?PRIVATE KEY/);
    expect(execFileSync('stat', ['-c', '%a', path], { encoding: 'utf8' })).toBe('600\n');
    const openssl = ['pkey', '-in', path, '-passin', `pass:${PASSPHRASE}`, '-pubout'];
    const key = createPublicKey(execFileSync('openssl', openssl, { encoding: 'utf8' }));
    const [signature] = await custody.signer.sign([ASSERTION]);
    await compactVerify(signature?.jws ?? '', key, { algorithms: ['ES256'] });
    expect(signature?.kid).toBe(await calculateJwkThumbprint(await exportJWK(key)));
  });

  test('that openssl genpkey made are taken as they are', async () => {
    const path = newFile();
    const make = ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384', '-aes256'];
    execFileSync('openssl', [...make, '-pass', `pass:${PASSPHRASE}`, '-out', path], { stdio: 'ignore' });
    chmodSync(path, 0o600);
    const [key] = await (await open(path)).publicKeys();
    expect(key).toMatchObject({ algorithm: 'ES384', jwk: { crv: 'P-384' } });
  });

  test.each([
    [0o640, '', false],
    [0o604, '', false],
    [0o620, '', false],
    [0o600, '', true],
    [0o400, '', true],
    [0o440, '?mode=440', true],
    [0o444, '?mode=440', false],
  ])('with mode %o and %s are used: %s', async (mode, query, used) => {
    const { path } = await openNew();
    chmodSync(path, mode);
    const custody = await open(path, { uri: pathToFileURL(path).href + query });
    if (used) expect(await signedBy(custody)).toBeDefined();
    else await failure(custody.signer.sign([ASSERTION]), 'custody_refused');
  });

  test('are read again when another file takes their place', async () => {
    const { path, custody } = await openNew();
    const before = await signedBy(custody);
    const other = await openNew(`${path}.other`);
    const after = await signedBy(other.custody);
    renameSync(other.path, path);
    expect([before, await signedBy(custody)]).toEqual([expect.not.stringMatching(after ?? ''), after]);
  });

  test('mounted as a Kubernetes secret are seen when its link is swapped, and are not written', async () => {
    const folder = newFolder();
    const keys = ['v1', 'v2'].map((version) => {
      mkdirSync(join(folder, `..${version}`));
      return join(folder, `..${version}`, 'key.pem');
    });
    for (const key of keys) await openNew(key);
    symlinkSync('..v1', join(folder, '..data'));
    symlinkSync('..data/key.pem', join(folder, 'key.pem'));
    const custody = await open(join(folder, 'key.pem'));
    const before = await signedBy(custody);
    symlinkSync('..v2', join(folder, '..tmp'));
    renameSync(join(folder, '..tmp'), join(folder, '..data'));
    expect(await signedBy(custody)).not.toBe(before);
    await failure(
      custody.change((ring) => addKey(ring, 'ES256')),
      'custody_refused',
    );
  });

  test('are changed whole or not at all, and nothing is left beside them', async () => {
    const { path, custody } = await openNew();
    const before = readFileSync(path, 'utf8');
    await expect(
      custody.change(() => {
        throw new Error('in between');
      }),
    ).rejects.toThrow();
    expect(readFileSync(path, 'utf8')).toBe(before);
    await custody.change((ring) => ring);
    expect(readFileSync(path, 'utf8')).toBe(before);
    await custody.change((ring) => addKey(ring, 'ES256'));
    expect(readdirSync(join(path, '..'))).toEqual(['key.pem']);
  });

  test('that another process changes are not changed; a dead one holds nobody up', async () => {
    const { path, custody } = await openNew();
    writeFileSync(`${path}.lock`, String(process.pid));
    await failure(
      custody.change((ring) => addKey(ring, 'ES256')),
      'custody_unavailable',
    );
    expect(await signedBy(custody)).toBeDefined();
    const dead = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
    writeFileSync(`${path}.lock`, String(dead));
    expect((await custody.change((ring) => addKey(ring, 'ES256'))).keys).toHaveLength(2);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test.each([
    ['another passphrase', { passphrase: (): string => `${PASSPHRASE}x` }, 'custody_refused'],
    ['no passphrase', { passphrase: (): string => '' }, 'custody_refused'],
    ['another zone', { zone: 'hospital' }, 'custody_shared'],
    ['another client', { client: 'other' }, 'custody_shared'],
    ['another registration', { subject: { ...SUBJECT, clientId: 'c-2' } }, 'custody_shared'],
    ['another issuer', { subject: { ...SUBJECT, issuer: 'https://other.test' } }, 'custody_shared'],
  ] as const)('are refused to %s', async (_, change, code) => {
    const { path } = await openNew();
    const error = await failure(
      open(path, change).then((custody) => custody.publicKeys()),
      code,
    );
    expect(error.message).not.toContain(PASSPHRASE);
  });

  test('a second zone is told the rule and the remedy', async () => {
    const { path } = await openNew();
    const custody = await open(path, { zone: 'hospital' });
    await expect(custody.publicKeys()).rejects.toThrow(
      /surgery and hospital.*"Use of Client Secrets".*awskms:/,
    );
  });

  test.each([
    ['nothing of the kind', () => 'hello'],
    ['a key in the clear', (_: string) => generateKey()],
    ['a cut key', (text: string) => text.replace(/^(-----BEGIN.*\n.*\n).*\n/m, '$1')],
    ['two current keys', (text: string) => text + text.replace(/^client[\s\S]*?\n\n/, '')],
    ['another kid', (text: string) => text.replace(/^kid: .*$/m, `kid: ${'A'.repeat(43)}`)],
    ['an unknown state', (text: string) => text.replace('state: current', 'state: retired')],
    ['RS256', (text: string) => text.replace('algorithm: ES256', 'algorithm: RS256')],
  ])('that are %s are refused, and their text is not repeated', async (_, change) => {
    const { path, custody } = await openNew();
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    const error = await failure(custody.publicKeys(), 'custody_refused');
    expect(`${error.message}${error.cause}`).not.toMatch(/BEGIN|hello/);
  });

  test('a short passphrase encrypts nothing', async () => {
    const path = newFile();
    const custody = await open(path, { passphrase: () => 'correct horse' });
    await failure(
      custody.change((ring) => addKey(ring, 'ES256')),
      'custody_refused',
    );
    expect(existsSync(path)).toBe(false);
  });
});

describe('a key that was replaced', () => {
  test('signs proofs for its tokens until their time is over, and is then gone', async () => {
    let now = 1_790_000_000;
    const path = newFile();
    const custody = await open(path, { now: () => now * 1000 });
    await custody.change((ring) => addKey(ring, 'ES256'));
    const old = (await signedBy(custody)) ?? '';
    const ring = await custody.change((before) => addKey(before, 'ES256'));
    const next = ring.keys[1]?.kid ?? '';
    expect(await signedBy(custody)).toBe(old);
    expect((await custody.signer.sign([{ ...ASSERTION, key: 'newest' }]))[0]?.kid).toBe(next);
    await custody.change((before) => switchKey(before, next, now, now + 3600));
    expect(await signedBy(custody)).toBe(next);
    const proof: Intent = {
      ...{ kind: 'dpop_proof', client: 'journal', method: 'GET', url: 'https://api.test/' },
      ...{ kid: old, ath: 'A'.repeat(43) },
    };
    expect((await custody.signer.sign([proof]))[0]?.kid).toBe(old);
    now += 3600;
    await failure(custody.signer.sign([proof]), 'key_unknown');
    const third = (await custody.change((before) => addKey(before, 'ES256'))).keys.at(-1)?.kid ?? '';
    const after = await custody.change((before) => switchKey(before, third, now, now + 3600));
    expect(after.keys.map(({ kid }) => kid)).toEqual([third, next]);
  });
});

function generateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
