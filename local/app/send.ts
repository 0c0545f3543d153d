import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { print, printError } from '../../infra/terminal.ts';
import { callJson } from '../aws/aws-client.ts';
import { type OperatorFile, readOperatorFile } from './operator-file.ts';
import { DEFAULT_DIRECTORY } from './options.ts';

const USAGE = 'npm run send -- [--directory FOLDER] FILE…';

interface EventFile {
  source: string;
  'detail-type': string;
  detail: object;
}

/** `npm run send -- FILE…`: puts the EventBridge events in the files on the bus of the zone that takes their source. */
async function main(): Promise<void> {
  const { positionals, values } = readArguments();
  if (positionals.length === 0) throw new ZonesError('local_failed', `Name an event file: ${USAGE}`);
  const operator = readOperatorFile(values.directory);
  for (const file of positionals) {
    const event = readEvent(file);
    const bus = findBus(operator, event, file);
    const id = await putEvent(operator, bus, event);
    print(
      `${file}: event ${id} is on ${bus}; what becomes of it: grep ${id} ${join(operator.logs, 'trail.log')}`,
    );
  }
}

function readArguments() {
  try {
    const directory = { type: 'string', default: DEFAULT_DIRECTORY } as const;
    return parseArgs({ allowPositionals: true, options: { directory } });
  } catch (cause) {
    throw new ZonesError('local_failed', `${(cause as Error).message}. Write: ${USAGE}`, { cause });
  }
}

function readEvent(file: string): EventFile {
  let event: Partial<EventFile>;
  try {
    event = Object(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'is no JSON' : `can't be read (${(cause as Error).message})`;
    throw new ZonesError('event_invalid', `${file} ${why}.`, { cause });
  }
  const { source, 'detail-type': detailType, detail } = event;
  if (typeof source === 'string' && typeof detailType === 'string' && typeof detail === 'object') {
    return { source, 'detail-type': detailType, detail };
  }
  throw new ZonesError(
    'event_invalid',
    `${file} needs source, detail-type and detail, as an EventBridge event has them.`,
  );
}

function findBus({ entries }: OperatorFile, event: EventFile, file: string): string {
  const entry = entries.find(
    ({ sources, detailTypes }) =>
      sources.includes(event.source) && detailTypes.includes(event['detail-type']),
  );
  if (entry !== undefined) return entry.bus;
  throw new ZonesError(
    'event_invalid',
    `${file}: no zone takes ${event['detail-type']} events of ${event.source}; see zones.ts.`,
  );
}

async function putEvent(operator: OperatorFile, bus: string, event: EventFile): Promise<string> {
  const entry = {
    EventBusName: bus,
    Source: event.source,
    DetailType: event['detail-type'],
    Detail: JSON.stringify(event.detail),
  };
  const { body, error } = await callJson(operator, 'events', 'AWSEvents.PutEvents', {
    Entries: [entry],
  }).catch((cause: unknown) => {
    throw new ZonesError('local_failed', 'The local system does not answer; is it still running?', { cause });
  });
  const [result] = (body as { Entries?: { EventId?: string; ErrorMessage?: string }[] }).Entries ?? [];
  if (result?.EventId !== undefined) return result.EventId;
  throw new ZonesError('event_invalid', error?.message ?? result?.ErrorMessage ?? 'the event was refused');
}

try {
  await main();
} catch (error) {
  printError(error);
  process.exitCode = 1;
}
