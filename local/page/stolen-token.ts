import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { getAccessToken } from '../../client/machine-token.ts';
import { eventZone, needsEntries } from '../steps/facts.ts';
import { clientOf } from '../steps/replayed-proof-refused.ts';
import { makeOrganizationNumber, newDocumentEvent } from '../steps/send-event.ts';
import { type Step, stepFailed } from '../steps/step.ts';

/** An access token is worth nothing without the key it is bound to, which its thief can't get. */
export const useStolenToken: Step = {
  name: 'stolen-token-refused',
  unfit: needsEntries(eventZone),
  async run(system) {
    const { grant } = eventZone(system);
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
    const send = async (headers: Record<string, string>) => {
      const { document } = newDocumentEvent(child).detail as { document?: object };
      const answer = await system.fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/fhir+json' },
        body: JSON.stringify(document),
      });
      await answer.body?.cancel();
      return { status: answer.status, challenge: answer.headers.get('www-authenticate') ?? '' };
    };
    const [proof] = await client.signer.sign([
      { kind: 'dpop_proof', client: grant.client, method: 'POST', url, ath, kid: binding.kid },
    ]);
    const twin = await send({ authorization: `DPoP ${accessToken}`, dpop: proof?.jws ?? '' });
    if (twin.status >= 300) throw stepFailed(`the allowed twin failed: the API answered ${twin.status}`);
    const thefts = {
      'as a bearer token': { authorization: `Bearer ${accessToken}` },
      'without a proof': { authorization: `DPoP ${accessToken}` },
      "with a proof by the thief's key": {
        authorization: `DPoP ${accessToken}`,
        dpop: await proveWithOwnKey(url, ath),
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

/** A proof in which everything is right but the key. */
function proveWithOwnKey(url: string, ath: string): Promise<string> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return exportJWK(publicKey).then((jwk) =>
    new SignJWT({ htm: 'POST', htu: url, ath, jti: randomUUID() })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setIssuedAt()
      .sign(privateKey),
  );
}
