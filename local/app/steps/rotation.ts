import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import { required } from '@helseid-zones/protocol/values';
import { signerName } from '../../../infra/declaration/names.ts';
import { listOf, objectOf } from '../../../infra/proof/assembly/json.ts';
import { ROTATION_STEPS } from '../../aws/secrets/rotation.ts';
import type { TrailLine } from '../../aws/trail.ts';
import type { SelfServiceBehaviour } from '../../helseid/self-service.ts';
import { askAws, findInState, readClientRecord, rotateClientKey } from '../client-keys.ts';
import type { LocalSystem } from '../system.ts';
import { callRoute, sendEvent } from './entries.ts';
import {
  forStandIn,
  gatewayZone,
  grantUsed,
  linesDuring,
  needsEntries,
  sampleZone,
  step,
  stepUnfit,
} from './facts.ts';
import { expectIn, loginFacts, newVisitor, pickPerson } from './log-in.ts';

/** Milliseconds between the calls of a zone while keys are replaced. */
const PAUSE = 100;

/** A key that was replaced, and by which one. */
type Replacement = { old: KeyEntry; current: KeyEntry };

/**
 * Has a client's key replaced by the deployed rotation function, which Secrets Manager invokes for its four steps. Throws where a
 * step is missing, the old key is not retiring, or the issuer has not accepted the new one.
 */
export async function replaceKey(system: LocalSystem, client: string): Promise<Replacement> {
  const before = findInState(await readClientRecord(system, client), 'current');
  const { lines, result: after } = await linesDuring(system, () => rotateClientKey(system, client));
  const current = findInState(after, 'current');
  const isNew = before !== undefined && current !== undefined && current.kid !== before.kid;
  assert(isNew, 'there is no new current key');
  const old = after.keys.find(({ kid }) => kid === before.kid);
  assert(old?.state === 'retiring', `the replaced key is ${old?.state ?? 'gone'}, not retiring`);
  const missing = missingSteps(lines);
  assert(missing.length === 0, `the rotation function did not get through ${missing.join(', ')}`);
  const accepted = system.standIns === undefined || isAccepted(lines, current.kid);
  assert(accepted, 'the issuer has not accepted the new key');
  return { old, current };
}

/** The steps of a rotation that the trail does not show as done. */
export function missingSteps(lines: readonly TrailLine[]): string[] {
  const done = lines
    .filter(({ kind, fields }) => kind === 'platform' && fields['event'] === 'rotation' && !fields['error'])
    .map(({ fields }) => fields['step']);
  return ROTATION_STEPS.filter((step) => !done.includes(step));
}

/** Whether the issuer gave a token to a client that authenticated with this key. */
export function isAccepted(lines: readonly TrailLine[], kid: string): boolean {
  const tokens = lines.filter(({ kind, fields }) => kind === 'stand-in' && fields['event'] === 'token');
  return tokens.some(({ fields }) => fields['kid'] === kid);
}

/** Names of the signers that made a client assertion with this key. */
export function assertionSigners(lines: readonly TrailLine[], kid: string): Set<string | undefined> {
  const made = lines.filter(
    ({ fields }) =>
      fields['code'] === 'signed' && fields['kind'] === 'client_assertion' && fields['kid'] === kid,
  );
  return new Set(made.map(({ function: name }) => name));
}

/**
 * The keys of both zones' clients are replaced while both call their APIs: once the self-service API keeps previous keys, once it
 * drops them at once. No call fails, a login begun before ends after, and what the zones do then is signed with the new keys.
 */
export const rotationUnderLoad = step(
  'rotation-under-load',
  [forStandIn('replaces keys'), lanes],
  async (system) => {
    const loads = await signingLanes(system);
    const endLogin = needsEntries(loginFacts)(system) === undefined ? await openLogin(system) : undefined;
    const { result, calls } = await underLoad(loads, async () => ({
      first: await withPreviousKeys(system, 'keep', () => replaceKeys(system, loads)),
      second: await withPreviousKeys(system, 'drop', () => replaceKeys(system, loads)),
    }));
    const { first, second } = result;
    await endLogin?.();
    await expectNewKeys(system, loads, second);
    const kids = [...second].map(([client, { old, current }]) =>
      [first.get(client)?.old, old, current].map((key) => key?.kid.slice(0, 8)).join(' -> '),
    );
    const during = [...calls, ...(endLogin === undefined ? [] : ['a login'])];
    return `${kids.join(', ')} during ${during.join(', ')}: none failed`;
  },
);

/**
 * Does something while every zone calls its API over and over; the last calls begin after it. Throws where a call fails. `calls` says
 * how many there were.
 */
async function underLoad<T>(loads: readonly Load[], work: () => Promise<T>) {
  let over = false;
  const running = loads.map(async ({ zone, call }) => {
    let count = 0;
    for (let last = false; !last; count += 1) {
      last = over;
      await call();
      // Without rest the calls would keep the machine from what they shall be made during.
      await wait(PAUSE);
    }
    return `${count} calls in the ${zone} zone`;
  });
  const driven = Promise.allSettled(running);
  const result = await work().finally(() => {
    over = true;
    return driven;
  });
  return { result, calls: await Promise.all(running) };
}

/** Replaces the key of each client that the load signs with; by client. */
async function replaceKeys(system: LocalSystem, loads: readonly Load[]): Promise<Map<string, Replacement>> {
  const replaced = new Map<string, Replacement>();
  for (const { client } of loads)
    if (!replaced.has(client)) replaced.set(client, await replaceKey(system, client));
  return replaced;
}

/** Something that a zone does, by a client of its. */
type Load = { zone: string; client: string; call(): Promise<unknown> };

/** What calls APIs meanwhile: the sample event's function and the one behind the route, as far as there are such and they have something signed. */
async function signingLanes(system: LocalSystem): Promise<Load[]> {
  const loads: Load[] = [];
  for (const { call, ...facts } of lanes(system)) {
    const { lines } = await linesDuring<unknown>(system, call);
    const { client } = grantUsed(system, facts, lines) ?? {};
    if (client !== undefined) loads.push({ zone: facts.zone, client, call });
  }
  if (loads.length === 0) throw stepUnfit('neither the sample event nor the route has anything signed');
  return loads;
}

function lanes(system: LocalSystem) {
  const has = (zone: (system: LocalSystem) => unknown) => needsEntries(zone)(system) === undefined;
  const route = has(gatewayZone) ? [{ ...gatewayZone(system), call: () => callRoute(system) }] : [];
  // Where there is no route either, what the event lacks is told.
  if (route.length > 0 && !has(sampleZone)) return route;
  return [{ ...sampleZone(system), call: () => sendEvent(system) }, ...route];
}

/** Ends the tokens that the functions of a zone share, as their minute's end does: those of the key before are good until then (I9). */
async function endSharedTokens({ aws, declaration }: LocalSystem, zone: string): Promise<void> {
  if (declaration.zones[zone]?.tokens !== 'function') return;
  const TableName = `${declaration.name}-${zone}-tokens`;
  const ask = (operation: string, input: object) =>
    askAws(aws, 'dynamodb', `DynamoDB_20120810.${operation}`, { TableName, ...input });
  for (const { pk } of listOf((await ask('Scan', {}))['Items']).map(objectOf))
    await ask('DeleteItem', { Key: { pk } });
}

/** Has everything start anew, as AWS does whenever it likes: then signers have heard. */
async function expectNewKeys(system: LocalSystem, loads: readonly Load[], keys: Map<string, Replacement>) {
  await system.aws.pool.recycle();
  for (const { call, client, zone } of loads) {
    await endSharedTokens(system, zone);
    const { lines } = await linesDuring<unknown>(system, call);
    const { kid } = required(keys.get(client), `The keys of ${client}`).current;
    const signer = signerName(system.declaration.name, client, zone);
    assert(assertionSigners(lines, kid).has(signer), `the ${zone} zone does not use the new key`);
  }
}

/** Does something while the self-service APIs treat previous keys so. */
async function withPreviousKeys<T>(
  { standIns }: LocalSystem,
  so: SelfServiceBehaviour['previousKeys'],
  run: () => Promise<T>,
) {
  const behaviours = [...(standIns?.selfServices.values() ?? [])].map(({ behaviour }) => behaviour);
  const before = behaviours.map((behaviour) => behaviour.previousKeys);
  for (const behaviour of behaviours) behaviour.previousKeys = so;
  return run().finally(() => {
    for (const [index, behaviour] of behaviours.entries()) behaviour.previousKeys = before[index] ?? 'keep';
  });
}

/** Begins a login as far as the issuer's list of people; returns what ends it. */
async function openLogin(system: LocalSystem): Promise<() => Promise<void>> {
  const facts = loginFacts(system);
  const { browser, begin } = newVisitor(facts);
  const people = await begin();
  return async () => {
    expectIn(await browser.submit(people, { user: pickPerson(facts).sub }), 'the login begun before');
  };
}
