import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { eventNames } from '../../infra/declaration/names.ts';
import { DECLARATION_OPTIONS, readArguments, requireStage } from '../../infra/declaration/options.ts';
import { type OperatorFile, readOperatorFile } from '../../infra/operator-file.ts';
import { escapeControls, print, printError, runCommand } from '../../infra/terminal.ts';
import type { TrailLine } from '../aws/trail.ts';
import { type EventFile, fillIn, findEntry, isOutcome, notRunning, putEvent, readEvent } from './events.ts';
import { DEFAULT_DIRECTORY } from './options.ts';
import { formatLine } from './terminal.ts';

const USAGE = `npm run send -- [--directory FOLDER] [--stage NAME] FILE…

Puts the EventBridge event in each file on the bus of the zone that takes it, with {{uuid}} and {{organization}} in it replaced, and
waits until the zone's function is done with it.

Exit status: 0 done, 1 refused or failed.`;

/** Milliseconds that an event is waited for. */
const PATIENCE = 60_000;

/** Milliseconds between two looks at the trail. */
const PAUSE = 200;

/** Resolves to the exit status. */
async function main(args: string[]): Promise<number> {
  const { positionals, values } = readArguments({ args, allowPositionals: true, options: OPTIONS }, wrong);
  if (positionals.length === 0) throw wrong('Name an event file');
  const operator = readOperatorFile(values.directory);
  requireStage(values.stage, operator.stage);
  // Every file is read before the first event is sent.
  const wanted = positionals.map((file) => {
    const event = fillIn(readEvent(file));
    return { file, event, ...findBus(operator, event, file) };
  });
  let status = 0;
  for (const one of wanted) if (!(await send(operator, one, values.directory))) status = 1;
  return status;
}

/** An event on its way. */
type Wanted = { file: string; event: EventFile; zone: string; bus: string };

/** Resolves to whether the zone's function has done it. */
async function send(operator: OperatorFile, wanted: Wanted, directory: string): Promise<boolean> {
  const { file, event, zone, bus } = wanted;
  const trail = join(operator.logs, 'trail.log');
  const begin = existsSync(trail) ? statSync(trail).size : 0;
  const id = await putEvent(operator, bus, event).catch(notRunning);
  const search = `grep ${id} ${trail}`;
  print(`${file}: event ${id} is on ${bus}; what became of it: ${search}`);
  const outcome = await followEvent(trail, begin, id);
  const { function: name, fields = {} } = outcome ?? {};
  if (fields['outcome'] === 'done') {
    print(`${name} is done with it.`);
    return true;
  }
  const { receives, error = 'it names the message in batchItemFailures' } = fields;
  const failed = `${name} failed at try ${receives}: ${escapeControls(String(error))}. After the last it is a dead letter: npm run redrive -- ${zone} --local${directory === DEFAULT_DIRECTORY ? '' : `=${directory}`}`;
  printError(outcome === undefined ? `Not done within ${PATIENCE / 1000} s; look with ${search}` : failed);
  return false;
}

/** Prints what functions log of an event, until the trail tells what became of it; resolves to that line. */
async function followEvent(trail: string, begin: number, id: string): Promise<TrailLine | undefined> {
  const said = new Set<string>();
  for (let waited = 0; waited < PATIENCE; waited += PAUSE) {
    const text = existsSync(trail) ? readFileSync(trail).subarray(begin).toString('utf8') : '';
    // What follows the last line break is still being written.
    const lines = text.split('\n').slice(0, -1);
    const read = lines.map((one): TrailLine => JSON.parse(one));
    const outcome = read.find((line) => isOutcome(line, id));
    // A function that can't read an event knows its message alone.
    const of = ({ fields }: TrailLine) =>
      fields['eventId'] === id || (outcome && fields['messageId'] === outcome.fields['message']);
    for (const line of read.filter(of).flatMap((one) => formatLine(one) ?? []))
      if (said.size < said.add(line).size) print(line);
    if (outcome) return outcome;
    await setTimeout(PAUSE);
  }
  return undefined;
}

const OPTIONS = {
  directory: { type: 'string', default: DEFAULT_DIRECTORY },
  stage: DECLARATION_OPTIONS.stage,
} as const;

function wrong(what: string, cause?: unknown): ZonesError {
  return new ZonesError('local_failed', `${what}. ${USAGE}`, { cause });
}

function findBus({ declaration }: OperatorFile, event: EventFile, file: string) {
  const entry = findEntry(declaration, event);
  if (entry !== undefined) return { zone: entry.zone, bus: eventNames(declaration.name, entry.zone).bus };
  const message = `${file}: no zone takes ${event['detail-type']} events of ${event.source}; see zones.ts.`;
  throw new ZonesError('event_invalid', message);
}

await runCommand(main, { usage: USAGE });
