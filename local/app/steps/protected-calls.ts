import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { required } from '@helseid-zones/protocol/values';
import { makeOrganizationNumber } from '../events.ts';
import { makeCall, makeForeignCall, makeProof, type ProtectedCall } from '../protected-call.ts';
import { ANOTHER_API } from '../stand-ins.ts';
import type { LocalSystem } from '../system.ts';
import {
  callerClient,
  callerOfClient,
  callingZone,
  forStandIn,
  lacks,
  type Step,
  sampleDetails,
  samplePath,
  step,
} from './facts.ts';

/** A call of an API as the zone's function makes it: its token, and a proof by its signer. */
function prepareCall(system: LocalSystem): ProtectedCall {
  const zone = callingZone(system);
  const { api, method, url } = zone.apiCall();
  const { scopes, resource } = api;
  const details = sampleDetails(zone, makeOrganizationNumber());
  const body = method === 'GET' || method === 'HEAD' ? {} : { body: '{}' };
  return makeCall(clientOf(system), {
    method,
    url,
    ...body,
    request: { scopes, details, ...(resource === undefined ? {} : { resource }) },
    headers: { 'content-type': 'application/json' },
  });
}

/** A token client like the one of {@link callingZone}. */
export function clientOf(system: LocalSystem) {
  const { zone, grant } = callingZone(system);
  const { region } = system.aws;
  const caller = required(callerOfClient(system, zone, grant.client), 'A caller');
  return callerClient({ region, declaration: system.declaration }, caller);
}

/** A call of the first GET route for HelseID's tokens by somebody else's client. Throws a `TypeError` where there is none, or where it wants a person. */
function prepareForeignCall(system: LocalSystem): ProtectedCall {
  const { declaration, standIns } = system;
  if (standIns === undefined) return lacks('without the stand-in there is no foreign client');
  for (const foreign of standIns.foreign) {
    const { zone, demands } = foreign;
    const { routes = [] } = declaration.zones[zone]?.gateway ?? {};
    const route = routes.find(({ method, authorize }) => method === 'GET' && authorize === 'helseid');
    if (route === undefined || demands.securityLevel !== undefined) continue;
    const url = system.gatewayUrl(zone) + samplePath(route.path);
    return makeForeignCall({ ...foreign, scopes: demands.scopes }, { method: 'GET', url });
  }
  return lacks("no zone has a GET route with authorize: 'helseid' that machines may call");
}

/** Makes the allowed call first: a refusal proves nothing where nobody gets through. Resolves to the headers it was made with, and its token. */
async function mustCall(call: ProtectedCall) {
  const token = await call.token();
  const headers = await call.headers(token);
  const { status } = await call.send(headers);
  assert(status < 300, `the allowed twin failed: ${call.url} answered ${status}`);
  return { accessToken: token.accessToken, headers, status };
}

/** Throws unless a call is refused with 401; resolves to the challenge. */
async function mustRefuse(call: ProtectedCall, how: string, headers: Record<string, string>) {
  const { status, challenge } = await call.send(headers);
  assert(status === 401, `${how} ${call.url} answered ${status}`);
  return challenge;
}

/** Sends a call that was let through a second time, unchanged. */
async function replay(call: ProtectedCall): Promise<string> {
  const { headers, status } = await mustCall(call);
  return `first ${status}, then 401 ${await mustRefuse(call, 'the second time', headers)}`;
}

/** Uses the token of a call that was let through, by each way that there is without its key. */
async function steal(call: ProtectedCall): Promise<string> {
  const { accessToken } = await mustCall(call);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authorization = `DPoP ${accessToken}`;
  const dpop = await makeProof(privateKey, call, accessToken);
  const thefts: Record<string, Record<string, string>> = {
    'as a bearer token': { authorization: `Bearer ${accessToken}` },
    'without a proof': { authorization },
    "with a proof by the thief's key": { authorization, dpop },
  };
  let challenge = '';
  for (const [how, headers] of Object.entries(thefts)) challenge = await mustRefuse(call, how, headers);
  return `${Object.keys(thefts).join(', ')}: 401 each time; last ${challenge}`;
}

const ownCall = (name: string, run: (call: ProtectedCall) => Promise<string>): Step =>
  step(name, [forStandIn('calls an API'), callingZone], (system) => run(prepareCall(system)));

const foreign = (name: string, run: (call: ProtectedCall) => Promise<string>): Step =>
  step(name, [prepareForeignCall], (_, call) => run(call));

/** The API takes a proof once and not twice, though token, key and everything else are right. */
export const replayedProofRefused = ownCall('replayed-proof-refused', replay);

/** An access token is worth nothing without the key it is bound to, which its thief can't get. */
export const useStolenToken = ownCall('stolen-token-refused', steal);

/** Another vendor's client calls a route of ours with its token; without one it does not get in. */
export const foreignClientToRoute = foreign('foreign-client-to-route', async (call) => {
  const { status } = await mustCall(call);
  await mustRefuse(call, 'without a token', {});
  return `GET ${new URL(call.url).pathname} by a foreign client: ${status}; without a token: 401`;
});

/** A token that was stolen from another vendor opens nothing without the key it is bound to. */
export const foreignTokenStolen = foreign('foreign-token-stolen', steal);

/** Who records a call can't make it again. */
export const foreignCallReplayed = foreign('foreign-call-replayed', replay);

/** A client's token for another API, with a proof by its own key, is no token for ours. */
export const foreignAudience = foreign('foreign-audience', async (call) => {
  await mustCall(call);
  const { audience, scopes } = ANOTHER_API;
  await mustRefuse(call, `with a token for ${audience}`, await call.headers(await call.token({ scopes })));
  return `with a token for ${audience}: 401`;
});
