import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isOfPattern } from '../../../../infra/declaration/event-pattern.ts';
import { AwsError } from '../../../../local/aws/errors.ts';
import { isDue, startSchedules } from '../../../../local/aws/events/schedule.ts';
import { startEvents } from '../../../../local/aws/events/service.ts';
import { pollQueue } from '../../../../local/aws/lambda/event-source.ts';
import { createFunctionTable } from '../../../../local/aws/lambda/service.ts';
import { openQueues, type QueueSettings, type StoredMessage } from '../../../../local/aws/sqs/queues.ts';
import { startSqs } from '../../../../local/aws/sqs/service.ts';
import { memoryDocument, openDocument } from '../../../../local/aws/state.ts';
import type { Rule } from '../../../../local/aws/template/resources.ts';
import { currentTrace } from '../../../../local/aws/trace.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import { newFolder } from '../../../temporary.ts';
import {
  ACCOUNT,
  answered,
  contextOf,
  fakeClock,
  functionOf,
  poolOf,
  REGION,
  rulesOf,
  startAws,
} from '../harness.ts';

const arnOf = (name: string) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;
const queueOf = (name: string, more: Partial<QueueSettings> = {}): QueueSettings => ({
  name,
  arn: arnOf(name),
  url: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`,
  visibilityTimeout: 60,
  retention: 86_400,
  kmsKeyId: undefined,
  redrive: undefined,
  ...more,
});
const worker = functionOf('worker');

/** What is put as a document's creation goes to the queue, or to the undelivered. */
const RULE: Rule = {
  name: 'documents',
  arn: `arn:aws:events:${REGION}:${ACCOUNT}:rule/journal/documents`,
  bus: 'journal',
  pattern: { source: ['journal.documents'], 'detail-type': ['DocumentCreated'] },
  schedule: undefined,
  targets: [{ arn: arnOf('events'), input: undefined, deadLetterArn: arnOf('undelivered') }],
};

function newQueues(
  clock = fakeClock(),
  document = memoryDocument({ queues: {} as Record<string, StoredMessage[]> }),
) {
  const redrive = { deadLetterArn: arnOf('dead'), maxReceiveCount: 2 };
  const declared = [queueOf('events', { redrive }), queueOf('dead'), queueOf('undelivered')];
  const queues = openQueues(document, declared, clock.now);
  return { queues, clock, document, declared, events: queues.find('events'), dead: queues.find('dead') };
}

describe('a queue', () => {
  it('hides what was received, gives it again, and buries it when it was received too often', () => {
    const { events, dead, clock } = newQueues();
    const { id } = events.send('one');
    expect(events.receive(10)).toHaveLength(1);
    expect(events.receive(10)).toHaveLength(0);
    clock.advance(60_000);
    expect(events.receive(10)).toMatchObject([{ body: 'one', receives: 2 }]);
    clock.advance(60_000);
    expect(events.receive(10)).toHaveLength(0);
    // With its id, by which the audit says why.
    expect(dead.receive(10)).toMatchObject([{ id, body: 'one', receives: 1 }]);
  });

  it('hides a message for as long as its receiver says', () => {
    const { dead, clock } = newQueues();
    dead.send('one');
    expect(dead.receive(1, 0)).toHaveLength(1);
    expect(dead.receive(1, 120)).toHaveLength(1);
    clock.advance(119_999);
    expect(dead.receive(1)).toEqual([]);
    clock.advance(1);
    expect(dead.receive(1)).toMatchObject([{ receives: 3 }]);
  });

  it('counts what is in flight, and no longer once it is back or past its retention', () => {
    const { events, clock } = newQueues();
    for (const body of ['one', 'two']) events.send(body);
    events.receive(1);
    expect(events.count()).toEqual({ visible: 1, inFlight: 1 });
    clock.advance(60_000);
    expect(events.count()).toEqual({ visible: 2, inFlight: 0 });
    clock.advance(86_400_000);
    expect(events.count()).toEqual({ visible: 0, inFlight: 0 });
  });

  it('deletes by the last receipt only', () => {
    const { events, clock } = newQueues();
    events.send('one');
    const [{ receipt: first = '' } = {}] = events.receive(1);
    clock.advance(60_000);
    const [{ receipt: second = '' } = {}] = events.receive(1);
    expect(() => events.delete(first)).toThrow('not valid');
    events.delete(second);
    expect(events.messages()).toEqual([]);
  });

  it('keeps its messages in the state, and forgets them after the retention period', () => {
    const { events, document, declared, clock } = newQueues();
    events.send('one');
    const reopened = openQueues(document, declared, clock.now).find('events');
    expect(reopened.messages()).toMatchObject([{ body: 'one' }]);
    clock.advance(86_400_000);
    expect(reopened.receive(1)).toEqual([]);
    expect(reopened.messages()).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('queues on a disk', () => {
  function onDisk() {
    const path = join(newFolder(), 'queues.json');
    const opened = openDocument(path, { queues: {} as Record<string, StoredMessage[]> });
    const saved: string[] = [];
    const save = () => {
      opened.save();
      saved.push(readFileSync(path, 'utf8'));
    };
    /** The next save finds no room. */
    const fill = () => symlinkSync('/dev/full', `${path}.new`);
    return { ...newQueues(fakeClock(), { value: opened.value, save }), saved, fill };
  }

  /** With one message that its next receive buries. */
  function withDying() {
    const all = onDisk();
    all.events.send('one');
    for (let times = 0; times < 2; times += 1) {
      all.events.receive(1);
      all.clock.advance(60_000);
    }
    return all;
  }

  it('have a message in one place after each save, whenever the process ends', () => {
    const { events, dead, saved } = withDying();
    expect(events.receive(1)).toEqual([]);
    expect(dead.messages()).toHaveLength(1);
    expect(saved.map((text) => text.split('"body":"one"').length - 1)).toEqual(saved.map(() => 1));
  });

  it('lose nothing to a move, a receive or a delete that could not be saved', () => {
    const { events, dead, saved, fill } = withDying();
    fill();
    expect(() => events.receive(1)).toThrow("can't be written (ENOSPC)");
    expect([events, dead].map((queue) => queue.messages().length)).toEqual([1, 0]);
    events.receive(1);
    expect(dead.messages()).toHaveLength(1);
    fill();
    expect(() => dead.receive(1)).toThrow('ENOSPC');
    const [{ receipt = '' } = {}] = dead.receive(1);
    for (const change of [() => dead.hide(receipt, 1), () => dead.delete(receipt), () => dead.send('two')]) {
      fill();
      expect(change).toThrow('ENOSPC');
    }
    expect(JSON.parse(saved.at(-1) ?? '').queues[dead.settings.arn]).toEqual(dead.messages());
  });

  it('take no event that they can’t keep, and whoever sends it is told', async () => {
    const { queues, events, fill } = onDisk();
    const arn = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/journal`;
    const model = { buses: [{ name: 'journal', arn, kmsKeyId: undefined }], rules: [RULE] };
    const { json } = await startAws((context) => [startEvents(model, context), startSqs(context)], {
      queues,
    });
    const entry = { EventBusName: 'journal', Source: 'journal.documents', DetailType: 'DocumentCreated' };
    const put = () => json('events', 'AWSEvents.PutEvents', { Entries: [{ ...entry, Detail: '{}' }] }, '1.1');
    fill();
    await expect(put()).resolves.toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: expect.stringContaining('ENOSPC') }],
    });
    fill();
    const send = { QueueUrl: events.settings.url, MessageBody: 'one' };
    await expect(json('sqs', 'AmazonSQS.SendMessage', send)).rejects.toThrow(answered('InternalFailure'));
    const all = ['events', 'dead', 'undelivered'].map((name) => queues.find(name).messages());
    expect(all).toEqual([[], [], []]);
    await expect(put()).resolves.toMatchObject({ FailedEntryCount: 0 });
    expect(events.messages()).toHaveLength(1);
  });
});

describe('an event source mapping', () => {
  async function poll(
    answer: (records: { messageId: string; body: string }[]) => unknown,
    reportsFailures = true,
  ) {
    const { queues, events } = newQueues();
    for (const body of ['a', 'b', 'c']) events.send(body);
    const controller = new AbortController();
    const seen: string[][] = [];
    const traces: (string | undefined)[] = [];
    const pool = poolOf(({ Records }: { Records: { messageId: string; body: string }[] }) => {
      seen.push(Records.map(({ body }) => body));
      traces.push(currentTrace());
      controller.abort();
      return answer(Records);
    });
    const { authorize, asked } = rulesOf();
    const trail = createTrail(Date.now);
    await pollQueue(
      contextOf({ queues, pool, authorize, trail, functions: createFunctionTable([worker]) }),
      { queueArn: arnOf('events'), functionName: 'worker', batchSize: 10, concurrency: 1, reportsFailures },
      controller.signal,
    );
    return { seen, asked, traces, trail, left: events.messages().map(({ body }) => body) };
  }

  it('says what became of a message in the trace of the invocation that had it', async () => {
    const { traces, trail } = await poll(() => null);
    const done = trail.lines().filter(({ fields }) => fields['outcome'] === 'done');
    expect(traces).toEqual([expect.stringMatching(/^1-/)]);
    expect(done.map(({ trace }) => trace)).toEqual(Array(3).fill(traces[0]));
  });

  it("hands a batch over with the function's role and deletes what succeeded", async () => {
    const { seen, left, asked } = await poll(() => null);
    expect(seen).toEqual([['a', 'b', 'c']]);
    expect(left).toEqual([]);
    expect(asked.map(({ action }) => action)).toEqual([
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
    ]);
    expect(asked[0]?.caller.arn).toBe(worker.roleArn);
  });

  it('keeps only the messages that the function names', async () => {
    const { left } = await poll((records) => ({
      batchItemFailures: [{ itemIdentifier: records[1]?.messageId }],
    }));
    expect(left).toEqual(['b']);
  });

  it.each([
    ['the function failed', () => new Error('no')],
    ['it was throttled', () => Promise.reject(new AwsError('TooManyRequestsException', '', 429))],
    ['it names a message of another batch', () => ({ batchItemFailures: [{ itemIdentifier: 'other' }] })],
    ['it names nothing', () => ({ batchItemFailures: [{}] })],
    ['its list is none', () => ({ batchItemFailures: 'b' })],
  ])('keeps the whole batch when %s', async (_, answer) => {
    expect((await poll(answer)).left).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['what it threw', () => new TypeError('no letter'), 'TypeError: no letter'],
    ['what keeps it', () => Promise.reject(new AwsError('TooMany', 'Rate Exceeded.', 429)), /Rate/],
    ['an answer of another form', () => ({ batchItemFailures: 'b' }), /makes no sense/],
    ['a message of another batch', () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] }), /not in the/],
  ])('says why all failed: %s', async (_, answer, why) => {
    const { trail } = await poll(answer);
    const errors = trail.lines().map(({ fields }) => fields['error']);
    expect(errors).toEqual(Array(3).fill(typeof why === 'string' ? why : expect.stringMatching(why)));
  });

  it('looks at no list where the mapping does not report failures', async () => {
    const { left } = await poll(
      (records) => ({ batchItemFailures: [{ itemIdentifier: records[1]?.messageId }] }),
      false,
    );
    expect(left).toEqual([]);
  });
});

describe('EventBridge', () => {
  async function start({ authorize, asked } = rulesOf()) {
    const { queues, events } = newQueues();
    const arn = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/journal`;
    const bus = { name: 'journal', arn, kmsKeyId: undefined };
    const { json } = await startAws(
      (context) => [startEvents({ buses: [bus], rules: [RULE] }, context), startSqs(context)],
      { authorize, queues },
    );
    const fine = { EventBusName: 'journal', Source: 'journal.documents', DetailType: 'DocumentCreated' };
    const put = (entry: object) =>
      json('events', 'AWSEvents.PutEvents', { Entries: [{ ...fine, Detail: '{"a":1}', ...entry }] }, '1.1');
    return { put, json, queues, events, asked };
  }

  it('delivers a matching event to the queue, as itself and for the rule', async () => {
    const { put, events, asked } = await start();
    await expect(put({})).resolves.toMatchObject({ FailedEntryCount: 0 });
    const [message] = events.messages();
    expect(JSON.parse(message?.body ?? '')).toMatchObject({
      'detail-type': 'DocumentCreated',
      source: 'journal.documents',
      detail: { a: 1 },
      account: ACCOUNT,
    });
    expect(asked.at(-1)).toMatchObject({
      action: 'sqs:SendMessage',
      caller: { arn: 'events.amazonaws.com' },
      context: { 'aws:SourceArn': RULE.arn, 'aws:SourceAccount': ACCOUNT },
    });
  });

  it('delivers no other event', async () => {
    const { put, events } = await start();
    await put({ DetailType: 'DocumentDeleted' });
    await put({ Source: 'somebody.else' });
    expect(events.messages()).toEqual([]);
  });

  it("buries what the queue's policy refuses", async () => {
    const denied = rulesOf(
      ({ action, resource }) => action === 'sqs:SendMessage' && resource === arnOf('events'),
    );
    const { put, events, queues } = await start(denied);
    await put({});
    expect(events.messages()).toEqual([]);
    expect(queues.find('undelivered').messages()).toHaveLength(1);
  });

  it.each([
    ['a detail that is no JSON', { Detail: 'x' }, 'MalformedDetail'],
    ['a detail that is no object', { Detail: '[1]' }, 'MalformedDetail'],
    ["a source of AWS's own", { Source: 'aws.s3' }, 'NotAuthorizedForSourceException'],
    ['a member that is not implemented', { TraceHeader: 'x' }, 'NotImplementedException'],
  ])('answers for %s in its entry', async (_, entry, ErrorCode) => {
    const { put } = await start();
    await expect(put(entry)).resolves.toMatchObject({ FailedEntryCount: 1, Entries: [{ ErrorCode }] });
  });

  it('refuses an unknown bus and whoever may not put events', async () => {
    const { put } = await start();
    await expect(put({ EventBusName: 'nowhere' })).rejects.toThrow(answered('ResourceNotFoundException'));
    const denied = await start(rulesOf(({ action }) => action === 'events:PutEvents'));
    await expect(denied.put({})).rejects.toThrow(answered('AccessDeniedException'));
    expect(denied.events.messages()).toEqual([]);
  });

  it('lets an operator look at a queue', async () => {
    const { put, json, events } = await start();
    await put({});
    const QueueUrl = events.settings.url;
    const sqs = (name: string, input: object) => json('sqs', `AmazonSQS.${name}`, input);
    // A look at it hides it from nobody.
    const looked = await sqs('ReceiveMessage', { QueueUrl, VisibilityTimeout: 0 });
    expect(looked).toMatchObject({ Messages: [{ Attributes: { ApproximateReceiveCount: '1' } }] });
    await expect(sqs('ReceiveMessage', { QueueUrl, VisibilityTimeout: 43_201 })).rejects.toThrow(
      answered('ValidationException'),
    );
    const { Messages } = (await sqs('ReceiveMessage', { QueueUrl })) as {
      Messages: { ReceiptHandle: string }[];
    };
    await sqs('DeleteMessage', { QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle });
    expect(events.messages()).toEqual([]);
    for (const body of ['one', 'two']) events.send(body);
    await sqs('PurgeQueue', { QueueUrl });
    expect(events.messages()).toEqual([]);
    await expect(sqs('GetQueueUrl', { QueueName: 'nobody' })).rejects.toThrow(answered('QueueDoesNotExist'));
  });
});

describe('event patterns', () => {
  const event = { source: 'a.b', detail: { kind: 'X', list: ['p', 'q'], nested: { n: 1 } } };
  it.each([
    [{ source: ['a.b'] }, true],
    [{ source: ['c', 'a.b'] }, true],
    [{ source: ['c'] }, false],
    [{ other: ['c'] }, false],
    [{ detail: { list: ['q'] } }, true],
    [{ detail: { nested: { n: [1] } } }, true],
    [{ detail: { nested: { n: ['1'] } } }, false],
  ])('%j matches: %s', (pattern, expected) => {
    expect(isOfPattern(event, pattern)).toBe(expected);
  });
});

describe('schedules', () => {
  const at = (text: string) => Date.parse(`${text}Z`);
  const began = at('2026-01-02T03:04');
  /** The first minute after it in which it fires, within so many days. */
  const next = (expression: string, from: string, days: number) => {
    for (let minute = at(from) + 60_000; minute <= at(from) + days * 86_400_000; minute += 60_000)
      if (isDue(expression, minute, began)) return new Date(minute).toISOString().slice(0, 16);
    return undefined;
  };

  it.each([
    ['rate(1 hour)', '2026-01-02T03:04', '2026-01-02T04:04'],
    ['rate(5 minutes)', '2026-01-02T03:04', '2026-01-02T03:09'],
    ['rate(1 day)', '2026-01-02T03:04', '2026-01-03T03:04'],
    ['cron(0 8 * * ? *)', '2026-01-02T09:00', '2026-01-03T08:00'],
    ['cron(0 8 ? * TUE *)', '2026-01-02T09:00', '2026-01-06T08:00'],
    ['cron(0 8 1 1,3,5 ? *)', '2026-01-31T09:00', '2026-03-01T08:00'],
    ['cron(0/15 * ? * MON-FRI *)', '2026-01-02T23:50', '2026-01-05T00:00'],
    ['cron(0 8 * * ? *)', '2026-01-02T08:00', '2026-01-03T08:00'],
    ['cron(0 8 * * ? 2027)', '2026-01-02T08:00', undefined],
  ])('%s after %s is %s', (expression, from, expected) => {
    // A day more than it takes; what fires in another year only would fire each day.
    const days = expected === undefined ? 2 : Math.ceil((at(expected) - at(from)) / 86_400_000) + 1;
    expect(next(expression, from, days)).toBe(expected);
  });

  it.each(['cron(0 8 L * ? *)', 'cron(0 8 ? * 2#1 *)', 'at(2026-01-01)', 'cron(0/0 8 * * ? *)'])(
    'refuses %s at the start',
    (expression) => {
      expect(() => startSchedules([{ expression, run() {} }], Date.now)).toThrow('not implemented');
    },
  );

  it('runs what is due once a minute, until it is ended', () => {
    vi.useFakeTimers({ now: began + 59_000 });
    onTestFinished(() => void vi.useRealTimers());
    let runs = 0;
    const stop = startSchedules([{ expression: 'rate(2 minutes)', run: () => (runs += 1) }], Date.now);
    vi.advanceTimersByTime(4 * 60_000 + 1000);
    expect(runs).toBe(2);
    stop();
    vi.advanceTimersByTime(10 * 60_000);
    expect(runs).toBe(2);
  });
});
