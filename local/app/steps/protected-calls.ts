import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createMemorySigner } from '@helseid-zones/client/create-signer';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import type { AccessToken, AccessTokenRequest } from '@helseid-zones/client/tokens';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { required } from '@helseid-zones/protocol/values';
import { exportJWK, SignJWT } from 'jose';
import { makeOrganizationNumber } from '../events.ts';
import { ANOTHER_API } from '../stand-ins.ts';
import type { LocalSystem } from '../system.ts';
import {
  assert,
  callerClient,
  callerOfClient,
  callingZone,
  forStandIn,
  needsEntries,
  type Step,
  sampleCall,
  sampleDetails,
  samplePath,
} from './facts.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('base64url');

/** A call that a token and a proof of its key open (RFC 9449 7), as its rightful caller makes it. */
type ProtectedCall = ReturnType<typeof makeCall>;

type CallOptions = RequestInit & { url: string; method: string; request: AccessTokenRequest };

/** `key` makes the proofs where the signer does not: it makes none for a gateway of this machine, which has no TLS. */
function makeCall(client: TokenClient, { url, method, request, ...init }: CallOptions, key?: KeyObject) {
  return {
    ...{ url, method },
    /** A token for it, or one with other scopes. */
    token: (change: AccessTokenRequest = {}) => getAccessToken(client, { ...request, ...change }),
    /** What opens it, once. */
    async headers({ accessToken, binding: { kid } }: AccessToken): Promise<Record<string, string>> {
      const authorization = `DPoP ${accessToken}`;
      if (key !== undefined)
        return { authorization, dpop: await makeProof(key, { method, url }, accessToken) };
      const intent = {
        kind: 'dpop_proof',
        client: client.name,
        method,
        url,
        ath: hash(accessToken),
        kid,
      } as const;
      const [proof] = await client.signer.sign([intent]);
      return { authorization, dpop: required(proof, 'A proof').jws };
    },
    async send(headers: Record<string, string>) {
      const answer = await fetch(url, { method, ...init, headers: { ...headers, ...init.headers } });
      await answer.body?.cancel();
      return { status: answer.status, challenge: answer.headers.get('www-authenticate') ?? '' };
    },
  };
}

/** A DPoP proof (RFC 9449 4.2) as somebody else's software makes it, by an EC P-256 key. */
async function makeProof(
  key: KeyObject,
  { method, url }: { method: string; url: string },
  accessToken: string,
) {
  return new SignJWT({ htm: method, htu: url, ath: hash(accessToken), jti: randomUUID() })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(createPublicKey(key)) })
    .setIssuedAt()
    .sign(key);
}

/** A call of an API as the zone's function makes it: its token, and a proof by its signer. */
function prepareCall(system: LocalSystem): ProtectedCall {
  const zone = callingZone(system);
  const { api, method, url } = sampleCall(system, zone);
  const { scopes, resource } = api;
  const details = sampleDetails(zone, makeOrganizationNumber());
  const body = method === 'GET' || method === 'HEAD' ? {} : { body: '{}' };
  return makeCall(clientOf(system), {
    ...{ method, url, ...body },
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
  if (standIns === undefined) throw new TypeError('without the stand-in there is no foreign client');
  for (const { zone, issuer, clientId, demands, privateKey } of standIns.foreign) {
    const { routes = [] } = declaration.zones[zone]?.gateway ?? {};
    const route = routes.find(({ method, authorize }) => method === 'GET' && authorize === 'helseid');
    if (route === undefined || demands.securityLevel !== undefined) continue;
    const subject = { clientId, issuer, profile: helseIdProfile, tenancy: 'single-tenant' } as const;
    const keys = [{ privateKey, algorithm: 'ES256' }] as const;
    const signer = createMemorySigner({ client: 'foreign', subject, keys });
    const client = createTokenClient({ client: 'foreign', ...subject, signer, fetch });
    const url = system.gatewayUrl(zone) + samplePath(route.path);
    return makeCall(client, { method: 'GET', url, request: { scopes: demands.scopes } }, privateKey);
  }
  throw new TypeError("no zone has a GET route with authorize: 'helseid' that machines may call");
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

const ownCall = (name: string, run: (call: ProtectedCall) => Promise<string>): Step => ({
  name,
  unfit: forStandIn('calls an API', needsEntries(callingZone)),
  run: (system) => run(prepareCall(system)),
});

const foreign = (name: string, run: (call: ProtectedCall) => Promise<string>): Step => ({
  name,
  unfit: needsEntries(prepareForeignCall),
  run: (system) => run(prepareForeignCall(system)),
});

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
