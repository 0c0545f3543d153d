import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificateAuthority } from './types.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 24 * 60 * 60 * 1000;
const SUBJECT = 'CN=helseid-zones local CA';

/** A key and its certificate, PEM. */
interface KeyAndCert {
  key: string;
  cert: string;
}

/**
 * The certificate authority of the local system, made at first start and kept under `dir` (0700, files 0600). It is
 * valid for a year, a leaf for 30 days; either is renewed when a third of that is left. Only this machine's processes
 * that are pointed at `certificatePath` trust it.
 * Throws what the file system throws.
 */
export async function createCa(dir: string, now: Date = new Date()): Promise<CertificateAuthority> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  const ca = await keepOrMake(dir, 'ca', now, 365, () => makeCa(now));
  const leaf = await keepOrMake(dir, 'localhost', now, 30, () => makeLeaf(ca, now), ca);
  return { certificatePath: join(dir, 'ca.crt'), certificatePem: ca.cert, leaf };
}

async function keepOrMake(
  dir: string,
  name: string,
  now: Date,
  days: number,
  make: () => Promise<KeyAndCert>,
  issuer?: KeyAndCert,
): Promise<KeyAndCert> {
  const files = { key: join(dir, `${name}.key`), cert: join(dir, `${name}.crt`) };
  const kept = await read(files).catch(() => undefined);
  if (kept && isGood(kept, now, days, issuer)) return kept;
  const made = await make();
  await writeSecret(files.key, made.key);
  await writeSecret(files.cert, made.cert);
  return made;
}

async function read(files: KeyAndCert): Promise<KeyAndCert> {
  return { key: await readFile(files.key, 'utf8'), cert: await readFile(files.cert, 'utf8') };
}

function isGood(kept: KeyAndCert, now: Date, days: number, issuer?: KeyAndCert): boolean {
  try {
    const certificate = new X509Certificate(kept.cert);
    return (
      certificate.checkPrivateKey(createPrivateKey(kept.key)) &&
      certificate.verify(new X509Certificate((issuer ?? kept).cert).publicKey) &&
      certificate.validToDate.getTime() - now.getTime() > (days / 3) * DAY
    );
  } catch {
    return false;
  }
}

async function makeCa(now: Date): Promise<KeyAndCert> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  return finish(keys, keys.privateKey, SUBJECT, now, 365, [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ]);
}

async function makeLeaf(ca: KeyAndCert, now: Date): Promise<KeyAndCert> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const der = createPrivateKey(ca.key).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), ALGORITHM, false, [
    'sign',
  ]);
  return finish(keys, signingKey, 'CN=localhost', now, 30, [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension([
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
      { type: 'ip', value: '::1' },
    ]),
  ]);
}

async function finish(
  keys: webcrypto.CryptoKeyPair,
  signingKey: webcrypto.CryptoKey,
  subject: string,
  now: Date,
  days: number,
  extensions: Extension[],
): Promise<KeyAndCert> {
  const certificate = await X509CertificateGenerator.create({
    // The top bit is cleared so that the serial number is positive (RFC 5280 4.1.2.2).
    serialNumber: randomBytes(16).fill(0x41, 0, 1).toString('hex'),
    subject,
    issuer: SUBJECT,
    notBefore: new Date(now.getTime() - DAY),
    notAfter: new Date(now.getTime() + days * DAY),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = pkcs8.match(/.{1,64}/g)?.join('\n') ?? '';
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
    cert: `${certificate.toString('pem')}\n`,
  };
}

/** Written beside and renamed, so that a start cut short leaves no half file. */
async function writeSecret(path: string, text: string) {
  const part = `${path}.part`;
  await writeFile(part, text, { mode: 0o600 });
  await rename(part, path);
}
