import { createHash } from 'node:crypto';
import { createAwsCaller } from '@helseid-zones/client/aws';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import { createRemoteSigner } from '@helseid-zones/client/remote-signer';
import { createTokenClient } from '@helseid-zones/client/token-client';
import type { LocalSystem } from '../system.ts';
import { accessOf, eventZone, sampleZone } from './facts.ts';
import { makeOrganizationNumber, newDocumentEvent } from './send-event.ts';

/** A document that is ready to be submitted, with everything that the API wants to see. */
export interface Submission {
  url: string;
  accessToken: string;
  /** The headers that the API accepts, once. */
  headers: { authorization: string; dpop: string };
  /** Sends the document with these headers; resolves to how the API answered. */
  send(headers: Readonly<Record<string, string>>): Promise<{ status: number; challenge: string }>;
}

/** Prepares a submission as the zone entered by events does: its token, and a proof by its signer. */
export async function prepareSubmission(system: LocalSystem): Promise<Submission> {
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
