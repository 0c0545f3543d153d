/**
 * The local system for minutes or hours, with mixed traffic, a rotation of each key and faults at random: every event is done or
 * lies in the dead letters with its reason, every answer is a 2xx or a coded refusal after which one may try again or, of a login whose
 * answer was lost, begin again; every lane comes through, what nobody signed does not, memory and sockets of what lives on
 * stay flat, and nothing that is logged or answered shows a secret. Ends with a report, and with 1 where any of it does not hold.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { TEXTS } from '../../functions/login-common/answer.ts';
import { zoneQueues } from '../../infra/declaration/function-resources.ts';
import { eventNames } from '../../infra/declaration/names.ts';
import { objectOf, parseJson } from '../../infra/proof/assembly/json.ts';
import { webhookHeaders } from '../../local/app/call-own.ts';
import { readClientRecord } from '../../local/app/client-keys.ts';
import { fillIn, makeOrganizationNumber, putEvent } from '../../local/app/events.ts';
import { gatewayZone, operatorAccess, samplePath, sampleZone } from '../../local/app/steps/facts.ts';
import { loginFacts, newVisitor } from '../../local/app/steps/log-in.ts';
import { replaceKey } from '../../local/app/steps/rotation.ts';
import { startSystem } from '../../local/app/system.ts';
import { callGateway } from '../../local/aws/aws-client.ts';
import { findLeak } from '../canaries.ts';
import { codesOf } from '../fuzz/open-edge.ts';
import { createRandom } from '../fuzz/random.ts';
import { searchTrail } from '../fuzz/search.ts';
import { freePorts } from '../ports.ts';
import { findGrowth, measure, processorTime, type Sample } from './measure.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});
const MINUTES = Number(values.minutes);
const random = createRandom(Number(values.seed));

/** Milliseconds between two requests of a lane, between two faults, and for what must come to an end by itself. */
const PAUSE = 200;
const CALM = 4000;
const PATIENCE = 120_000;
/** And for which a fault goes on that no call has met. */
const UNMET = 40_000;

/** What goes wrong: calls of whom and what becomes of them, for how many milliseconds. */
const FAULTS = [
  ['KMS throttles', { service: 'kms', operation: 'Sign' }, { error: 'ThrottlingException' }, 2500],
  ['KMS is down', { service: 'kms' }, { error: 'KMSInternalException', status: 500 }, 2000],
  ['KMS is slow', { service: 'kms', operation: 'Sign' }, { slow: 900 }, 3000],
  ['KMS’s answers are lost', { service: 'kms', operation: 'Sign' }, { lost: true }, 1500],
  ['secrets are down', { service: 'secretsmanager' }, { error: 'InternalServiceError', status: 500 }, 2500],
  ['DynamoDB is down', { service: 'dynamodb' }, { error: 'InternalServerError', status: 500 }, 2500],
  ['DynamoDB throttles', { service: 'dynamodb' }, { error: 'ThrottlingException' }, 2500],
  ['DynamoDB’s answers are lost', { service: 'dynamodb' }, { lost: true }, 1500],
  ['Lambda fails', { service: 'lambda' }, { error: 'ServiceException', status: 500 }, 2000],
  ['Lambda throttles', { service: 'lambda' }, { error: 'TooManyRequestsException', status: 429 }, 2000],
] as const;

const broken: string[] = [];
/** A promise that was not kept, said at most so often. */
function note(what: string): void {
  if (broken.length >= 50) return;
  // The load tells what of it may be the machine's doing.
  const load = `load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores`;
  broken.push(`${(performance.now() / 1000).toFixed(0)} s, ${load}: ${what}`);
  console.log(`BROKEN  ${broken.at(-1)}`);
}
const refuseLeak = (value: unknown, where: string) => {
  const leak = findLeak(value);
  if (leak !== undefined) note(`${where} shows the ${leak}: ${JSON.stringify(value).slice(0, 300)}`);
};

const directory = mkdtempSync(join(tmpdir(), 'zones-soak-'));
const system = await startSystem({
  declarationFile: 'test/soak/zones.ts',
  standIn: true,
  directory,
  fresh: true,
  ports: await freePorts(),
});
const { aws, trail, declaration } = system;
const { zone: eventZone, declared, functionName: worker, event } = sampleZone(system);
const { zone } = gatewayZone(system);
const [queues] = zoneQueues(declaration.name, eventZone, declared);
const queue = aws.queues.find(queues?.queue ?? '');
const dead = aws.queues.find(queues?.deadLetters ?? '');
const facts = loginFacts(system);
const operator = operatorAccess(system);
const gateway = { ...operator, url: system.gatewayUrl(zone) };

const search = searchTrail(system, note);

/** Events by id: when they were sent, and what became of them. */
const events = new Map<string, { sent: number; done?: number; reasons: string[] }>();
trail.subscribe(({ kind, fields }) => {
  const known = events.get(String(fields['eventId']));
  if (known === undefined) return;
  if (fields['code'] === 'document.failed') known.reasons.push(String(fields['reason']));
  if (kind !== 'platform' || fields['event'] !== 'event-source') return;
  if (fields['outcome'] === 'done') known.done ??= Date.now();
  // Of a function that ended in the middle Lambda says why.
  if (fields['outcome'] === 'failed' && fields['error'] !== undefined)
    known.reasons.push(String(fields['error']));
  // After a failure the message would stay hidden for minutes; that wait is cut short, unless it has come again by then.
  if (fields['outcome'] === 'failed') setTimeout(comeAgain, 1000, fields['message']).unref();
});
function comeAgain(message: unknown): void {
  const { receipt, visible = 0 } = queue.messages().find(({ id }) => id === message) ?? {};
  if (receipt !== undefined && visible > Date.now()) queue.hide(receipt, 0);
}

/** Answers by lane and outcome; and when each lane's last request began that came through. */
const answers = new Map<string, number>();
const through = new Map<string, number>();
const CODED = [429, 502, 503, 504];
/** What a login ends with whose answer was lost on the way: a person begins anew. */
const EXPIRED = `<title>${TEXTS.en.pages.expired.title}</title>`;

const count = (what: string) => void answers.set(what, (answers.get(what) ?? 0) + 1);

function account(lane: string, began: number, status: number, body: unknown): void {
  refuseLeak(body, `an answer of ${lane}`);
  const page = typeof body === 'string' && body.includes('class="reference"');
  const code = page ? 'page' : objectOf(body)['code'];
  const good = status >= 200 && status < 300;
  const what = good ? 'done' : `${status} ${code}`;
  count(`${lane}: ${what}`);
  if (good) through.set(lane, began);
  else if (status === 400 && String(body).includes(EXPIRED)) count(`${lane}: of these expired`);
  else if (!CODED.includes(status) || typeof code !== 'string')
    note(`${lane} was answered with ${status}: ${JSON.stringify(body).slice(0, 300)}`);
}

let browsers = 0;
/** Sends what a partner would, signed by it or by nobody. */
async function sendHook(lane: string, headers: Record<string, string>): Promise<void> {
  const began = Date.now();
  const { status, body } = await callGateway(gateway, HOOK.path, { ...HOOK, headers });
  // What nobody signed is refused, as it must be.
  if (lane === 'forged' && status === 401) return account(lane, began, 204, body);
  if (lane === 'forged' && status < 300)
    return note(`a webhook that nobody signed was answered with ${status}`);
  account(lane, began, status, body);
}
const HOOK = { zone, method: 'POST', path: '/hooks/17', body: '{}' };

const lanes: Readonly<Record<string, () => Promise<void>>> = {
  async route() {
    const began = Date.now();
    const { status, body } = await callGateway(gateway, samplePath('/summaries/{id}'));
    account('route', began, status, body);
  },
  async webhook() {
    // As another would sign it: its own reading of the secret meets the faults, too.
    const headers = await webhookHeaders({ ...operator, declaration }, HOOK).catch(() => undefined);
    if (headers) await sendHook('webhook', headers);
    else count('webhook: not sent, its partner met a fault');
  },
  async forged() {
    // Until the partner has put it there is no secret.
    if (!through.has('webhook')) return;
    const signature = `v1,${randomBytes(32).toString('base64')}`;
    const timestamp = String(Math.floor(Date.now() / 1000));
    await sendHook('forged', {
      'webhook-id': `msg_${randomUUID()}`,
      'webhook-timestamp': timestamp,
      ...(random.often(0.8) ? { 'webhook-signature': signature } : {}),
    });
  },
  async event() {
    const id = await putEvent(operator, eventNames(declaration.name, eventZone).bus, fillIn(event));
    events.set(id, { sent: Date.now(), reasons: [] });
  },
  async login() {
    const visitor = newVisitor(facts);
    const { browser } = visitor;
    const ask = async (lane: string, url: string, body?: object) => {
      const began = Date.now();
      const page = await browser.call(url, body);
      account(lane, began, page.status, parseJson(page.body) ?? page.body);
    };
    const began = Date.now();
    const failed = await visitor.logIn().then(
      () => undefined,
      (error: Error) => error,
    );
    const last = browser.history.at(-1);
    const cookie = visitor.cookie();
    search.add('session', cookie);
    for (const [name, code] of codesOf(browser.history)) search.add(name, code);
    // What ends a login is an answer that says why.
    if (last === undefined || (failed && last.status < 400)) return note(`a login threw: ${failed}`);
    account('login', began, last.status, parseJson(last.body) ?? last.body);
    if (last.status >= 300) return;
    if (cookie === undefined) return note(`a login ended at ${last.url.pathname} without a session`);
    browsers += 1;
    await ask('api', facts.api);
    // A refresh: for another organisation.
    await ask('refresh', `${facts.gateway}/session`, { organization: { child: makeOrganizationNumber() } });
    await ask('api', facts.api);
  },
};

/** Samples of each process, by function and process id. */
const samples = new Map<string, Sample[]>();
const SELF = 'the local system';
function sample(): void {
  for (const { function: name, pid } of [...aws.pool.running(), { function: SELF, pid: process.pid }]) {
    const taken = pid === undefined ? undefined : measure(pid);
    if (taken) samples.set(`${name} (${pid})`, [...(samples.get(`${name} (${pid})`) ?? []), taken]);
  }
}

let recovered = 0;
let [worst, met] = [0, 0];

/** Milliseconds until a request of a lane that began after `since` has come through. */
async function untilThrough(lane: string, since: number): Promise<number> {
  while ((through.get(lane) ?? 0) < since) {
    if (Date.now() - since > PATIENCE) {
      note(`${lane} does not recover`);
      return PATIENCE;
    }
    await wait(50);
  }
  return Date.now() - since;
}

const RECOVER = ['route', 'webhook', 'forged', 'login'];

async function fail(): Promise<void> {
  const [what, where, fault, takes] = random.pick(FAULTS);
  const plan = aws.faults.inject(where, fault);
  await wait(takes * (0.5 + random.below(100) / 100));
  // What environments remember hides some services for half a minute: a fault that nobody meets shows nothing.
  for (const late = Date.now() + UNMET; plan.met() === 0 && Date.now() < late; ) await wait(50);
  plan.end();
  // In the last third every environment lives on: only what lives can be seen to grow.
  if (random.often(0.3) && Date.now() < began + MINUTES * 40_000) await aws.pool.recycle();
  const since = Date.now();
  const took = await Promise.all(RECOVER.map((lane) => untilThrough(lane, since)));
  worst = Math.max(worst, ...took);
  met += plan.met();
  recovered += 1;
  const times = RECOVER.map((lane, at) => `${lane} ${took[at]} ms`).join(', ');
  // At once: a run that is ended leaves its story.
  console.log(`${((Date.now() - began) / 1000).toFixed(0)} s: ${what}: ${plan.met()} calls; ${times}`);
}

/** Replaces the key of each client, again where a fault is in the way. */
async function rotate(): Promise<void> {
  for (const client of Object.keys(declaration.clients)) {
    const before = await readClientRecord(system, client).catch(() => undefined);
    for (let tries = 1; ; tries += 1) {
      try {
        await replaceKey(system, client);
        break;
      } catch (error) {
        const now = await readClientRecord(system, client).catch(() => undefined);
        const current = (of: typeof now) => of?.keys.find(({ state }) => state === 'current')?.kid;
        if (current(now) !== undefined && current(before) !== undefined && current(now) !== current(before))
          break;
        if (tries === 10) return note(`the key of ${client} is not replaced: ${error}`);
        await wait(3000);
      }
    }
    rotated += 1;
  }
}
let rotated = 0;

const began = Date.now();
const end = began + MINUTES * 60_000;
let over = false;
const driven = [
  ...Object.entries(lanes).map(async ([lane, run]) => {
    while (!over) {
      await run().catch((error: Error) => note(`${lane} threw ${error.stack}`));
      await wait(PAUSE);
    }
  }),
  (async () => {
    while (!over) {
      sample();
      search.again();
      await wait(1000);
    }
  })(),
];
const rotating = wait(MINUTES * 20_000).then(rotate);
await Promise.all(RECOVER.map((lane) => untilThrough(lane, began)));
while (Date.now() < end - CALM) {
  await wait(CALM / 2 + random.below(CALM));
  await fail();
}
await rotating;
over = true;
await Promise.all(driven);

/** Ids of events in the dead letters. */
const idsIn = (of: typeof queue) =>
  new Set(of.messages().map(({ body }) => String(objectOf(parseJson(body))['id'])));
const buried = () => idsIn(dead);
const open = () => {
  const gone = buried();
  return [...events].filter(([id, { done }]) => done === undefined && !gone.has(id));
};
const waited = Date.now();
while (open().length > 0 && Date.now() - waited < PATIENCE) {
  for (const message of queue.messages())
    if (message.receipt && message.visible > Date.now() + 20_000) queue.hide(message.receipt, 5);
  await wait(200);
}
/** What is neither done nor in the dead letters is still in the queue, or it is lost. */
const queued = idsIn(queue);
const lost = open().filter(([id]) => !queued.has(id));
for (const [id] of lost) note(`event ${id} is lost: neither done nor in a queue`);
const late = open().length - lost.length;
if (late > 0) note(`${late} events are still in the queue`);
const letters = [...buried()].filter((id) => events.has(id));
for (const id of letters)
  if ((events.get(id)?.reasons.length ?? 0) === 0)
    note(`event ${id} is in the dead letters and nothing says why`);
const done = [...events.values()].filter((each) => each.done !== undefined).length;
if (done === 0) note('no event was done');
for (const lane of [...RECOVER, 'api', 'refresh'])
  if (!through.has(lane)) note(`nothing of ${lane} came through`);
const { grown, measured } = findGrowth(samples);
for (const what of grown) note(what);
const living = new Set(aws.pool.running().map(({ function: name }) => name));
const isMeasured = (name: string) => measured.some((each) => each.startsWith(`${name} (`));
/** The pool has room for so many processes and ends those that rest: of who lived for less than half a minute nothing can be said. */
const unjudged = [...living].filter((name) => !isMeasured(name));
if (!isMeasured(SELF)) note(`${SELF} was not measured for long enough`);
if (2 * unjudged.length > living.size)
  note(`of most functions no process lived for long enough: ${unjudged.join(', ')}`);
search.again();
const shown = search.prove();
if (rotated < Object.keys(declaration.clients).length) note('not every key was replaced');
if (met === 0) note('no call met a fault');
await system.close();
const { tokens, lines } = search.finish();
rmSync(directory, { recursive: true, force: true });

const seconds = (Date.now() - began) / 1000;
const busy = processorTime('self');
const last = [...samples]
  .filter(([name]) => measured.includes(name))
  .map(([name, all]) => `${name} ${all.at(-1)?.memory.toFixed(0)} MiB, ${all.at(-1)?.sockets} sockets`);
console.log(
  [
    `Soak of ${seconds.toFixed(0)} s, seed ${values.seed}: ${worker} and ${Object.keys(lanes).length} lanes, ${browsers} logins, ${rotated} keys replaced, ${recovered} faults that ${met} calls met.`,
    `Events: ${events.size} sent, ${done} done, ${letters.length} in the dead letters with their reasons, ${late} still in the queue, ${lost.length} lost.`,
    `Answers: ${[...answers]
      .sort()
      .map(([what, count]) => `${what} ${count}`)
      .join('; ')}.`,
    `Recovered after ${worst} ms at the latest.`,
    ...(busy
      ? [
          `Of this time the local system ran for ${busy.ran.toFixed(0)} s and waited for a processor for ${busy.waited.toFixed(0)} s.`,
        ]
      : []),
    `Memory (VmRSS) and sockets at the end, of ${last.length} processes that were measured for long enough: ${last.join('; ')}.`,
    ...(unjudged.length > 0
      ? [`Of these no process lived long enough to tell: ${unjudged.join(', ')}.`]
      : []),
    `Looked for and not shown: ${shown.join(', ')}; in ${lines} lines of log files also ${tokens} sessions, codes and refresh tokens.`,
    broken.length === 0 ? 'All held.' : `${broken.length} promises were not kept.`,
  ].join('\n'),
);
process.exit(broken.length === 0 ? 0 : 1);
