import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { callJson } from '../../aws/aws-client.ts';
import { expectDenied } from './deny.ts';
import { accessOf, gatewayZone, keyOf, needsEntries, publicAccessOf } from './facts.ts';
import { type Step, stepFailed } from './step.ts';

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
