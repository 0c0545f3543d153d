import { parseArgs } from 'node:util';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** What `npm run keys -- …` was asked for. */
export interface KeyOptions {
  /** `show` where nothing is named. */
  command: string;
  /** What follows the command: a kid, a schedule or a client. */
  argument?: string;
  /** Whose keys; the only client's where nothing is said. */
  client?: string;
  /** Folder of a running local system, instead of AWS. */
  local?: string;
  region?: string;
  declarationFile: string;
  /** Acts without asking. */
  yes: boolean;
  /** Emergency: replaced keys stop at once. */
  now: boolean;
  /** Retires a key that tokens may depend on. */
  force: boolean;
  /** Days until a key that is deleted is gone. */
  days: number;
  signingVpc?: string;
  organization?: string;
  redirect?: string;
  help: boolean;
}

/** What `--help` prints. */
export const USAGE = `npm run keys -- [command] [options]

  list [CLIENT]         show every key of every client (also without a command)
  jwk [CLIENT]          print the public keys to register (also: npm run jwk)
  rotate CLIENT [--now] replace the current key; with --now older keys stop at once (emergency)
  verify CLIENT         go on with a key that waits: prove it at HelseID and make it current
  retire KID [--force]  retire a key and disable it; --force while tokens may depend on it
  delete KID            have KMS delete a retired key after --days (default 30; 7 to 30)
  watch [daily]         have key-watch make its hourly (or daily) checks now, and print what it finds
  policy CLIENT         re-apply the rendered key policy to every key in use
  draft CLIENT --organization NR --redirect URL
                        a first registration without the portal (HELSEID_DRAFT_API_KEY in the environment)

  --client NAME         the same as CLIENT; a system with one client needs neither, and a KID says whose it is
  --local [FOLDER]      the running local system (default .local) instead of AWS
  --region REGION       default: AWS_REGION
  --declaration FILE    another declaration than zones.ts; a local system brings its own
  --signing-vpc ID      for policy: the signing zone's VPC, where it can't be read from the rotation function
  --yes                 do not ask
`;

/**
 * Reads the command line.
 * @throws {ZonesError} `config_invalid`: what is wrong with it
 */
export function readKeyOptions(args: readonly string[]): KeyOptions {
  const { values, positionals } = parse(kidsLast(args.flatMap(withFolder)));
  const [command = 'show', argument, ...rest] = positionals;
  if (rest.length > 0) throw wrong(`"${rest[0]}" is one argument too many`);
  const days = Number(values.days);
  if (!Number.isInteger(days) || days < 7 || days > 30) throw wrong('--days takes 7 to 30');
  const optional = {
    argument,
    client: values.client,
    local: values.local,
    region: values.region,
    signingVpc: values['signing-vpc'],
    organization: values.organization,
    redirect: values.redirect,
  };
  return {
    command,
    declarationFile: values.declaration,
    yes: values.yes,
    now: values.now,
    force: values.force,
    days,
    help: values.help,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** One kid in 64 begins with a hyphen, which parseArgs takes for an option: what has a kid's form goes behind a `--`. */
function kidsLast(args: readonly string[]): string[] {
  const kids = args.filter((arg) => /^-[A-Za-z0-9_-]{42}$/.test(arg));
  return kids.length === 0 ? [...args] : [...args.filter((arg) => !kids.includes(arg)), '--', ...kids];
}

/** `--local` may stand without a folder, which parseArgs has no word for. */
function withFolder(arg: string, index: number, all: readonly string[]): string[] {
  const next = all[index + 1];
  return arg === '--local' && (next === undefined || !/[./]/.test(next)) ? ['--local=.local'] : [arg];
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        client: { type: 'string' },
        local: { type: 'string' },
        region: { type: 'string' },
        declaration: { type: 'string', default: 'zones.ts' },
        yes: { type: 'boolean', default: false, short: 'y' },
        now: { type: 'boolean', default: false },
        force: { type: 'boolean', default: false },
        days: { type: 'string', default: '30' },
        'signing-vpc': { type: 'string' },
        organization: { type: 'string' },
        redirect: { type: 'string' },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    });
  } catch (cause) {
    throw wrong((cause as Error).message, cause);
  }
}

function wrong(what: string, cause?: unknown): ZonesError {
  return new ZonesError('config_invalid', `${what}. See npm run keys -- --help.`, { cause });
}
