import { createHash } from 'node:crypto';
import { createAwsCaller } from '../../client/aws.ts';
import { getAccessToken } from '../../client/machine-token.ts';
import { createRemoteSigner } from '../../client/remote-signer.ts';
import { createTokenClient } from '../../client/token-client.ts';
import type { LocalSystem } from '../system.ts';
import { accessOf, eventZone, needsEntries } from './facts.ts';
import { makeOrganizationNumber, newDocumentEvent } from './send-event.ts';
import { type Step, stepFailed } from './step.ts';

/** The API takes a proof once and not twice, though token, key and everything else are right. */
export const replayedProofRefused: Step = {
  name: 'replayed-proof-refused',
  unfit: needsEntries(eventZone),
  async run(system) {
    const child = makeOrganizationNumber();
    const { grant } = eventZone(system);
    const api = system.declaration.apis[grant.apis[0]?.api ?? ''];
    const url = `${api?.baseUrl}/DocumentReference`;
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
    const send = () =>
      system.fetch(url, {
        method: 'POST',
        headers: {
          authorization: `DPoP ${accessToken}`,
          dpop: proof?.jws ?? '',
          'content-type': 'application/fhir+json',
        },
        body: JSON.stringify(document),
      });
    const [first, second] = [await send(), await send()];
    await first.body?.cancel();
    if (!first.ok) throw stepFailed(`the allowed twin failed: the API answered ${first.status}`);
    const challenge = second.headers.get('www-authenticate') ?? '';
    await second.body?.cancel();
    if (second.status !== 401)
      throw stepFailed(`the proof was taken twice: the API answered ${second.status}`);
    return `first ${first.status}, then ${second.status} ${challenge}`;
  },
};

/** A token client like the one of the zone entered by events: its signer, by its endpoint, with its role's credentials. */
export function clientOf(system: LocalSystem) {
  const { functionName, signerArn, grant } = eventZone(system);
  const { url, region, credentials } = accessOf(system, functionName, 'lambda');
  const declared = system.declaration.clients[grant.client];
  if (declared === undefined) throw new TypeError(`there is no client ${grant.client}`);
  const aws = createAwsCaller({ region, credentials, endpoints: { lambda: url } });
  const { clientId, issuer, profile } = declared;
  const signer = createRemoteSigner({ aws, functionArn: signerArn });
  return createTokenClient({ client: grant.client, clientId, issuer, profile, signer, fetch: system.fetch });
}
