import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createAwsCaller } from '@helseid-zones/client/aws';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import { createRemoteSigner } from '@helseid-zones/client/remote-signer';
import { createTokenClient } from '@helseid-zones/client/token-client';
import { exportJWK, SignJWT } from 'jose';
import type { LocalSystem } from '../system.ts';
import { makeOrganizationNumber, newDocumentEvent } from './entries.ts';
import { accessOf, eventZone, needsEntries, sampleZone } from './facts.ts';
import { type Step, stepFailed } from './step.ts';

/** A DPoP proof (RFC 9449 4.2) as somebody else's software makes it, by an EC P-256 key. */
export async function makeProof(
  key: KeyObject,
  htm: string,
  htu: string,
  accessToken: string,
): Promise<string> {
  const ath = createHash('sha256').update(accessToken).digest('base64url');
  return new SignJWT({ htm, htu, ath, jti: randomUUID() })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(createPublicKey(key)) })
    .setIssuedAt()
    .sign(key);
}

/** A proof in which everything is right but the key: what somebody with a stolen token can make. */
export function makeThiefsProof(htm: string, htu: string, accessToken: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return makeProof(privateKey, htm, htu, accessToken);
}

/** A document that is ready to be submitted, with everything that the API wants to see. */
interface Submission {
  url: string;
  accessToken: string;
  /** The headers that the API accepts, once. */
  headers: { authorization: string; dpop: string };
  /** Sends the document with these headers; resolves to how the API answered. */
  send(headers: Readonly<Record<string, string>>): Promise<{ status: number; challenge: string }>;
}

/** Prepares a submission as the zone entered by events does: its token, and a proof by its signer. */
async function prepareSubmission(system: LocalSystem): Promise<Submission> {
  const { grant } = sampleZone(system);
  const api = system.declaration.apis[grant.apis[0]?.api ?? ''];
  const url = `${api?.baseUrl}/DocumentReference`;
  const child = makeOrganizationNumber();
  const client = clientOf(system);
  const { accessToken, binding } = await getAccessToken(client, {
    scopes: api?.scopes ?? [],
    ...(api?.resource === undefined ? {} : { resource: api.resource }),
    details: [{ type: 'helseid_authorization', child }],
  });
  const ath = createHash('sha256').update(accessToken).digest('base64url');
  const [proof] = await client.signer.sign([
    { kind: 'dpop_proof', client: grant.client, method: 'POST', url, ath, kid: binding.kid },
  ]);
  const { document } = newDocumentEvent(child).detail as { document?: object };
  return {
    ...{ url, accessToken },
    headers: { authorization: `DPoP ${accessToken}`, dpop: proof?.jws ?? '' },
    async send(headers) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/fhir+json' },
        body: JSON.stringify(document),
      });
      await answer.body?.cancel();
      return { status: answer.status, challenge: answer.headers.get('www-authenticate') ?? '' };
    },
  };
}

/** A token client like the one of the zone entered by events: its signer, by its endpoint, with its role's credentials. */
export function clientOf(system: LocalSystem) {
  const { functionName, signerArn, grant } = eventZone(system);
  const { url, region, credentials } = accessOf(system, functionName, 'lambda');
  const declared = system.declaration.clients[grant.client];
  if (declared === undefined) throw new TypeError(`there is no client ${grant.client}`);
  const aws = createAwsCaller({ region, credentials, endpoints: { lambda: url } });
  const { clientId, issuer, profile } = declared;
  const signer = createRemoteSigner({ aws, functionArn: signerArn });
  return createTokenClient({ client: grant.client, clientId, issuer, profile, signer, fetch });
}

/** The API takes a proof once and not twice, though token, key and everything else are right. */
export const replayedProofRefused: Step = {
  name: 'replayed-proof-refused',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const { headers, send } = await prepareSubmission(system);
    const [first, second] = [await send(headers), await send(headers)];
    if (first.status >= 300) throw stepFailed(`the allowed twin failed: the API answered ${first.status}`);
    if (second.status !== 401)
      throw stepFailed(`the proof was taken twice: the API answered ${second.status}`);
    return `first ${first.status}, then ${second.status} ${second.challenge}`;
  },
};

/** An access token is worth nothing without the key it is bound to, which its thief can't get. */
export const useStolenToken: Step = {
  name: 'stolen-token-refused',
  unfit: needsEntries(sampleZone),
  async run(system) {
    const { url, accessToken, headers: own, send } = await prepareSubmission(system);
    const twin = await send(own);
    if (twin.status >= 300) throw stepFailed(`the allowed twin failed: the API answered ${twin.status}`);
    const thefts = {
      'as a bearer token': { authorization: `Bearer ${accessToken}` },
      'without a proof': { authorization: `DPoP ${accessToken}` },
      "with a proof by the thief's key": {
        authorization: `DPoP ${accessToken}`,
        dpop: await makeThiefsProof('POST', url, accessToken),
      },
    };
    let challenge = '';
    for (const [how, headers] of Object.entries(thefts)) {
      const answer = await send(headers);
      if (answer.status !== 401) throw stepFailed(`${how} the API answered ${answer.status}`);
      challenge = answer.challenge;
    }
    return `${Object.keys(thefts).join(', ')}: 401 each time; last ${challenge}`;
  },
};
