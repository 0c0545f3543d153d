import { ZonesError } from '@helseid-zones/protocol/errors';
import type { ClientRecord, KeyEntry } from '@helseid-zones/protocol/record';
import { candidateKey, currentKey, findKey, moveKey } from '@helseid-zones/protocol/record-states';
import { required } from '@helseid-zones/protocol/values';
import * as v from 'valibot';
import { disableClientKey } from '../../functions/common/client-keys.ts';
import { beginRotation, isPending } from '../../functions/common/rotation-status.ts';
import { RECORD_TTL_MS } from '../../functions/signer/read-record.ts';
import {
  jwkCommand,
  keysCommand,
  type OpenedClient,
  type Operator,
  openClient,
  openClientOf,
} from './operator.ts';
import type { KeyOptions } from './options.ts';

/** Seconds until every signer has read a changed record again. */
const SIGNERS_KNOW = RECORD_TTL_MS / 1000 + 5;

/** Seconds between two looks at a rotation, for which it may not show that it has begun, and after which it is left to itself. */
const LOOK = 3;
const BEGINS = 15;
const PATIENCE = 20 * 60;

/** Seconds without a change after which the log is pointed to: of a step that failed it may tell late, or not be readable. */
const STALLED = 60;

/**
 * Has Secrets Manager replace the current key, and waits for it. With `now` the replaced key, and any replaced before, stops
 * at once, instead of signing proofs until its last token has expired; where the new one waits for a person, {@link verifyKey} does that.
 * @throws {ZonesError} rotation_failed: when no new key is current in the end
 */
export async function rotateKey(operator: Operator, { client: named, now }: KeyOptions): Promise<void> {
  const client = openClient(operator, named);
  const old = currentKey(await client.store.read());
  if (!(await operator.confirm(`Replace the key of client ${client.name}?${warn(now)}`))) return;
  let record = await runRotation(operator, client, now);
  // What was cut off, and has been ended now, had made its key current before.
  if (!isNew(record, old) && !candidateKey(record)) record = await runRotation(operator, client, now);
  if (candidateKey(record)?.state === 'created' && !isNew(record, old))
    return sayRegister(operator, client, now);
  if (!isNew(record, old)) throw failed(`No new key is current; why is in ${operator.rotationLog}.`, now);
  await endReplaced(operator, client, record, now);
}

const warn = (now: boolean) =>
  now ? ' Every older key stops at once: tokens bound to it die, calls fetch new ones.' : '';

async function endReplaced(operator: Operator, client: OpenedClient, record: ClientRecord, now: boolean) {
  operator.say(`Current: ${currentKey(record)?.kid}`);
  if (now) await stopKeys(operator, client, replacedKeys(record));
}

const replacedKeys = ({ keys }: ClientRecord) =>
  keys.filter(({ state }) => state === 'retiring').map(({ kid }) => kid);

/**
 * Goes on with a key that waits: has it proved at HelseID and made current. With `now` older keys stop then, as {@link rotateKey} has it.
 * @throws {ZonesError} rotation_failed
 */
export async function verifyKey(operator: Operator, { client: named, now }: KeyOptions): Promise<void> {
  const client = openClient(operator, named);
  const before = await client.store.read();
  const waiting = candidateKey(before);
  if (!waiting) {
    operator.say(`No key of client ${client.name} waits; current: ${currentKey(before)?.kid ?? 'none'}.`);
    // It may have become current by itself since somebody wanted the older ones to stop.
    const replaced = now ? replacedKeys(before) : [];
    if (replaced.length > 0 && (await operator.confirm(`Stop ${replaced.join(', ')}?${warn(now)}`)))
      await stopKeys(operator, client, replaced);
    return;
  }
  const question = `Prove key ${waiting.kid} (${waiting.state}) at HelseID and make it current?${warn(now)}`;
  if (!(await operator.confirm(question))) return;
  const record = await runRotation(operator, client, now);
  const state = findKey(record, waiting.kid)?.state;
  if (state === 'current') await endReplaced(operator, client, record, now);
  else if (state === 'created') sayRegister(operator, client, now);
  else throw failed(`Key ${waiting.kid} is ${state}; why is in ${operator.rotationLog}.`, now);
}

/**
 * Retires a key and disables it. Not the current one; one that tokens may still depend on only with `force`.
 * @throws {ZonesError} key_unknown, transition_refused
 */
export async function retireKey(operator: Operator, options: KeyOptions): Promise<void> {
  const { client: named, force } = options;
  const kid = required(options.kid, 'A kid');
  const client = await openClientOf(operator, kid, named);
  const { name, record } = client;
  // Refused before anybody is asked.
  if (currentKey(record)?.kid === kid)
    throw new ZonesError(
      'transition_refused',
      `Key ${kid} is the current one: ${keysCommand(operator, `rotate ${name}`)} replaces it, with --now at once.`,
    );
  moveKey(record, kid, 'retired', operator.clock.now(), { force });
  const state = findKey(record, kid)?.state;
  const warning =
    state === 'registered' || state === 'verified'
      ? ' HelseID may accept this one only: make sure that it accepts the current key.'
      : '';
  if (!(await operator.confirm(`Retire key ${kid} (${state}) and disable it?${warning}`))) return;
  await stopKeys(operator, client, [kid]);
}

/** The record says so first; once every signer has read that, KMS is told. */
async function stopKeys(operator: Operator, client: OpenedClient, kids: readonly string[]): Promise<void> {
  if (kids.length === 0) return;
  const record = await client.store.change((before) =>
    kids.reduce((next, kid) => moveKey(next, kid, 'retired', operator.clock.now(), { force: true }), before),
  );
  operator.say(`Waiting ${SIGNERS_KNOW} s, until every signer knows.`);
  await operator.clock.wait(SIGNERS_KNOW);
  for (const kid of kids) {
    const keyArn = findKey(record, kid)?.keyArn;
    if (keyArn && (await disableClientKey(operator.kms, keyArn))) operator.say(`KEY_DISABLED  ${kid}`);
  }
}

/**
 * Begins a rotation, or has one that is under way attempted again, and waits for its end: that it is over, or that a step fails.
 * @throws {ZonesError} rotation_failed: with the step and why, as far as the log of the rotation function can be read
 */
async function runRotation(operator: Operator, client: OpenedClient, now: boolean): Promise<ClientRecord> {
  const { name, secretId, store } = client;
  const before = describeStates(await store.read());
  const known = new Set(await operator.failedSteps());
  let begun = !(await beginRotation(operator.secrets, secretId));
  const began = operator.clock.now();
  let seen = '';
  let moved = 0;
  for (;;) {
    const states = describeStates(await store.read());
    const seconds = operator.clock.now() - began;
    // A key can be registered as soon as it is made, whatever the rotation still waits for.
    const hint = / created\b/.test(states)
      ? `  (${jwkCommand(operator, name)} prints the one that is created)`
      : '';
    if (states !== seen) {
      operator.say(`${seconds} s: ${states || 'no key yet'}${hint}`);
      [seen, moved] = [states, seconds];
    }
    const failure = findFailure(await operator.failedSteps(), known, name);
    const pending = isPending(await operator.secrets.describeSecret({ SecretId: secretId }));
    begun ||= pending || states !== before || seconds >= BEGINS;
    if (begun && !pending) return store.read();
    if (failure !== undefined)
      throw failedStep(operator, client, candidateKey(await store.read()), failure, now);
    if (seconds > PATIENCE)
      throw failed(
        `The rotation is not over; Secrets Manager goes on with it. How far it is, is in ${operator.rotationLog}.`,
        now,
      );
    if (seconds - moved >= STALLED) {
      operator.say(`${seconds} s: nothing has moved; what it waits for is in ${operator.rotationLog}.`);
      moved = Number.POSITIVE_INFINITY;
    }
    await operator.clock.wait(LOOK);
  }
}

const text = v.string();
const failedLine = v.looseObject({
  code: v.literal('ROTATION_STEP_FAILED'),
  client: text,
  step: text,
  reason: text,
});
const failureSchema = v.pipe(text, v.parseJson(), failedLine);

/** The newest failed step of a client among log lines that were not known before. */
function findFailure(lines: readonly string[], known: ReadonlySet<string>, client: string) {
  return lines
    .filter((line) => !known.has(line))
    .map((line) => v.safeParse(failureSchema, line))
    .flatMap(({ success, output }) => (success && output.client === client ? [output] : []))
    .at(-1);
}

/** What a step that failed means for the operator: a key that waits goes on by hand, any other by itself. */
function failedStep(
  operator: Operator,
  { name }: OpenedClient,
  waiting: KeyEntry | undefined,
  { step, reason }: { step: string; reason: string },
  now: boolean,
): ZonesError {
  const next =
    waiting?.state === 'created'
      ? `The key waits: ${jwkCommand(operator, name)} prints it; register it, then ${keysCommand(operator, again('verify', name, now))}.`
      : `It is tried again within the hour; ${keysCommand(operator, again('rotate', name, now))} does so at once.`;
  return failed(
    `Rotation failed in ${step}: ${reason} (${operator.rotationLog}; docs/operating.md says what it means). ${next}`,
    now,
    { step, reason },
  );
}

const failed = (message: string, now: boolean, facts: { step?: string; reason?: string } = {}): ZonesError =>
  new ZonesError('rotation_failed', message + signOn(now), { facts });

const describeStates = ({ keys }: ClientRecord): string =>
  keys.map(({ kid, state }) => `${kid.slice(0, 8)} ${state}`).join(', ');

function isNew(record: ClientRecord, old: KeyEntry | undefined): boolean {
  const current = currentKey(record);
  return current !== undefined && current.kid !== old?.kid;
}

/** Who asked for older keys to stop must not think that they have. */
const signOn = (now: boolean) => (now ? ' Older keys sign on.' : '');

const again = (command: string, name: string, now: boolean) => `${command} ${name}${now ? ' --now' : ''}`;

function sayRegister(operator: Operator, { name }: OpenedClient, now: boolean): void {
  operator.say(
    `The key waits for its registration: ${jwkCommand(operator, name)} prints it, ${keysCommand(operator, again('verify', name, now))} goes on.${signOn(now)}`,
  );
}
