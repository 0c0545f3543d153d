import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { required } from '@helseid-zones/protocol/values';
import { recordName } from '../../../infra/declaration/names.ts';
import { reconcile } from '../../../infra/keys/reconcile.ts';
import { type AwsAccess, type AwsAnswer, callJson, callLambda } from '../../aws/aws-client.ts';
import { cloudTrailEvent } from '../../aws/trail.ts';
import { makeOrganizationNumber } from '../events.ts';
import { callingZone, linesDuring, otherZone, sampleDetails, step, tokensZone } from './facts.ts';

/**
 * Shows that a call is denied and that its twin is not. The twin goes first: a denial proves nothing while nobody could do it.
 * `denied` has each way that there is. Resolves to AWS's error; throws where the twin failed, or where a denied call succeeded or
 * failed for another reason.
 */
export async function expectDenied(pair: {
  allowed(): Promise<AwsAnswer>;
  denied: readonly (() => Promise<AwsAnswer>)[];
}): Promise<string> {
  const { error: failure } = await pair.allowed();
  assert(failure === undefined, `the allowed twin failed: ${failure?.code}: ${failure?.message}`);
  let message = '';
  for (const call of pair.denied) {
    const { status, error } = await call();
    const denied = error?.code === 'AccessDeniedException';
    assert(denied, `expected AccessDeniedException, but AWS answered ${status} ${error?.code ?? ''}`);
    message ||= error?.message ?? '';
  }
  return `AccessDeniedException: ${message}`;
}

/**
 * A zone can't use the client key: not with its own network's means, not with its credentials at the signing zone's
 * endpoint. The signer can, and no other client's key.
 */
export const publicDeniedKmsSign = step('public-denied-kms-sign', [otherZone], async (system, zone) => {
  const { grant, client } = zone;
  const key = zone.key();
  const { hash, kmsSigningAlgorithm: SigningAlgorithm, kty } = ALGORITHMS[client.algorithm];
  const message = randomBytes(32);
  const Message = createHash(hash).update(message).digest('base64');
  const input = { Message, MessageType: 'DIGEST', SigningAlgorithm };
  const signer = zone.signer('kms');
  const sign = (access: AwsAccess, { keyArn: KeyId }: { keyArn: string } = key) =>
    callJson(access, 'kms', 'TrentService.Sign', { ...input, KeyId });
  const others = system.keys.filter((other) => other.client !== grant.client);
  return expectDenied({
    async allowed() {
      const answer = await sign(signer);
      const signature = Buffer.from(String((answer.body as { Signature?: string }).Signature), 'base64');
      const publicKey = createPublicKey({ key: { ...key.jwk }, format: 'jwk' });
      const padding = kty === 'RSA' ? { padding: 6, saltLength: -1 } : {};
      const valid = () => verify(hash, message, { key: publicKey, ...padding }, signature);
      assert(answer.error !== undefined || valid(), 'the signature that the signer got is not valid');
      return answer;
    },
    denied: [
      () => sign(zone.own('kms')),
      () => sign({ ...zone.own(), url: signer.url }),
      // The signer's own credentials, but not through its endpoint.
      () => sign(zone.signer()),
      ...others.map((other) => () => sign(signer, other)),
    ],
  });
});

/** A zone can't ask another one's signer; that one's function can. */
export const publicDeniedInternalSigner = step(
  'public-denied-internal-signer',
  [otherZone, callingZone],
  (_, outside, inside) =>
    expectDenied({
      allowed: async () => withError(await inside.askSigner(inside.asker('lambda'), inside.intent)),
      denied: [outside.own('lambda'), outside.own()].map(
        (access) => () => inside.askSigner(access, inside.intent),
      ),
    }),
);

/** Where a function of the zone has its tokens, the others can't ask its signer; they can ask that function for headers. */
export const functionDeniedOwnSigner = step('function-denied-own-signer', [tokensZone], (_, zone) => {
  const { askerName, grant, intent } = zone;
  const own = zone.own('lambda');
  const { name: api, method, url } = zone.apiCall();
  const details = sampleDetails(zone, makeOrganizationNumber());
  const request = { api, client: grant.client, method, url, ...(details.length > 0 ? { details } : {}) };
  return expectDenied({
    allowed: async () => withError(await callLambda(own, askerName, request)),
    denied: [own, zone.own()].map((access) => () => zone.askSigner(access, intent)),
  });
});

/** An answer of ours with a coded error in it, as one of AWS. */
function withError(answer: AwsAnswer): AwsAnswer {
  const { error } = answer.body as SignAnswer;
  return error === undefined ? answer : { ...answer, error };
}

type SignAnswer = { signatures?: unknown[]; error?: { code: string; message: string } };

/** A zone can read no client's record; its signer can read that of its own client, and no other's. */
export const internalDeniedClientRecord = step(
  'internal-denied-client-record',
  [callingZone],
  ({ declaration }, zone) => {
    const { own, signer, grant } = zone;
    const granted = signer('secretsmanager');
    const read = (access: AwsAccess, client: string) => {
      const SecretId = recordName(declaration.name, client);
      return callJson(access, 'secretsmanager', 'secretsmanager.GetSecretValue', { SecretId });
    };
    const outside = [own('secretsmanager'), { ...own(), url: granted.url }];
    const clients = Object.keys(declaration.clients);
    const others = clients.filter((client) => client !== grant.client);
    return expectDenied({
      allowed: () => read(granted, grant.client),
      denied: [
        ...clients.flatMap((client) => outside.map((access) => () => read(access, client))),
        ...others.map((client) => () => read(granted, client)),
      ],
    });
  },
);

/** The signer makes a proof for the API call that the zone is granted, and none for another method, path, API or host. */
export const proofOutsideGrantRefused = step(
  'proof-outside-grant-refused',
  [callingZone],
  async ({ declaration }, { asker, askSigner, grant }) => {
    const { api, methods, paths } = required(grant.apis[0], 'An API of the grant');
    const { [api]: own, ...others } = declaration.apis;
    const base = required(own, api).baseUrl;
    const [method = 'POST', path = '/'] = [methods[0], paths[0]];
    const ask = async (verb: string, url: string) => {
      const intent = { kind: 'dpop_proof', client: grant.client, method: verb, url };
      const { body } = await askSigner(asker('lambda'), intent);
      return body as SignAnswer;
    };
    const twin = await ask(method, `${base}${path}`);
    const why = twin.error?.message ?? 'no signature';
    assert(twin.signatures?.length === 1, `the allowed twin failed: ${why}`);
    const outside: [string, string][] = [
      ['TRACE', `${base}${path}`],
      [method, `${base}/other${path}`],
      [method, `https://attacker.example.no${path}`],
      ...Object.values(others).map(({ baseUrl }): [string, string] => [method, `${baseUrl}${path}`]),
    ];
    let message = '';
    for (const [verb, url] of outside) {
      const { error, signatures } = await ask(verb, url);
      const refused =
        signatures === undefined && /^(grant_refused|intent_malformed)$/.test(error?.code ?? '');
      assert(refused, `${verb} ${url} was not refused: ${error?.code ?? 'signed'}`);
      message = `${error?.code}: ${error?.message}`;
    }
    return `${outside.length} proofs outside the grant refused; ${message}`;
  },
);

/** Of two signatures with one key, the one that no signer tells of is named: somebody has a signer's credentials and its network. */
export const forgedSignFound = step('forged-sign-found', [callingZone], async (system, zone) => {
  const { signerName, client, intent } = zone;
  const { keyArn: KeyId, kid } = zone.key();
  const { hash, kmsSigningAlgorithm: SigningAlgorithm } = ALGORITHMS[client.algorithm];
  const Message = createHash(hash).update(randomBytes(32)).digest('base64');
  const sign = { KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm };
  const { lines } = await linesDuring(system, async () => {
    await zone.askSigner(zone.asker('lambda'), intent);
    const { error } = await callJson(zone.signer('kms'), 'kms', 'TrentService.Sign', sign);
    assert(error === undefined, `a signature by hand failed: ${error?.code}`);
  });
  const records = lines.flatMap((line) => [cloudTrailEvent(line), line.fields]);
  const { matched, unaudited, unrecorded } = reconcile(
    records,
    new Map([[KeyId, { kid, signers: [signerName] }]]),
    system.declaration.name,
  );
  assert(
    matched === 1 && unaudited.length === 1 && unrecorded.length === 0,
    `${matched} signatures matched, ${unaudited.length} in CloudTrail alone, ${unrecorded.length} in the audit alone`,
  );
  return `of two signatures, npm run audit names the one by hand: ${unaudited[0]?.requestID}`;
});
