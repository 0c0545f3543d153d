import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { recordName } from '../../../infra/declaration/names.ts';
import { type AwsAnswer, callJson, callLambda } from '../../aws/aws-client.ts';
import { accessOf, eventZone, gatewayZone, keyOf, needsEntries, publicAccessOf } from './facts.ts';
import { type Step, stepFailed } from './step.ts';

/**
 * Shows that a call is denied and that its twin is not. The twin goes first: a denial proves nothing while nobody could do it.
 * Resolves to AWS's error; throws where the twin failed, or where a denied call succeeded or failed for another reason.
 */
export async function expectDenied(pair: {
  allowed(): Promise<AwsAnswer>;
  /** By each way that there is. */
  denied: readonly (() => Promise<AwsAnswer>)[];
  /** Default `AccessDeniedException`. */
  code?: string;
}): Promise<string> {
  const { code = 'AccessDeniedException' } = pair;
  const twin = await pair.allowed();
  if (twin.error !== undefined)
    throw stepFailed(`the allowed twin failed: ${twin.error.code}: ${twin.error.message}`);
  const messages: string[] = [];
  for (const call of pair.denied) {
    const { status, error } = await call();
    if (error?.code !== code)
      throw stepFailed(`expected ${code}, but AWS answered ${status} ${error?.code ?? ''}`);
    messages.push(error.message);
  }
  return `${code}: ${messages[0] ?? ''}`;
}

/**
 * The public zone can't use the client key: not with its own network's means, not with its credentials at the signing zone's
 * endpoint. The signer can, and no other client's key.
 */
export const publicDeniedKmsSign: Step = {
  name: 'public-denied-kms-sign',
  unfit: needsEntries(gatewayZone),
  async run(system) {
    const { functionName, signerName, grant } = gatewayZone(system);
    const key = keyOf(system, grant.client);
    const algorithm = ALGORITHMS[system.declaration.clients[grant.client]?.algorithm ?? 'ES256'];
    const message = randomBytes(32);
    const input = {
      Message: createHash(algorithm.hash).update(message).digest('base64'),
      MessageType: 'DIGEST',
      SigningAlgorithm: algorithm.kmsSigningAlgorithm,
    };
    const signer = accessOf(system, signerName, 'kms');
    const stolen = publicAccessOf(system, functionName);
    const sign = (access: typeof signer, { keyArn }: { keyArn: string } = key) =>
      callJson(access, 'kms', 'TrentService.Sign', { ...input, KeyId: keyArn });
    const others = system.keys.filter(({ client }) => client !== grant.client);
    return expectDenied({
      async allowed() {
        const answer = await sign(signer);
        const signature = Buffer.from(String((answer.body as { Signature?: string }).Signature), 'base64');
        const publicKey = createPublicKey({ key: { ...key.jwk }, format: 'jwk' });
        const padding = algorithm.kty === 'RSA' ? { padding: 6, saltLength: -1 } : {};
        if (
          answer.error === undefined &&
          !verify(algorithm.hash, message, { key: publicKey, ...padding }, signature)
        ) {
          throw stepFailed('the signature that the signer got is not valid');
        }
        return answer;
      },
      denied: [
        () => sign(accessOf(system, functionName, 'kms')),
        () => sign({ ...stolen, url: signer.url }),
        // The signer's own credentials, but not through its endpoint.
        () => sign(publicAccessOf(system, signerName)),
        ...others.map((other) => () => sign(signer, other)),
      ],
    });
  },
};

/** The public zone can't ask the internal zone's signer; the internal zone's function can. */
export const publicDeniedInternalSigner: Step = {
  name: 'public-denied-internal-signer',
  unfit: needsEntries(gatewayZone, eventZone),
  run(system) {
    const { functionName: outside } = gatewayZone(system);
    const { functionName, signerArn, grant } = eventZone(system);
    const issuer = system.declaration.clients[grant.client]?.issuer ?? '';
    const request = { intents: [{ kind: 'client_assertion', client: grant.client, issuer }] };
    const ask = (access: Parameters<typeof callLambda>[0]) => callLambda(access, signerArn, request);
    return expectDenied({
      async allowed() {
        const answer = await ask(accessOf(system, functionName, 'lambda'));
        const { error } = answer.body as { error?: { code: string; message: string } };
        return error === undefined ? answer : { ...answer, error };
      },
      denied: [() => ask(accessOf(system, outside, 'lambda')), () => ask(publicAccessOf(system, outside))],
    });
  },
};

/** The internal zone can read no client's record; its signer can read that of its own client, and no other's. */
export const internalDeniedClientRecord: Step = {
  name: 'internal-denied-client-record',
  unfit: needsEntries(eventZone),
  run(system) {
    const { functionName, signerName, grant } = eventZone(system);
    const signer = accessOf(system, signerName, 'secretsmanager');
    const read = (access: typeof signer, client: string) => {
      const SecretId = recordName(system.declaration.name, client);
      return callJson(access, 'secretsmanager', 'secretsmanager.GetSecretValue', { SecretId });
    };
    const own = accessOf(system, functionName, 'secretsmanager');
    const stolen = { ...publicAccessOf(system, functionName), url: signer.url };
    const clients = Object.keys(system.declaration.clients);
    return expectDenied({
      allowed: () => read(signer, grant.client),
      denied: [
        ...clients.flatMap((client) => [() => read(own, client), () => read(stolen, client)]),
        ...clients.filter((client) => client !== grant.client).map((client) => () => read(signer, client)),
      ],
    });
  },
};

type SignAnswer = { signatures?: unknown[]; error?: { code: string; message: string } };

/** The signer makes a proof for the API call that the zone is granted, and none for another method, path, API or host. */
export const proofOutsideGrantRefused: Step = {
  name: 'proof-outside-grant-refused',
  unfit: needsEntries(eventZone),
  async run(system) {
    const { functionName, signerArn, grant } = eventZone(system);
    const [granted] = grant.apis;
    const base = system.declaration.apis[granted?.api ?? '']?.baseUrl ?? '';
    const [method = 'POST', path = '/'] = [granted?.methods[0], granted?.paths[0]];
    const ask = async (verb: string, url: string) => {
      const intent = { kind: 'dpop_proof', client: grant.client, method: verb, url };
      const { body } = await callLambda(accessOf(system, functionName, 'lambda'), signerArn, {
        intents: [intent],
      });
      return body as SignAnswer;
    };
    const twin = await ask(method, `${base}${path}`);
    if (twin.signatures?.length !== 1)
      throw stepFailed(`the allowed twin failed: ${twin.error?.message ?? 'no signature'}`);
    const others = Object.entries(system.declaration.apis).filter(([name]) => name !== granted?.api);
    const outside: [string, string][] = [
      ['TRACE', `${base}${path}`],
      [method, `${base}/other${path}`],
      [method, `https://attacker.example.no${path}`],
      ...others.map(([, { baseUrl }]): [string, string] => [method, `${baseUrl}${path}`]),
    ];
    let message = '';
    for (const [verb, url] of outside) {
      const { error, signatures } = await ask(verb, url);
      if (
        signatures !== undefined ||
        error === undefined ||
        !/^(grant_refused|intent_malformed)$/.test(error.code)
      ) {
        throw stepFailed(`${verb} ${url} was not refused: ${error?.code ?? 'signed'}`);
      }
      message = `${error.code}: ${error.message}`;
    }
    return `${outside.length} proofs outside the grant refused; ${message}`;
  },
};
