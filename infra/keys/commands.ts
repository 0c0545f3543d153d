import { ZonesError } from '../../client/errors.ts';
import { applyPolicies, deleteKey } from './administer.ts';
import type { Desk } from './desk.ts';
import { draftClient } from './draft.ts';
import type { KeyOptions } from './options.ts';
import { retireKey, rotateKey, verifyKey } from './rotate.ts';
import { printJwks, showKeys } from './show.ts';
import { watchNow } from './watch.ts';

type Command = (desk: Desk, options: KeyOptions) => Promise<void>;

/** What can be asked for, by name. */
const COMMANDS: Readonly<Record<string, Command>> = {
  show: (desk, { client }) => showKeys(desk, client),
  list: (desk, { client }) => showKeys(desk, client),
  jwk: (desk, { client }) => printJwks(desk, client),
  rotate: (desk, { client, now }) => rotateKey(desk, client, now),
  verify: (desk, { client }) => verifyKey(desk, client),
  retire: (desk, options) => retireKey(desk, requireKid(options), options.client, options.force),
  delete: (desk, options) => deleteKey(desk, requireKid(options), options.days, options.client),
  watch: (desk, { argument }) => watchNow(desk, argument),
  policy: (desk, { client }) => applyPolicies(desk, client),
  draft: (desk, { client, organization, redirect }) => {
    if (!organization || !redirect || !URL.canParse(redirect) || !/^\d{9}$/.test(organization))
      throw wrong('draft takes --organization (nine digits) and --redirect (a URL)');
    return draftClient(desk, { organization, redirect }, client);
  },
};

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
