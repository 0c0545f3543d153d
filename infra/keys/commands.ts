import { ZonesError } from '../../client/errors.ts';
import { applyPolicies, deleteKey } from './administer.ts';
import type { Desk } from './desk.ts';
import { draftClient } from './draft.ts';
import type { KeyOptions } from './options.ts';
import { retireKey, rotateKey, verifyKey } from './rotate.ts';
import { printJwks, showKeys } from './show.ts';
import { watchNow } from './watch.ts';

type Command = (desk: Desk, options: KeyOptions) => Promise<void>;

/** What can be asked for, by name. Where no kid or schedule belongs, what follows names the client. */
const COMMANDS: Readonly<Record<string, Command>> = {
  show: (desk, options) => showKeys(desk, clientOf(options)),
  list: (desk, options) => showKeys(desk, clientOf(options)),
  jwk: (desk, options) => printJwks(desk, clientOf(options)),
  rotate: (desk, options) => rotateKey(desk, clientOf(options), options.now),
  verify: (desk, options) => verifyKey(desk, clientOf(options)),
  retire: (desk, options) => retireKey(desk, requireKid(options), options.client, options.force),
  delete: (desk, options) => deleteKey(desk, requireKid(options), options.days, options.client),
  watch: (desk, { argument }) => watchNow(desk, argument),
  policy: (desk, options) => applyPolicies(desk, clientOf(options)),
  draft: (desk, options) => {
    const { organization, redirect } = options;
    if (!organization || !redirect || !URL.canParse(redirect) || !/^\d{9}$/.test(organization))
      throw wrong('draft takes --organization (nine digits) and --redirect (a URL)');
    return draftClient(desk, { organization, redirect }, clientOf(options));
  },
};

function clientOf({ client, argument }: KeyOptions): string | undefined {
  return client ?? argument;
}

/**
 * Runs a key command.
 * @throws ZonesError `config_invalid` for one that does not exist or lacks its argument, and what the command throws
 */
export async function runCommand(desk: Desk, options: KeyOptions): Promise<void> {
  const command = Object.hasOwn(COMMANDS, options.command) ? COMMANDS[options.command] : undefined;
  if (!command) throw wrong(`There is no command "${options.command}"`);
  await command(desk, options);
}

function requireKid({ command, argument }: KeyOptions): string {
  if (argument) return argument;
  throw wrong(`${command} takes a kid`);
}

function wrong(what: string): ZonesError {
  return new ZonesError('config_invalid', `${what}. See npm run keys -- --help.`);
}
