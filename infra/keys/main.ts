import { describeNetworkFailure } from '@helseid-zones/client/errors';
import { isZonesError } from '@helseid-zones/protocol/errors';
import { awsErrorName } from '../../functions/common/aws-error.ts';
import { print, printError } from '../terminal.ts';
import { COMMANDS } from './commands.ts';
import { connect } from './connect.ts';
import { readKeyOptions, USAGE } from './options.ts';

try {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) print(USAGE);
  else {
    const options = readKeyOptions(args);
    await COMMANDS[options.command](await connect(options), options);
  }
} catch (error) {
  const { network, network_code } = describeNetworkFailure(error);
  const code = isZonesError(error) ? error.code : awsErrorName(error);
  // Its own message is about a zone's endpoint and security groups.
  const unanswered = network && code === 'aws_unavailable';
  if (code !== '' && !unanswered) printError(`${code}: ${(error as Error).message}`);
  else if (!network) printError(error);
  else {
    const why = `${network}: ${network_code ?? ''}`;
    printError(
      `aws_unavailable: AWS does not answer (${why}). Is the network there, and the local system, if it is meant, still running?`,
    );
  }
  process.exitCode = 1;
}
