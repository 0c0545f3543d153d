import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createAwsCaller } from '@helseid-zones/client/aws';
import { describe, expect, test } from 'vitest';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { COMMANDS } from '../../../infra/keys/commands.ts';
import type { Operator } from '../../../infra/keys/operator.ts';
import { readKeyOptions } from '../../../infra/keys/options.ts';
import { createFaults, type Faults } from '../../../local/aws/faults.ts';
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
  visibilityTimeout: 180,
  retention: 1_209_600,
  kmsKeyId: undefined,
  redrive: undefined,
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
  { began, faults }: { began?: number; faults?: Faults } = {},
) {
  const clock = fakeClock(began);
  const document = memoryDocument({ queues: {} as Record<string, StoredMessage[]> });
  const queues = openQueues(document, [...QUEUES, ...more].map(settings), clock.now);
  const { access } = await startAws((context) => startSqs(context), {
    authorize,
    queues,
    now: clock.now,
    ...(faults && { faults }),
  });
  const { url, region, credentials } = access;
  const lines: string[] = [];
  const log: string[] = [];
  const asked: unknown[][] = [];
  const operator = {
    system: declared,
    say: (line: string) => void lines.push(line),
    clock: { now: () => clock.now() / 1000 },
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
  return { clock, access, events, dead, undelivered, log, asked, run, bodies, lines, queue };
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
      'journal-internal-events-dead: 2, all that is in it; the oldest is of 2026-01-02T03:04:05.000Z.',
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

  test('offers to send nothing again where there is nothing', async () => {
    const { run } = await start();
    expect(await run('internal')).toBe(
      'journal-internal-events-dead: empty.\njournal-internal-events-undelivered: empty.',
    );
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
      'internal',
      'journal-internal-summary',
      'messageId',
      [id],
      expect.any(Number),
    ]);
    expect(bodies(outbox)).toEqual(['{"id":17}']);
    expect(bodies(own).sort()).toEqual(['as it is', wanted].sort());
    expect([letters, ownDead].map(bodies)).toEqual([[], []]);
    expect(undelivered.count()).toMatchObject({ visible: 2 });
  });

  test('says what it can’t see: what somebody else holds, and what is behind those that it takes', async () => {
    const { clock, dead, run } = await start();
    for (let at = 0; at < 3; at += 1) dead.send(event());
    dead.receive(2, 30);
    const until = 'by an earlier run until 2026-01-02T03:05:05.000Z at the latest: run it again then.';
    const said = (await run('internal')).split('\n');
    expect(said[0]).toBe('journal-internal-events-dead: 1; the oldest is of 2026-01-02T03:04:05.000Z.');
    expect(said[2]).toBe(`  2 more are hidden, ${until}`);
    dead.receive(1, 30);
    expect(await run('internal')).toContain(
      `journal-internal-events-dead: none in sight.\n  3 more are hidden, ${until}`,
    );
    clock.advance(30_000);
    for (let at = 0; at < 500; at += 1) dead.send(event());
    expect(await run('internal')).toContain('  and 485 more\n  3 more: run it again after these.');
  });

  test('hides what it has not come to again while it goes on, but for no longer than a minute', async () => {
    const hidden: number[] = [];
    const { clock, dead, run } = await start(
      rulesOf(({ action }) => {
        if (action !== 'sqs:SendMessage') return false;
        hidden.push(dead.count().inFlight);
        clock.advance(40_000);
        return false;
      }),
    );
    for (let at = 0; at < 4; at += 1) dead.send(event());
    expect(await run('internal', '--yes')).toContain('4 put into journal-internal-events.');
    expect(hidden).toEqual([4, 3, 2, 1]);
  });

  describe('that is asked to end', () => {
    /** A run of its own process over 30 dead letters, and what is done while it sends the second. */
    async function runUntil(meanwhile: (child: ChildProcess, output: Readable) => unknown) {
      const { inject, meet } = createFaults();
      let sent = 0;
      const faults: Faults = {
        inject,
        async meet(service, operation, caller, run) {
          if (operation === 'SendMessage') sent += 1;
          if (sent === 2 && operation === 'SendMessage') await meanwhile(child, child.stdout);
          return meet(service, operation, caller, run);
        },
      };
      const more = { began: Date.now(), faults };
      const { access, dead, events, bodies } = await start(rulesOf(), system, [], more);
      const letters = Array.from({ length: 30 }, (_, at) => event({ id: `dead-${at}` }));
      for (const body of letters) dead.send(body);
      const { accessKeyId, secretAccessKey, sessionToken } = access.credentials;
      const env = {
        AWS_ENDPOINT_URL: access.url,
        AWS_REGION: REGION,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
      };
      const args = ['redrive', 'internal', '--yes', '--declaration', 'test/one-client.zones.ts'];
      const child = spawn(process.execPath, ['infra/keys/main.ts', ...args], { env });
      const [[code, signal], said] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
      return { code, signal, said, letters, left: [...bodies(dead), ...bodies(events)], dead, events };
    }

    test.each(['SIGINT', 'SIGTERM'] as const)('by %s gives back what it holds, and says so', async (name) => {
      const { code, said, letters, left, dead, events } = await runUntil((child) => child.kill(name));
      expect([code, said]).toEqual([1, expect.stringContaining(`request_aborted: Ended by ${name}`)]);
      expect(events.messages().length).toBeLessThan(30);
      expect(left.sort()).toEqual(letters.sort());
      expect(dead.count().inFlight).toBe(0);
    });

    test('ends at once by a second signal of another kind, and loses nothing', async () => {
      const { signal, letters, left } = await runUntil(async (child, output) => {
        child.kill('SIGINT');
        for await (const said of output) if (String(said).includes('Ending')) child.kill('SIGTERM');
      });
      expect(signal).toBe('SIGTERM');
      expect(left.sort()).toEqual(expect.arrayContaining(letters));
    });
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
    clock.advance(61_000);
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
