import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '../client/errors.ts';
import type { CertificateAuthority } from './stand-in/types.ts';

/** What the local system and its functions trust beside Node's own certificates. */
export interface Trust {
  /** PEM file. */
  file: string;
  pem: string;
}

/**
 * The local CA, and what `extraFile` holds (the `NODE_EXTRA_CA_CERTS` of this process: a conformance suite on this machine has a
 * CA of its own). Functions inherit nothing, so what they shall trust is written into one file for them.
 * Throws `local_failed` where `extraFile` can't be read.
 */
export function makeTrust(ca: CertificateAuthority, folder: string, extraFile: string | undefined): Trust {
  if (extraFile === undefined || extraFile === '')
    return { file: ca.certificatePath, pem: ca.certificatePem };
  const pem = `${ca.certificatePem.trimEnd()}\n${readExtra(extraFile)}`;
  const file = join(folder, 'trusted.pem');
  writeFileSync(file, pem, { mode: 0o600 });
  return { file, pem };
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
