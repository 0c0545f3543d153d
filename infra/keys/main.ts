import { runCommand } from '../terminal.ts';
import { COMMANDS } from './commands.ts';
import { connect } from './connect.ts';
import { readKeyOptions, USAGE } from './options.ts';

async function main(args: string[]): Promise<number> {
  const options = readKeyOptions(args);
  await COMMANDS[options.command](await connect(options), options);
  return Number(process.exitCode ?? 0);
}

await runCommand(main, { usage: USAGE });
