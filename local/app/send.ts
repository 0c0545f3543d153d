import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { eventNames } from '../../infra/declaration/names.ts';
import { DECLARATION_OPTIONS, requireStage } from '../../infra/declaration/options.ts';
import { type OperatorFile, readOperatorFile } from '../../infra/operator-file.ts';
import { print, printError } from '../../infra/terminal.ts';
import { type EventFile, putEvent, readEvent } from './events.ts';
import { DEFAULT_DIRECTORY } from './options.ts';

const USAGE = 'npm run send -- [--directory FOLDER] [--stage NAME] FILE…';

/** `npm run send -- FILE…`: puts the EventBridge events in the files on the bus of the zone that takes their source. */
async function main(): Promise<void> {
  const { positionals, values } = readArguments();
  if (positionals.length === 0) throw new ZonesError('local_failed', `Name an event file: ${USAGE}`);
  const operator = readOperatorFile(values.directory);
  requireStage(values.stage, operator.stage);
  for (const file of positionals) {
    const event = readEvent(file);
    const bus = findBus(operator, event, file);
    const id = await putEvent(operator, bus, event).catch((cause: unknown) => {
      if (isZonesError(cause)) throw cause;
      const message = 'The local system does not answer; is it still running?';
      throw new ZonesError('local_failed', message, { cause });
    });
    const trail = join(operator.logs, 'trail.log');
    print(`${file}: event ${id} is on ${bus}; what becomes of it: grep ${id} ${trail}`);
  }
}

function readArguments() {
  try {
    const directory = { type: 'string', default: DEFAULT_DIRECTORY } as const;
    return parseArgs({ allowPositionals: true, options: { directory, stage: DECLARATION_OPTIONS.stage } });
  } catch (cause) {
    throw new ZonesError('local_failed', `${(cause as Error).message}. Write: ${USAGE}`, { cause });
  }
}

function findBus({ declaration }: OperatorFile, event: EventFile, file: string): string {
  const { source, 'detail-type': type } = event;
  const taker = Object.entries(declaration.zones).find(
    ([, { events }]) => events?.sources.includes(source) && events.detailTypes.includes(type),
  );
  if (taker !== undefined) return eventNames(declaration.name, taker[0]).bus;
  const message = `${file}: no zone takes ${type} events of ${source}; see zones.ts.`;
  throw new ZonesError('event_invalid', message);
}

try {
  await main();
} catch (error) {
  printError(error);
  process.exitCode = 1;
}
