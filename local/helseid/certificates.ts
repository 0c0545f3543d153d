import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A key and its certificate, PEM. */
export interface KeyAndCert {
  key: string;
  cert: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Name constraints. */
const NAME_CONSTRAINTS = '2.5.29.30';
const DAY = 24 * 60 * 60 * 1000;

/** A certificate authority that can sign leaf certificates and no other authority (RFC 5280 4.2.1.9), for the names of `nameConstraints` (DER, RFC 5280 4.2.1.10) alone. */
export async function makeAuthority(
  now: Date,
  days: number,
  nameConstraints: Uint8Array<ArrayBuffer>,
): Promise<KeyAndCert> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  // A name of its own: who trusts two local systems would else try the wrong one's key (RFC 5280 4.1.2.4).
  const name = `CN=helseid-zones local CA ${randomBytes(8).toString('hex')}`;
  return finish(keys, keys.privateKey, { subject: name, issuer: name }, now, days, [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    new Extension(NAME_CONSTRAINTS, true, nameConstraints),
  ]);
}

/** A server certificate for these names. Clients refuse it for one that the authority is not for. */
export async function makeLeaf(
  authority: KeyAndCert,
  names: JsonGeneralNames,
  now: Date,
  days: number,
): Promise<KeyAndCert> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const der = createPrivateKey(authority.key).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), ALGORITHM, false, [
    'sign',
  ]);
  const { subject: issuer } = new X509Certificate(authority.cert);
  return finish(keys, signingKey, { subject: 'CN=localhost', issuer }, now, days, [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(names),
  ]);
}

async function finish(
  keys: webcrypto.CryptoKeyPair,
  signingKey: webcrypto.CryptoKey,
  names: { subject: string; issuer: string },
  now: Date,
  days: number,
  extensions: Extension[],
): Promise<KeyAndCert> {
  const certificate = await X509CertificateGenerator.create({
    // A first byte below 0x80 keeps the number positive (RFC 5280 4.1.2.2).
    serialNumber: randomBytes(16).fill(0x41, 0, 1).toString('hex'),
    ...names,
    notBefore: new Date(now.getTime() - DAY),
    notAfter: new Date(now.getTime() + days * DAY),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, type: 'pkcs8', format: 'der' }).export({
    type: 'pkcs8',
    format: 'pem',
  });
  return { key: String(key), cert: `${certificate.toString('pem')}\n` };
}
