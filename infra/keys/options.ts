import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { DECLARATION_OPTIONS, readArguments, requireOwn, withFolder } from '../declaration/options.ts';

/** What `--help` (`-h`) prints. */
export const USAGE = `npm run keys -- [command] [options]

  list [CLIENT]         show every key of every client (also without a command)
  jwk [CLIENT]          print the public keys to register (also: npm run jwk)
  rotate CLIENT [--now] replace the current key; with --now older keys stop at once (emergency)
  verify CLIENT [--now] go on with a key that waits: prove it at HelseID and make it current
  retire KID [--force]  retire a key and disable it; --force while tokens may depend on it
  delete KID            have KMS delete a retired key after --days (default 30; 7 to 30)
  watch                 have key-watch make its hourly checks now, and print what it finds
  policy CLIENT         re-apply the rendered key policy to every key in use
  redrive ZONE [--yes]  show the events that failed in a zone; with --yes send them again (also: npm run redrive)
  audit --reconcile FILE…
                        compare CloudTrail's Sign events with the signers' audit (also: npm run audit)
  audit --trace ID --local
                        every line of one request, over all zones, from entry to KMS
  draft CLIENT --organization NR --redirect URL
                        a first registration without the portal (HELSEID_DRAFT_API_KEY in the environment)

  --client NAME         the same as CLIENT; a system with one client needs neither, and a KID says whose it is
  --local [FOLDER]      the running local system (default .local) instead of AWS
  --region REGION       default: AWS_REGION
  --declaration FILE    another declaration than zones.ts; a local system brings its own
  --stage NAME          which stage, of a declaration that is a function of it
  --signing-vpc ID      for policy: the signing zone's VPC, where it can't be read from the rotation function
  --yes                 do not ask
`;

/** What may be asked for, and what follows it: the client where nothing else is said. `list` and `show` are one. */
const ARGUMENTS = {
  show: 'client',
  list: 'client',
  jwk: 'client',
  rotate: 'client',
  verify: 'client',
  policy: 'client',
  draft: 'client',
  retire: 'kid',
  delete: 'kid',
  watch: 'nothing',
  redrive: 'zone',
  audit: 'file',
} as const;

/** The name of a key command. */
export type CommandName = keyof typeof ARGUMENTS;

/** What `npm run keys -- …` was asked for; {@link USAGE} says what each is. `kid` is there for the commands that need one. */
export type KeyOptions = ReturnType<typeof readKeyOptions>;

/**
 * Reads the command line. Whatever is wrong with it is said here, before a declaration is read or AWS is looked for.
 * @throws {ZonesError} config_invalid: no such command, or its options or arguments are not right
 */
export function readKeyOptions(args: readonly string[]) {
  const {
    values,
    positionals,
    given: said,
  } = readArguments(
    { args: kidsLast(args.flatMap(withFolder)), allowPositionals: true, options: OPTIONS },
    wrong,
  );
  const [command = 'show', argument, ...rest] = positionals;
  if (!isCommand(command)) throw wrong(`There is no command "${command}"`);
  if (rest.length > 0 && command !== 'audit') throw wrong(`"${rest[0]}" is one argument too many`);
  requireOwn(said, ONLY_OF, command, wrong);
  const days = Number(values.days ?? DAYS);
  if (!Number.isInteger(days) || days < 7 || days > 30) throw wrong('--days takes 7 to 30');
  const given: { client?: string; kid?: string; zone?: string } = argument
    ? { [ARGUMENTS[command]]: argument }
    : {};
  if (ARGUMENTS[command] === 'nothing' && argument) throw wrong(`"${argument}" is one argument too many`);
  if (ARGUMENTS[command] === 'kid' && !given.kid) throw wrong(`${command} takes a kid`);
  const { kid, zone } = given;
  const { reconcile = [], trace } = values;
  const files = [...reconcile, ...(command === 'audit' && argument ? [argument, ...rest] : [])];
  if (trace !== undefined && files.length > 0) throw wrong('--trace follows one request, and reads no files');
  if (trace !== undefined && values.local === undefined)
    throw wrong('--trace goes with --local; on AWS the saved queries do it (docs/operating.md)');
  if (given.client !== undefined && (values.client ?? given.client) !== given.client)
    throw wrong(`"${given.client}" and --client "${values.client}" are two clients`);
  const vpc = values['signing-vpc'];
  if (vpc !== undefined && !/^vpc-[0-9a-f]+$/.test(vpc))
    throw wrong('--signing-vpc takes the id of a VPC, vpc-…');
  return {
    ...values,
    command,
    kid,
    zone,
    days,
    now: values.now ?? false,
    force: values.force ?? false,
    client: values.client ?? given.client,
    reconcile: files,
    draft: command === 'draft' ? readDraft(values) : undefined,
  };
}

/** Days that KMS waits where nothing else is said. */
const DAYS = 30;

/** What is of some commands alone: said to another it would be passed over, and with it what was meant. */
const ONLY_OF: Partial<Record<keyof typeof OPTIONS, readonly CommandName[]>> = {
  client: ['show', 'list', 'jwk', 'rotate', 'verify', 'policy', 'draft', 'retire', 'delete'],
  now: ['rotate', 'verify'],
  force: ['retire'],
  days: ['delete'],
  'signing-vpc': ['policy'],
  organization: ['draft'],
  redirect: ['draft'],
  reconcile: ['audit'],
  trace: ['audit'],
};

const isCommand = (name: string): name is CommandName => Object.hasOwn(ARGUMENTS, name);

function readDraft({ organization, redirect }: { organization?: string; redirect?: string }) {
  if (organization && redirect && URL.canParse(redirect) && isOrganizationNumber(organization))
    return { organization, redirect };
  throw wrong(
    'draft takes --organization (an organisation number: nine digits, the last one its check digit) and --redirect (a URL)',
  );
}

/** One kid in 64 begins with a hyphen, which parseArgs takes for an option: what has a kid's form goes behind a `--`. */
function kidsLast(args: readonly string[]): string[] {
  const kids = args.filter((arg) => /^-[A-Za-z0-9_-]{42}$/.test(arg));
  return kids.length === 0 ? [...args] : [...args.filter((arg) => !kids.includes(arg)), '--', ...kids];
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const OPTIONS = {
  client: text,
  local: text,
  region: text,
  ...DECLARATION_OPTIONS,
  'signing-vpc': text,
  days: text,
  organization: text,
  redirect: text,
  trace: text,
  now: flag,
  force: flag,
  yes: { ...flag, default: false, short: 'y' },
  reconcile: { ...text, multiple: true },
} as const;

const wrong = (what: string, cause?: unknown): ZonesError =>
  new ZonesError('config_invalid', `${what}. See npm run keys -- --help.`, { cause });
