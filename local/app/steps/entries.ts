import { required } from '@helseid-zones/protocol/required';
import { eventNames } from '../../../infra/declaration/names.ts';
import { callGateway } from '../../aws/aws-client.ts';
import type { TrailLine } from '../../aws/trail.ts';
import { makeOrganizationNumber, newDocumentEvent, putEvent } from '../events.ts';
import type { LocalSystem } from '../system.ts';
import { gatewayZone, needsEntries, operatorAccess, samplePath, sampleZone } from './facts.ts';
import { assert, linesDuring, type Step, stepFailed } from './step.ts';

const PATIENCE = 30_000;

/** Puts an event on the zone's bus as the operator and waits until its function has said what became of it. Throws where it failed. */
export async function sendEvent(system: LocalSystem, organization: string): Promise<TrailLine> {
  const { zone, functionName } = sampleZone(system);
  const { bus } = eventNames(system.declaration.name, zone);
  const id = await putEvent(operatorAccess(system), bus, newDocumentEvent(organization));
  const line = await untilOutcome(system, id);
  const { message, error = message } = line.fields;
  assert(message === 'document.submitted', `the function failed: ${JSON.stringify(error)}`);
  // The line is written before the function is done; the next event shall find it warm and free.
  await system.aws.pool.idle(functionName);
  return line;
}

/** The line that a function has written, or will write, about an event. */
async function untilOutcome({ trail, logs }: LocalSystem, id: string): Promise<TrailLine> {
  const isOutcome = ({ kind, fields }: TrailLine) => kind === 'log' && fields['eventId'] === id;
  const known = trail.lines().find(isOutcome);
  if (known !== undefined) return known;
  const { promise, resolve, reject } = Promise.withResolvers<TrailLine>();
  const stop = trail.subscribe((line) => isOutcome(line) && resolve(line));
  const late = stepFailed(`no outcome within ${PATIENCE / 1000} s; see ${logs}`);
  const timeout = setTimeout(reject, PATIENCE, late);
  return promise.finally(() => {
    clearTimeout(timeout);
    stop();
  });
}

/** Reads the gateway zone's route as the operator, with SigV4. Resolves to the path; throws unless it was answered with 200. */
export async function callRoute(system: LocalSystem): Promise<string> {
  const { zone, declared } = gatewayZone(system);
  const { routes = [] } = declared.gateway ?? {};
  const route = routes.find(({ authorize, method }) => authorize === 'iam' && method === 'GET');
  const path = samplePath(route?.path ?? '/');
  const access = { ...operatorAccess(system), url: system.gatewayUrl(zone) };
  const { status, error } = await callGateway(access, path);
  assert(status === 200, `GET ${path} answered ${status}: ${error?.message ?? ''}`);
  return path;
}

/** An event about a journal document reaches the documents API: bus, queue, worker, signer, token, call. */
export const eventToApi: Step = {
  name: 'event-to-api',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const organization = makeOrganizationNumber();
    const { fields } = await sendEvent(system, organization);
    const { functionName, grant } = sampleZone(system);
    const { documents } = system.standIns?.apis.get(required(grant.apis[0], 'An API').api) ?? {};
    const times = documents?.filter(({ child }) => child === organization).length ?? 1;
    assert(times === 1, `the API has the document ${times} times`);
    return `${functionName} submitted the document for child organisation ${organization}: ${fields['status']}`;
  },
};

/** A signed request to the gateway reaches the API behind the zone's function; the same without a signature does not get in. */
export const gatewayToApi: Step = {
  name: 'gateway-to-api',
  unfit: needsEntries(gatewayZone),
  async run(system) {
    const { zone, functionName } = gatewayZone(system);
    const path = await callRoute(system);
    const unsigned = await fetch(`${system.gatewayUrl(zone)}${path}`);
    await unsigned.body?.cancel();
    assert(unsigned.status === 403, `GET ${path} without a signature answered ${unsigned.status}`);
    return `GET ${path} through ${functionName}: 200; without a signature: 403 ${unsigned.headers.get('x-amzn-errortype')}`;
  },
};

/** While a nonce is remembered, a token costs one round trip and two signatures, and the API call one more. */
export const warmTokenTwoSignatures: Step = {
  name: 'warm-token-two-signatures',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const { signerName, client } = sampleZone(system);
    await sendEvent(system, makeOrganizationNumber());
    // Another organisation, so another token.
    const { lines } = await linesDuring(system, () => sendEvent(system, makeOrganizationNumber()));
    const { host } = new URL(client.issuer);
    const fields = lines.filter((line) => line.function === signerName).map((line) => line.fields);
    const signed = fields.filter(({ code }) => code === 'signed');
    const forIssuer = signed.filter(({ target }) => String(target).includes(host));
    const assertions = signed.filter(({ kind }) => kind === 'client_assertion');
    const trips = lines.filter(
      ({ kind, fields: { service } }) => kind === 'stand-in' && service === 'helseid',
    );
    assert(
      assertions.length === 1 && forIssuer.length === 2 && signed.length === 3,
      `signatures: ${assertions.length} assertion(s), ${forIssuer.length} for the issuer, ${signed.length} in all`,
    );
    assert(system.standIns === undefined || trips.length === 1, `${trips.length} requests at the issuer`);
    return `one request at the issuer, two signatures for it (assertion and proof), one for the API`;
  },
};
