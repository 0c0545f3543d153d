import { randomInt, randomUUID } from 'node:crypto';
import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { eventNames } from '../../../infra/declaration/names.ts';
import { callGateway, callJson } from '../../aws/aws-client.ts';
import type { TrailLine } from '../../aws/trail.ts';
import type { LocalSystem } from '../system.ts';
import {
  gatewayZone,
  needsEntries,
  operatorAccess,
  readSample,
  type SampleEvent,
  sampleZone,
} from './facts.ts';
import { type Step, stepFailed } from './step.ts';

const PATIENCE = 30_000;

/** The sample event about a document that nobody has sent before, on behalf of `organization`. */
export function newDocumentEvent(organization: string): SampleEvent {
  const event = readSample();
  event.detail.organization = organization;
  event.detail.document.masterIdentifier.value = `urn:uuid:${randomUUID()}`;
  return event;
}

/** An organisation number that is right by its check digit and, most likely, nobody's. */
export function makeOrganizationNumber(): string {
  for (;;) {
    const number = String(randomInt(100_000_000, 1_000_000_000));
    if (isOrganizationNumber(number)) return number;
  }
}

/** Puts an event on the zone's bus as the operator and waits until its function has said what became of it. Throws where it failed. */
export async function sendEvent(system: LocalSystem, organization: string): Promise<TrailLine> {
  const { zone, functionName } = sampleZone(system);
  const event = newDocumentEvent(organization);
  const entry = {
    EventBusName: eventNames(system.declaration.name, zone).bus,
    Source: event.source,
    DetailType: event['detail-type'],
    Detail: JSON.stringify(event.detail),
  };
  const outcome = waitForOutcome(system);
  const { body, error } = await callJson(operatorAccess(system), 'events', 'AWSEvents.PutEvents', {
    Entries: [entry],
  });
  const [result] = (body as { Entries?: { EventId?: string; ErrorMessage?: string }[] }).Entries ?? [];
  if (result?.EventId === undefined) {
    outcome.cancel();
    throw stepFailed(`the event was refused: ${error?.message ?? result?.ErrorMessage ?? 'no reason given'}`);
  }
  const line = await outcome.of(result.EventId);
  if (line.fields['message'] !== 'document.submitted') {
    throw stepFailed(
      `the function failed: ${JSON.stringify(line.fields['error'] ?? line.fields['message'])}`,
    );
  }
  // The line is written before the function is done; the next event shall find it warm and free.
  await system.aws.pool.idle(functionName);
  return line;
}

/** Watches the trail from before the event is sent. */
function waitForOutcome({ trail, logs }: LocalSystem) {
  const seen = new Map<string, TrailLine>();
  let wanted: { id: string; resolve(line: TrailLine): void } | undefined;
  const cancel = trail.subscribe((line) => {
    const id = line.fields['eventId'];
    if (line.kind !== 'log' || typeof id !== 'string') return;
    seen.set(id, line);
    if (wanted?.id === id) wanted.resolve(line);
  });
  return {
    cancel,
    async of(id: string): Promise<TrailLine> {
      const timer = Promise.withResolvers<never>();
      const timeout = setTimeout(
        () => timer.reject(stepFailed(`no outcome within ${PATIENCE / 1000} s; see ${logs}`)),
        PATIENCE,
      );
      const line = new Promise<TrailLine>((resolve) => {
        const known = seen.get(id);
        if (known !== undefined) resolve(known);
        wanted = { id, resolve };
      });
      try {
        return await Promise.race([line, timer.promise]);
      } finally {
        clearTimeout(timeout);
        cancel();
      }
    },
  };
}

/** Reads the gateway zone's route as the operator, with SigV4. Resolves to the path; throws unless it was answered with 200. */
export async function callRoute(system: LocalSystem): Promise<string> {
  const { zone, declared } = gatewayZone(system);
  const route = declared.gateway?.routes.find(
    ({ authorize, method }) => authorize === 'iam' && method === 'GET',
  );
  const path = (route?.path ?? '/').replaceAll(/\{[^}]+\}/g, '17');
  const access = { ...operatorAccess(system), url: system.gatewayUrl(zone) };
  const { status, error } = await callGateway(access, path);
  if (status !== 200) throw stepFailed(`GET ${path} answered ${status}: ${error?.message ?? ''}`);
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
    const [api] = grant.apis;
    const stored = system.standIns?.apis
      .get(api?.api ?? '')
      ?.documents.filter(({ child }) => child === organization);
    if (stored !== undefined && stored.length !== 1)
      throw stepFailed(`the API has the document ${stored.length} times`);
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
    if (unsigned.status !== 403)
      throw stepFailed(`GET ${path} without a signature answered ${unsigned.status}`);
    return `GET ${path} through ${functionName}: 200; without a signature: 403 ${unsigned.headers.get('x-amzn-errortype')}`;
  },
};

/** While a nonce is remembered, a token costs one round trip and two signatures, and the API call one more. */
export const warmTokenTwoSignatures: Step = {
  name: 'warm-token-two-signatures',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const { signerName, grant } = sampleZone(system);
    await sendEvent(system, makeOrganizationNumber());
    const lines: TrailLine[] = [];
    const stop = system.trail.subscribe((line) => lines.push(line));
    try {
      // Another organisation, so another token.
      await sendEvent(system, makeOrganizationNumber());
    } finally {
      stop();
    }
    const issuer = system.declaration.clients[grant.client]?.issuer ?? '';
    const signed = lines.filter(
      ({ function: name, fields }) => name === signerName && fields['code'] === 'signed',
    );
    const forIssuer = signed.filter(({ fields }) => String(fields['target']).includes(new URL(issuer).host));
    const assertions = signed.filter(({ fields }) => fields['kind'] === 'client_assertion');
    const trips = lines.filter(({ kind, fields }) => kind === 'stand-in' && fields['service'] === 'helseid');
    const seen = `${assertions.length} assertion(s), ${forIssuer.length} for the issuer, ${signed.length} in all`;
    if (assertions.length !== 1 || forIssuer.length !== 2 || signed.length !== 3)
      throw stepFailed(`signatures: ${seen}`);
    if (system.standIns !== undefined && trips.length !== 1)
      throw stepFailed(`${trips.length} requests at the issuer`);
    return `one request at the issuer, two signatures for it (assertion and proof), one for the API`;
  },
};
