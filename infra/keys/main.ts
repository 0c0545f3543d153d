import { isZonesError } from '@helseid-zones/protocol/errors';
import { awsErrorName } from '../../functions/common/key-ports.ts';
import { print, printError } from '../terminal.ts';
import { findCommand, runCommand } from './commands.ts';
import { openDesk } from './open-desk.ts';
import { readKeyOptions, USAGE } from './options.ts';

try {
  const options = readKeyOptions(process.argv.slice(2));
  if (options.help) print(USAGE);
  else {
    // Before anything is opened: a wrong command is no matter of regions or credentials.
    findCommand(options);
    await runCommand(await openDesk(options), options);
  }
} catch (error) {
  const aws = awsErrorName(error);
  if (!isZonesError(error) && aws === '') throw error;
  printError(`${isZonesError(error) ? error.code : aws}: ${(error as Error).message}`);
  process.exitCode = 1;
}
