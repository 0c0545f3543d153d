import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { LocalCertificate } from './certificate.ts';

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
export function makeTrust(
  certificate: LocalCertificate,
  folder: string,
  extraFile: string | undefined,
): string {
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
    throw new ZonesError('local_failed', `NODE_EXTRA_CA_CERTS names ${file}, which can't be read.`, {
      cause,
    });
  }
}
