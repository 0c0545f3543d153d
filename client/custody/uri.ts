import { fileURLToPath } from 'node:url';
import { CUSTODY_SCHEMES, type CustodyScheme } from '@helseid-zones/protocol/custody';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** What the URI of a custody says. */
export interface CustodyUri {
  scheme: CustodyScheme;
  /** `file:`: the path. `secretsmanager:`: an ARN, `awskms:`: one or several with commas between. Otherwise the URI as it is. */
  place: string;
  /** `file:`: the permissions that the file may have at most. */
  mode: number;
}

const ARNS = {
  'awskms:': /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
  'secretsmanager:': /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/,
};

/** Owner and group at most; others never. */
const MODES = ['600', '400', '640', '440'];

/** What stands in the query of a PostgreSQL URI, of all that `pg` takes from there: passwords, another host, TLS without checks. */
const POSTGRES: Readonly<Record<string, RegExp>> = {
  // `require` and `verify-ca` check a name or not, as the version of pg has it.
  sslmode: /^verify-full$/,
  sslrootcert: /./,
  sslcert: /./,
  sslkey: /./,
  application_name: /./,
};

/**
 * Reads the URI of a custody. No secret stands in one: it would end in logs and process lists.
 * @throws {ZonesError} custody_refused: another scheme, a place that is none, a password in it; the message repeats none of it
 */
export function parseCustodyUri(given: string): CustodyUri {
  // PostgreSQL's own tools take both.
  const text = given.replace(/^postgresql:/, 'postgres:');
  const scheme = CUSTODY_SCHEMES.find((each) => text.startsWith(each));
  if (!scheme) throw refused(`must begin with one of ${CUSTODY_SCHEMES.join(', ')}`);
  // RFC 7512 has a grammar of its own.
  if (scheme === 'pkcs11:') return { scheme, place: text, mode: 0 };
  if (!URL.canParse(text)) throw refused('is no URI');
  const url = new URL(text);
  if (url.password !== '') throw refused('holds a password; give it by the environment or a passfile');
  if (text.includes('#'))
    throw refused('has a #, and nothing is read after that; write %23 for one in a name');
  if (new Set(url.searchParams.keys()).size < url.searchParams.size) throw refused('has a parameter twice');
  if (scheme === 'postgres:') return readPostgresUri(text, url);
  if (scheme === 'file:') return readFileUri(text, url);
  const place = attempt(() => decodeURIComponent(url.pathname.slice(1)));
  const arns = scheme === 'awskms:' ? place.split(',') : [place];
  if (url.host !== '' || url.search !== '' || !arns.every((arn) => ARNS[scheme].test(arn)))
    throw refused(`must be ${scheme}/// and an ARN`);
  return { scheme, place, mode: 0 };
}

/** `pg` reads the text once more: it is refused where the two could understand it differently. */
function readPostgresUri(text: string, url: URL): CustodyUri {
  if (!/^postgres:\/\/(?:%[0-9a-f]{2}|[!-$&-~])*$/i.test(text))
    throw refused('must be postgres://USER@HOST/DATABASE, and percent-encoded where it is not ASCII');
  if (attempt(() => decodeURIComponent(url.username)).includes(':'))
    throw refused('holds a password; give it by the environment or a passfile');
  for (const [name, value] of url.searchParams)
    if (!(Object.hasOwn(POSTGRES, name) && POSTGRES[name]?.test(value)))
      throw refused(
        `may have ?sslmode=verify-full, and ${Object.keys(POSTGRES).slice(1).join(', ')}; a password is given by PGPASSWORD or a passfile`,
      );
  return { scheme: 'postgres:', place: text, mode: 0 };
}

function readFileUri(text: string, url: URL): CustodyUri {
  const { mode = '600', ...others } = Object.fromEntries(url.searchParams);
  if (!MODES.includes(mode) || Object.keys(others).length > 0)
    throw refused(`may have ?mode= and nothing else, one of ${MODES.join(', ')}`);
  if (url.host !== '' || !text.startsWith('file:/'))
    throw refused('must be a file of this machine: file:///PATH');
  const place = attempt(() => fileURLToPath(url));
  if (place.includes('\0')) throw refused('names no file');
  return { scheme: 'file:', place, mode: Number.parseInt(mode, 8) };
}

/** What Node says of a URI repeats it. */
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    throw refused('has a part that is not percent-encoded as it must be');
  }
}

const refused = (why: string): ZonesError => new ZonesError('custody_refused', `The custody's URI ${why}.`);
