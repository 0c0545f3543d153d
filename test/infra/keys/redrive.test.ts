import { createAwsCaller } from '@helseid-zones/client/aws';
import { describe, expect, test } from 'vitest';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { COMMANDS } from '../../../infra/keys/commands.ts';
import type { Operator } from '../../../infra/keys/operator.ts';
import { readKeyOptions } from '../../../infra/keys/options.ts';
import { openQueues, type QueueSettings, type StoredMessage } from '../../../local/aws/sqs/queues.ts';
import { startSqs } from '../../../local/aws/sqs/service.ts';
import { memoryDocument } from '../../../local/aws/state.ts';
import { ACCOUNT, answered, fakeClock, REGION, rulesOf, startAws } from '../../local/aws/harness.ts';
import system from '../../one-client.zones.ts';
import ownThings from '../../own-things.zones.ts';

type Queue = ReturnType<ReturnType<typeof openQueues>['find']>;

const QUEUES = ['events', 'events-dead', 'events-undelivered'] as const;
const settings = (name: string): QueueSettings => ({
  name: `journal-internal-${name}`,
  arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:journal-internal-${name}`,
  url: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/journal-internal-${name}`,
  ...{ visibilityTimeout: 180, retention: 1_209_600, kmsKeyId: undefined, redrive: undefined },
});
const event = (more: object = {}) =>
  JSON.stringify({
    source: 'journal.documents',
    'detail-type': 'DocumentCreated',
    detail: 'PATIENT',
    ...more,
  });

/** Zone internal's queues in a local SQS, and who redrives them over the wire. */
async function start(
  { authorize } = rulesOf(),
  declared: SystemDeclaration = system,
  more: readonly string[] = [],
) {
  const clock = fakeClock();
  const document = memoryDocument({ queues: {} as Record<string, StoredMessage[]> });
  const queues = openQueues(document, [...QUEUES, ...more].map(settings), clock.now);
  const { access } = await startAws((context) => startSqs(context), { authorize, queues, now: clock.now });
  const { url, region, credentials } = access;
  const lines: string[] = [];
  const log: string[] = [];
  const asked: unknown[][] = [];
  const operator = {
    system: declared,
    say: (line: string) => void lines.push(line),
    aws: createAwsCaller({ region, credentials, endpoints: { sqs: url } }, { attempts: 1, now: clock.now }),
    logLines: async (...query: unknown[]) => {
      asked.push(query);
      return log;
    },
  } as unknown as Operator;
  const [events, dead, undelivered] = QUEUES.map((name) => queues.find(settings(name).name)) as [
    ReturnType<typeof queues.find>,
    ReturnType<typeof queues.find>,
    ReturnType<typeof queues.find>,
  ];
  const run = async (...args: string[]) => {
    lines.length = 0;
    const options = readKeyOptions(['redrive', ...args]);
    await COMMANDS[options.command](operator, options);
    return lines.join('\n');
  };
  const bodies = (queue: typeof events) => queue.messages().map(({ body }) => body);
  const queue = (name: string) => queues.find(settings(name).name);
  return { clock, events, dead, undelivered, log, asked, run, bodies, lines, queue };
}

describe('npm run redrive', () => {
  test('first shows how many there are, since when, and why by the log; nothing is moved, or hidden from others', async () => {
    const { clock, dead, events, run, log, asked, bodies } = await start();
    const first = dead.send(event());
    clock.advance(60_000);
    const second = dead.send(event());
    for (const reason of ['aws_throttled', 'event_invalid'])
      log.push(JSON.stringify({ code: 'document.failed', messageId: first.id, reason }));
    const said = await run('internal');
    expect(said.split('\n')).toEqual([
      'journal-internal-events-dead: 2; the oldest is of 2026-01-02T03:04:05.000Z.',
      `  ${first.id}  2026-01-02T03:04:05.000Z  event_invalid`,
      `  ${second.id}  2026-01-02T03:05:05.000Z  its reason is not in the log`,
      'journal-internal-events-undelivered: empty.',
      'Nothing was moved: say --yes to send them again.',
    ]);
    expect(asked).toEqual([
      ['internal', 'journal-internal-worker', 'messageId', [first.id, second.id], first.sent],
    ]);
    expect(dead.count()).toEqual({ visible: 2, inFlight: 0 });
    expect(bodies(events)).toEqual([]);
  });

  test('with --yes puts dead letters, and what EventBridge could not deliver, into the queue', async () => {
    const { dead, undelivered, events, run, bodies } = await start();
    const letters = Array.from({ length: 23 }, (_, at) => event({ id: `dead-${at}` }));
    for (const body of letters) dead.send(body);
    undelivered.send(event({ id: 'lost' }));
    const said = await run('internal', '--yes');
    expect(said).toContain('  and 8 more');
    expect(said).toContain('24 put into journal-internal-events.');
    expect(said).not.toContain('PATIENT');
    expect(bodies(events).sort()).toEqual([...letters, event({ id: 'lost' })].sort());
    expect([bodies(dead), bodies(undelivered)]).toEqual([[], []]);
    expect(events.count()).toEqual({ visible: 24, inFlight: 0 });
  });

  test.each([
    ['of another source', event({ source: 'somebody.else' })],
    ['of another type', event({ 'detail-type': 'DocumentDeleted' })],
    ['that is no event', 'x'],
    ['that is no object', '[]'],
  ])('leaves an undelivered event %s where it is, for the rule would', async (_, body) => {
    const { undelivered, events, run, bodies } = await start();
    undelivered.send(body);
    expect(await run('internal', '--yes')).toContain(
      '1 stay: no rule of zone internal is for such an event.',
    );
    expect(bodies(events)).toEqual([]);
    expect(undelivered.count()).toEqual({ visible: 1, inFlight: 0 });
  });

  test('puts dead letters of a declared queue into that, with the reader’s reasons, and events into what wants their detail', async () => {
    const names = ['outbox', 'outbox-dead', 'summary-events', 'summary-events-dead'];
    const { run, queue, asked, undelivered, bodies } = await start(rulesOf(), ownThings, names);
    const [outbox, letters, own, ownDead] = names.map(queue) as [Queue, Queue, Queue, Queue];
    const { id } = letters.send('{"id":17}');
    ownDead.send('as it is');
    const read = (detail: object) =>
      event({ source: 'journal.letters', 'detail-type': 'LetterRead', detail });
    const wanted = read({ status: 'read', reader: { age: 8, name: 'PATIENT' } });
    for (const body of [wanted, read({ status: 'lost', reader: { age: 8 } }), read({ status: null })])
      undelivered.send(body);
    const said = await run('internal', '--yes');
    expect(said).toContain('2 stay: no rule of zone internal is for such an event.');
    expect(said).toContain('1 put into journal-internal-outbox.');
    expect(asked).toContainEqual([
      ...['internal', 'journal-internal-summary', 'messageId'],
      ...[[id], expect.any(Number)],
    ]);
    expect(bodies(outbox)).toEqual(['{"id":17}']);
    expect(bodies(own).sort()).toEqual(['as it is', wanted].sort());
    expect([letters, ownDead].map(bodies)).toEqual([[], []]);
    expect(undelivered.count()).toMatchObject({ visible: 2 });
  });

  test.each([
    ['sqs:SendMessage', []],
    // Rather twice than lost; it comes back when it is visible again.
    ['sqs:DeleteMessage', [event()]],
  ])('loses nothing where %s is refused', async (denied, sent) => {
    const { dead, events, run, bodies, clock } = await start(rulesOf(({ action }) => action === denied));
    dead.send(event());
    await expect(run('internal', '--yes')).rejects.toThrow(answered('AccessDeniedException'));
    expect(bodies(events)).toEqual(sent);
    clock.advance(301_000);
    expect(dead.count()).toEqual({ visible: 1, inFlight: 0 });
  });

  test('prints a reason as one line, whatever it holds', async () => {
    const { dead, run, log } = await start();
    const { id } = dead.send(event());
    log.push(JSON.stringify({ messageId: id, reason: 'a\nnothing failed\u001b[2K' }));
    expect(await run('internal')).toContain('  a\\u000anothing failed\\u001b[2K\n');
  });

  test.each([['public'], ['nowhere'], []])('says which zones have events, for %j', async (...zone) => {
    const { run } = await start();
    await expect(run(...zone)).rejects.toMatchObject({
      code: 'config_invalid',
      message:
        zone.length === 0
          ? 'Say which zone: redrive internal.'
          : `No events enter a zone ${zone[0]}; one of these they do: redrive internal.`,
    });
  });
});
