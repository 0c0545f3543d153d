import { describeNetworkFailure } from '@helseid-zones/client/http';
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
  const { network, network_code } = describeNetworkFailure(error);
  const code = isZonesError(error) ? error.code : awsErrorName(error);
  if (code === '' && !network) throw error;
  printError(
    code === ''
      ? `aws_unavailable: AWS does not answer (${network}: ${network_code ?? ''}). Is the network there, and the local system, if it is meant, still running?`
      : `${code}: ${(error as Error).message}`,
  );
  process.exitCode = 1;
}
