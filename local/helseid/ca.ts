import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonGeneralNames } from '@peculiar/x509';
import type { KeyAndCert } from './certificates.ts';
import type { CertificateAuthority } from './types.ts';

const DAY = 24 * 60 * 60 * 1000;
const AUTHORITY_DAYS = 365;
const LEAF_DAYS = 30;
const LEAF_NAMES: JsonGeneralNames = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
  { type: 'ip', value: '::1' },
];
/** Whoever trusts the authority trusts it for these names and no others. One of an earlier version had fewer, and is replaced. */
const NAME_CONSTRAINTS = loopbackOnly();

/**
 * The certificate authority of the local system, made at first start and kept under `dir` (0700, files 0600). It is
 * valid for a year, a leaf for 30 days; either is renewed when a third of that is left. Only this machine's processes
 * that are pointed at `certificatePath` trust it.
 * Throws what the file system throws.
 */
export async function createCa(dir: string, now: Date = new Date()): Promise<CertificateAuthority> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  // The library that makes certificates is loaded only on the days when there is one to make.
  const authority =
    (await readGood(dir, 'ca', now, AUTHORITY_DAYS)) ??
    (await keep(
      dir,
      'ca',
      (await import('./certificates.ts')).makeAuthority(now, AUTHORITY_DAYS, NAME_CONSTRAINTS),
    ));
  const leaf =
    (await readGood(dir, 'localhost', now, LEAF_DAYS, authority)) ??
    (await keep(
      dir,
      'localhost',
      (await import('./certificates.ts')).makeLeaf(authority, LEAF_NAMES, now, LEAF_DAYS),
    ));
  return { certificatePath: filesOf(dir, 'ca').cert, certificatePem: authority.cert, leaf };
}

/**
 * `NameConstraints` in DER (RFC 5280 4.2.1.10): permitted are localhost with what is below it, 127.0.0.0/8 and ::1. Mail addresses
 * and URIs are held to localhost too, since a kind that is not named is not constrained.
 */
function loopbackOnly(): Uint8Array<ArrayBuffer> {
  const tlv = (tag: number, content: readonly number[]) => [tag, content.length, ...content];
  const [mail, dns, uri, ip] = [0x81, 0x82, 0x86, 0x87];
  const localhost = [...Buffer.from('localhost')];
  const names = [
    ...[dns, mail, uri].map((kind) => tlv(kind, localhost)),
    tlv(ip, [127, 0, 0, 0, 255, 0, 0, 0]),
    tlv(ip, [...Array(15).fill(0), 1, ...Array(16).fill(255)]),
  ];
  const permitted = names.flatMap((name) => tlv(0x30, name));
  return Uint8Array.from(tlv(0x30, tlv(0xa0, permitted)));
}

function filesOf(dir: string, name: string): { key: string; cert: string } {
  return { key: join(dir, `${name}.key`), cert: join(dir, `${name}.crt`) };
}

/** The files if they belong together, were signed by `issuer` (or by themselves), and hold for a while. */
async function readGood(
  dir: string,
  name: string,
  now: Date,
  days: number,
  issuer?: KeyAndCert,
): Promise<KeyAndCert | undefined> {
  const files = filesOf(dir, name);
  try {
    const kept = { key: await readFile(files.key, 'utf8'), cert: await readFile(files.cert, 'utf8') };
    const certificate = new X509Certificate(kept.cert);
    const good =
      certificate.checkPrivateKey(createPrivateKey(kept.key)) &&
      (issuer !== undefined || certificate.raw.includes(Buffer.from(NAME_CONSTRAINTS))) &&
      certificate.verify(new X509Certificate((issuer ?? kept).cert).publicKey) &&
      certificate.validToDate.getTime() - now.getTime() > (days / 3) * DAY;
    return good ? kept : undefined;
  } catch {
    return undefined;
  }
}

async function keep(dir: string, name: string, making: Promise<KeyAndCert>): Promise<KeyAndCert> {
  const made = await making;
  const files = filesOf(dir, name);
  await writeSecret(files.key, made.key);
  await writeSecret(files.cert, made.cert);
  return made;
}

/** Written beside and renamed, so that a start cut short leaves no half file. */
async function writeSecret(path: string, text: string) {
  const part = `${path}.part`;
  await writeFile(part, text, { mode: 0o600 });
  await rename(part, path);
}
