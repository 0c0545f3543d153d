import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { KeyAndCert } from '../aws/http.ts';

/** The certificate of everything here that has TLS, and the PEM file with it that clients trust (`NODE_EXTRA_CA_CERTS`). */
export interface LocalCertificate extends KeyAndCert {
  path: string;
}

const DAY = 24 * 60 * 60 * 1000;
const DAYS = 365;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * The certificate of this local system for localhost, 127.0.0.1 and ::1, made at first start and kept under `dir` (0700, files 0600).
 * It vouches for itself and can vouch for no other, so whoever trusts it trusts no further name. It is valid for a year, and made
 * anew when a third of that is left. Throws what the file system throws.
 */
export async function localCertificate(dir: string, now: Date = new Date()): Promise<LocalCertificate> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, 'localhost.crt');
  const keyPath = join(dir, 'localhost.key');
  const kept = readGood(keyPath, path, now);
  if (kept !== undefined) return { ...kept, path };
  const made = await makeCertificate(now);
  // A start cut short leaves two files that don't belong together, or no certificate: both are made anew.
  writeFileSync(keyPath, made.key, { mode: 0o600 });
  writeFileSync(path, made.cert, { mode: 0o600 });
  return { ...made, path };
}

/** The files if they belong together and hold for a while. */
function readGood(keyPath: string, path: string, now: Date): KeyAndCert | undefined {
  try {
    const [key, cert] = [readFileSync(keyPath, 'utf8'), readFileSync(path, 'utf8')];
    const certificate = new X509Certificate(cert);
    const left = certificate.validToDate.getTime() - now.getTime();
    const good = certificate.checkPrivateKey(createPrivateKey(key)) && left > (DAYS / 3) * DAY;
    return good ? { key, cert } : undefined;
  } catch {
    return undefined;
  }
}

async function makeCertificate(now: Date): Promise<KeyAndCert> {
  // Loaded only on the days when there is one to make.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // A first byte below 0x80 keeps the number positive (RFC 5280 4.1.2.2).
    serialNumber: randomBytes(16).fill(0x41, 0, 1).toString('hex'),
    // A name of its own: who trusts two local systems would else try the wrong one's key.
    name: `CN=helseid-zones ${randomBytes(8).toString('hex')}`,
    notBefore: new Date(now.getTime() - DAY),
    notAfter: new Date(now.getTime() + DAYS * DAY),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, type: 'pkcs8', format: 'der' });
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key: pem, cert: `${certificate.toString('pem')}\n` };
}

/**
 * Has this process trust the local certificate beside Node's own: it began before there was one, and Node reads `NODE_EXTRA_CA_CERTS`
 * only once.
 */
export function trustHere({ cert }: LocalCertificate): void {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), cert]);
}

/**
 * The PEM file with what functions trust beside Node's own: the local certificate, and what `extraFile` holds (the `NODE_EXTRA_CA_CERTS` of this process: a conformance suite on this machine has a
 * CA of its own). Functions inherit nothing, so what they shall trust is written into one file for them.
 * @throws {ZonesError} local_failed: `extraFile` can't be read
 */
export function makeTrust(certificate: LocalCertificate, folder: string, extraFile: string | undefined) {
  if (extraFile === undefined || extraFile === '') return certificate.path;
  const pem = `${certificate.cert.trimEnd()}\n${readExtra(extraFile)}`;
  const file = join(folder, 'trusted.pem');
  writeFileSync(file, pem, { mode: 0o600 });
  return file;
}

function readExtra(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `NODE_EXTRA_CA_CERTS names ${file}, which can't be read.`;
    throw new ZonesError('local_failed', message, { cause });
  }
}
