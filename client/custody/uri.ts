import { fileURLToPath } from 'node:url';
import { CUSTODY_SCHEMES, type CustodyScheme } from '@helseid-zones/protocol/custody';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** What the URI of a custody says. */
export interface CustodyUri {
  scheme: CustodyScheme;
  /** `file:`: the path. `awskms:`, `secretsmanager:`: ARNs, with commas between. Otherwise the URI as it is. */
  place: string;
  /** `file:`: the permissions that the file may have at most. */
  mode: number;
}

const ARNS = {
  'awskms:': /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
  'secretsmanager:': /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/,
};

/** Owner and group at most; others never. */
const MODES: Readonly<Record<string, number>> = { 600: 0o600, 400: 0o400, 640: 0o640, 440: 0o440 };

/**
 * Reads the URI of a custody. No secret stands in one: it would end in logs and process lists.
 * @throws {ZonesError} custody_refused: another scheme, a place that is none, a password in it; the message repeats none of it
 */
export function parseCustodyUri(text: string): CustodyUri {
  const scheme = CUSTODY_SCHEMES.find((each) => text.startsWith(each));
  if (!scheme) throw refused(`must begin with one of ${CUSTODY_SCHEMES.join(', ')}`);
  // RFC 7512 has a grammar of its own.
  if (scheme === 'pkcs11:') return { scheme, place: text, mode: 0 };
  if (!URL.canParse(text)) throw refused('is no URI');
  const url = new URL(text);
  if (url.password !== '') throw refused('holds a password; give it by the environment or a passfile');
  if (scheme === 'postgres:') return { scheme, place: text, mode: 0 };
  if (scheme === 'file:') return readFileUri(url);
  const place = decodeURIComponent(url.pathname.slice(1));
  if (url.host !== '' || url.search !== '' || !place.split(',').every((arn) => ARNS[scheme].test(arn)))
    throw refused(`must be ${scheme}/// and an ARN`);
  return { scheme, place, mode: 0 };
}

function readFileUri(url: URL): CustodyUri {
  const { mode = '600', ...others } = Object.fromEntries(url.searchParams);
  const most = MODES[mode];
  if (most === undefined || Object.keys(others).length > 0)
    throw refused(`may have ?mode= and nothing else, one of ${Object.keys(MODES).join(', ')}`);
  if (url.host !== '') throw refused('must be a file of this machine: file:///PATH');
  return { scheme: 'file:', place: fileURLToPath(url), mode: most };
}

function refused(why: string): ZonesError {
  return new ZonesError('custody_refused', `The custody's URI ${why}.`);
}
