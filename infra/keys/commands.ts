import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Task } from '../../functions/key-watch/checks.ts';
import { applyPolicies, deleteKey } from './administer.ts';
import type { Desk } from './desk.ts';
import { draftClient } from './draft.ts';
import type { KeyOptions } from './options.ts';
import { retireKey, rotateKey, verifyKey } from './rotate.ts';
import { printJwks, showKeys } from './show.ts';
import { watchNow } from './watch.ts';

/** A command that was understood: it only lacks a desk. */
export type Command = (desk: Desk) => Promise<void>;

/** What can be asked for, by name. Where no kid or schedule belongs, what follows names the client. */
const COMMANDS: Readonly<Record<string, (options: KeyOptions) => Command>> = {
  show: (options) => (desk) => showKeys(desk, clientOf(options)),
  list: (options) => (desk) => showKeys(desk, clientOf(options)),
  jwk: (options) => (desk) => printJwks(desk, clientOf(options)),
  rotate: (options) => (desk) => rotateKey(desk, clientOf(options), options.now),
  verify: (options) => (desk) => verifyKey(desk, clientOf(options)),
  retire: (options) => {
    const kid = requireKid(options);
    return (desk) => retireKey(desk, kid, options.client, options.force);
  },
  delete: (options) => {
    const kid = requireKid(options);
    return (desk) => deleteKey(desk, kid, options.days, options.client);
  },
  watch: ({ argument }) => {
    const task = requireTask(argument);
    return (desk) => watchNow(desk, task);
  },
  policy: (options) => (desk) => applyPolicies(desk, clientOf(options)),
  draft: (options) => {
    const { organization, redirect } = options;
    if (!organization || !redirect || !URL.canParse(redirect) || !isOrganizationNumber(organization))
      throw wrong(
        'draft takes --organization (an organisation number: nine digits, the last one its check digit) and --redirect (a URL)',
      );
    return (desk) => draftClient(desk, { organization, redirect }, clientOf(options));
  },
};

function clientOf({ client, argument }: KeyOptions): string | undefined {
  return client ?? argument;
}

/**
 * The command that is asked for. Whatever is wrong with the command line is said here, before a declaration is read or AWS
 * is looked for.
 * @throws {ZonesError} `config_invalid`: for one that does not exist or lacks its argument
 */
export function findCommand(options: KeyOptions): Command {
  const command = Object.hasOwn(COMMANDS, options.command) ? COMMANDS[options.command] : undefined;
  if (!command) throw wrong(`There is no command "${options.command}"`);
  return command(options);
}

/**
 * Runs a key command.
 * @throws {ZonesError} what {@link findCommand} and the command throw
 */
export async function runCommand(desk: Desk, options: KeyOptions): Promise<void> {
  await findCommand(options)(desk);
}

function requireKid({ command, argument }: KeyOptions): string {
  if (argument) return argument;
  throw wrong(`${command} takes a kid`);
}

function requireTask(task = 'hourly'): Task {
  if (task === 'hourly' || task === 'daily') return task;
  throw wrong(`There is no schedule "${task}": hourly or daily`);
}

function wrong(what: string): ZonesError {
  return new ZonesError('config_invalid', `${what}. See npm run keys -- --help.`);
}
