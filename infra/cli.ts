#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { oldNode } from './node-version.ts';
import './progress.ts';
import { print, printError } from './terminal.ts';

/** Each command's program, what goes before its arguments, and what it is for. */
const COMMANDS: Readonly<Record<string, readonly [program: string, args: string[], what: string]>> = {
  start: ['../local/app/main', [], 'run the whole system on this machine'],
  send: ['../local/app/send', [], 'send an event to the running local system'],
  call: ['../local/app/call', [], 'call a route, or an API as a function of a zone would'],
  zones: ['./proof/main', [], 'prove the boundaries, and say who may do what'],
  keys: ['./keys/main', [], "every key and its state; make, rotate and retire a client's keys"],
  jwk: ['./keys/main', ['jwk'], 'the public key to register'],
  redrive: ['./keys/main', ['redrive'], 'events that failed in a zone; send them again'],
  verify: ['./verify/main', [], 'compare what is deployed with what is synthesized'],
};

const USAGE = `helseid-zones COMMAND [options]

${Object.entries(COMMANDS)
  .map(([name, [, , what]]) => `  ${name.padEnd(8)} ${what}`)
  .join('\n')}

helseid-zones COMMAND --help says more. start, send and call are for a clone of the repository.`;

/** Runs a command as its own program would: in this process, in the folder that it was called in. */
async function main([name = '--help', ...given]: string[]): Promise<void> {
  if (oldNode !== undefined) return fail(oldNode);
  if (name === '--help' || name === '-h') return print(USAGE);
  const [program, before] = Object.hasOwn(COMMANDS, name) ? (COMMANDS[name] ?? []) : [];
  if (program === undefined || before === undefined) return fail(`There is no command ${name}.\n\n${USAGE}`);
  const url = new URL(`${program}${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
  if (!existsSync(url))
    return fail(
      `helseid-zones ${name} needs the local system: clone the repository, and run npm run ${name} in it.`,
    );
  // As the script in package.json has it: the local system makes many short-lived objects.
  if (name === 'start') setFlagsFromString('--max-semi-space-size=2');
  process.argv.splice(2, process.argv.length, ...before, ...given);
  await import(url.href);
}

function fail(why: string): void {
  printError(new ZonesError('config_invalid', why));
  process.exitCode = 1;
}

await main(process.argv.slice(2));
