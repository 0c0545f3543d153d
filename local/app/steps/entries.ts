import assert from 'node:assert/strict';
import { eventNames } from '../../../infra/declaration/names.ts';
import { callGateway } from '../../aws/aws-client.ts';
import { fillIn, isOutcome, putEvent } from '../events.ts';
import type { LocalSystem } from '../system.ts';
import {
  gatewayZone,
  grantUsed,
  isReadByIam,
  lacks,
  linesDuring,
  operatorAccess,
  samplePath,
  sampleZone,
  step,
  stepUnfit,
  until,
} from './facts.ts';

/**
 * Puts a sample event on its zone's bus as the operator and waits until its function is done with it. Resolves to the event and the
 * calls that the stand-in APIs took of it, and the grant that something was signed for; throws where it failed. That a message is
 * deleted says only that nothing was thrown: where something was signed and there are stand-ins, they must have been called.
 */
export async function sendEvent(system: LocalSystem) {
  const facts = sampleZone(system);
  const { zone, declared, functionName, event } = facts;
  const { clients, name: ofSystem } = system.declaration;
  const granted = declared.grants.flatMap(({ apis }) => apis.map(({ api }) => api));
  const apis = [...new Set(granted)].flatMap((api) => system.standIns?.apis.get(api) ?? []);
  const own = new Set(declared.grants.map(({ client }) => clients[client]?.clientId));
  const taken = () => apis.flatMap(({ calls }) => calls.filter(({ clientId }) => own.has(clientId)));
  const before = new Set(taken());
  const { bus } = eventNames(ofSystem, zone);
  const filled = fillIn(event);
  const { lines, result } = await linesDuring(system, async () => {
    const id = await putEvent(operatorAccess(system), bus, filled);
    const outcome = () => system.trail.lines().find((line) => isOutcome(line, id));
    return { id, ...(await until(outcome, `no outcome, see ${system.logs},`)) };
  });
  const { id, fields } = result;
  const signedFor = grantUsed(system, facts, lines);
  assert(fields['outcome'] === 'done', `${functionName} failed: ${whatItSaid(system, id)}`);
  // The line is written before the function is done; the next event shall find it warm and free.
  await system.aws.pool.idle(functionName);
  const calls = taken().filter((call) => !before.has(call));
  const called = system.standIns === undefined || signedFor === undefined || calls.length > 0;
  assert(called, `${functionName} is done, but called no API`);
  return { event: filled, calls, signedFor };
}

/** {@link sendEvent}, for steps about a function that calls an API: another has nothing signed, and they do not fit. */
export async function sendCallingEvent(system: LocalSystem) {
  const sent = await sendEvent(system);
  if (sent.signedFor !== undefined) return sent;
  throw stepUnfit(`${sampleZone(system).functionName} has nothing signed for the sample event`);
}

/** The last that a function logged of an event, for who wonders why it failed. */
function whatItSaid({ trail }: LocalSystem, id: string): string {
  const line = trail.lines().findLast(({ kind, fields }) => kind === 'log' && fields['eventId'] === id);
  return line === undefined ? 'it says nothing of the event' : JSON.stringify(line.fields);
}

/** Reads the gateway zone's route as the operator, with SigV4. Resolves to the path; throws unless it was answered with 200. */
export async function callRoute(system: LocalSystem): Promise<string> {
  const { zone, declared } = gatewayZone(system);
  const { routes = [] } = declared.gateway ?? {};
  const path = samplePath(routes.find(isReadByIam)?.path ?? '/');
  const access = { ...operatorAccess(system), url: system.gatewayUrl(zone) };
  const { status, error } = await callGateway(access, path);
  assert(status === 200, `GET ${path} answered ${status}: ${error?.message ?? ''}`);
  return path;
}

/** A sample event makes its function call an API, once: bus, queue, function, signer, token, call. */
export const eventToApi = step('event-to-api', [sampleZone], async (system, { functionName }) => {
  const { event, calls: made } = await sendCallingEvent(system);
  const said = made.map(({ method, path, child }) => `${method} ${path}${child ? ` for ${child}` : ''}`);
  const again = made.length - new Set(made.map((call) => JSON.stringify(call))).size;
  assert(again === 0, `the API took a call twice: ${said.join(', ')}`);
  return `${functionName} took ${event['detail-type']} of ${event.source}: ${said.join(', ') || 'done'}`;
});

/** A signed request to the gateway reaches the API behind the zone's function; the same without a signature does not get in. */
export const gatewayToApi = step('gateway-to-api', [gatewayZone], async (system, { zone, functionName }) => {
  const path = await callRoute(system);
  const unsigned = await fetch(`${system.gatewayUrl(zone)}${path}`);
  await unsigned.body?.cancel();
  assert(unsigned.status === 403, `GET ${path} without a signature answered ${unsigned.status}`);
  return `GET ${path} through ${functionName}: 200; without a signature: 403 ${unsigned.headers.get('x-amzn-errortype')}`;
});

/** {@link sampleZone}, where each event is on behalf of another organisation. */
function organizationsZone(system: LocalSystem) {
  const facts = sampleZone(system);
  if (JSON.stringify(facts.event).includes('{{organization}}')) return facts;
  return lacks('the sample event is on behalf of no {{organization}}, so its token is known');
}

/** While a nonce is remembered, a token costs one round trip and two signatures, and the API call one more. */
export const warmTokenTwoSignatures = step(
  'warm-token-two-signatures',
  [organizationsZone],
  async (system, zone) => {
    const { signerName, client } = zone;
    await sendCallingEvent(system);
    // Another organisation, so another token.
    const { lines } = await linesDuring(system, () => sendEvent(system));
    const { host } = new URL(client.issuer);
    const fields = lines.filter((line) => line.function === signerName).map((line) => line.fields);
    const signed = fields.filter(({ code }) => code === 'signed');
    const forIssuer = signed.filter(({ target }) => String(target).includes(host));
    const assertions = signed.filter(({ kind }) => kind === 'client_assertion');
    const trips = lines.filter((line) => line.kind === 'stand-in' && line.fields['service'] === 'helseid');
    assert(
      assertions.length === 1 && forIssuer.length === 2 && signed.length > 2,
      `signatures: ${assertions.length} assertion(s), ${forIssuer.length} for the issuer, ${signed.length} in all`,
    );
    assert(system.standIns === undefined || trips.length === 1, `${trips.length} requests at the issuer`);
    return `one request at the issuer, two signatures for it (assertion and proof), ${signed.length - 2} for the API`;
  },
);
