import { createPublicKey } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import type { AwsCaller } from '../aws.ts';
import type { HeldKey, SignDigest } from '../create-signer.ts';

/** What KMS says of a key that can't be used, whoever asks. */
const UNUSABLE = /^(?:Disabled|KMSInvalidState|NotFound|InvalidState)Exception$/;

/**
 * Keys in AWS KMS, for `createSigner`: their public halves, and what signs. Needs `kms:GetPublicKey` and `kms:Sign` on them. In a
 * system of several zones a signing function stands between (`infra/`): this alone keeps a key, it grants nothing and audits nothing.
 *
 * @throws {ZonesError} key_not_usable, kms_throttled, kms_unavailable, kms_refused: as AWS answers
 */
export async function openKmsKeys(
  aws: AwsCaller,
  arns: readonly string[],
  algorithm: Algorithm,
): Promise<{ keys: HeldKey[]; sign: SignDigest }> {
  const ask = async (operation: string, input: object, signal?: AbortSignal) => {
    const target = `TrentService.${operation}`;
    const request = { service: 'kms', target, version: '1.1', input, repeatable: true, signal } as const;
    return Object(await aws.json(request).catch(throwCoded)) as Record<string, string>;
  };
  const bytes = (text: string | undefined) => Buffer.from(text ?? '', 'base64');
  const held = await Promise.all(
    arns.map(async (arn) => {
      const { PublicKey } = await ask('GetPublicKey', { KeyId: arn });
      const publicKey = createPublicKey({ key: bytes(PublicKey), format: 'der', type: 'spki' });
      return { arn, publicKey, algorithm, kid: describePublicKey(publicKey, algorithm).thumbprint };
    }),
  );
  return {
    keys: held,
    async sign(digest, name, { kid, signal }) {
      const KeyId = held.find((key) => key.kid === kid)?.arn;
      const { kmsSigningAlgorithm: SigningAlgorithm } = ALGORITHMS[name];
      const Message = Buffer.from(digest).toString('base64');
      const input = { KeyId, MessageType: 'DIGEST', SigningAlgorithm, Message };
      const { Signature } = await ask('Sign', input, signal);
      return { signature: bytes(Signature), format: 'der' };
    },
  };
}

function throwCoded(cause: unknown): never {
  const { error = '' } = isZonesError(cause, 'aws_refused') ? cause.facts : {};
  const refused = UNUSABLE.test(error) ? 'key_not_usable' : 'kms_refused';
  const silent = isZonesError(cause, 'aws_throttled') ? 'kms_throttled' : 'kms_unavailable';
  const message = `KMS did not sign (${error || 'retry with backoff'}); see the key's state and policy, and this role.`;
  const facts = error ? { aws_error: error } : {};
  throw new ZonesError(error ? refused : silent, message, { cause, facts });
}
