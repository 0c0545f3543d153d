import type { Input, Operation } from '../call.ts';
import { AwsError, validationError } from '../errors.ts';
import { oneOf, refuseOthers, requiredBlob, requiredText } from '../input.ts';
import type { RateLimit } from '../rate-limit.ts';
import { needOnKey } from './context.ts';
import type { KeyStore, StoredKey } from './keys.ts';
import { digestMessage, signDigest } from './sign-digest.ts';
import { KEY_SPECS, SIGNING_ALGORITHMS } from './specs.ts';
import { requireEnabled } from './usable.ts';

const MAX_MESSAGE = 4096;
const ALL_ALGORITHMS = [...new Set([...KEY_SPECS.values()].flatMap((spec) => spec.signingAlgorithms))];

/** `Sign` and `GetPublicKey`: the cryptography, with KMS's checks in KMS's order. */
export function signOperations(keys: KeyStore, withinQuota: RateLimit): Record<string, Operation> {
  return {
    Sign: {
      needs: needOnKey(keys, 'kms:Sign', (input) => ({
        'kms:MessageType': messageType(input),
        'kms:SigningAlgorithm': oneOf(input, 'SigningAlgorithm', ALL_ALGORITHMS),
      })),
      run(input) {
        refuseOthers(input, 'Sign', ['KeyId', 'Message', 'MessageType', 'SigningAlgorithm']);
        const message = requiredBlob(input, 'Message', MAX_MESSAGE);
        if (!withinQuota()) {
          throw new AwsError(
            'ThrottlingException',
            'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
          );
        }
        const key = keys.find(requiredText(input, 'KeyId'));
        requireEnabled(key);
        return sign(key, requiredText(input, 'SigningAlgorithm'), messageType(input), message);
      },
    },
    GetPublicKey: {
      needs: needOnKey(keys, 'kms:GetPublicKey'),
      run(input) {
        refuseOthers(input, 'GetPublicKey', ['KeyId']);
        const key = keys.find(requiredText(input, 'KeyId'));
        requireEnabled(key);
        return {
          KeyId: key.arn,
          PublicKey: material(key).publicDer,
          KeySpec: key.spec,
          CustomerMasterKeySpec: key.spec,
          KeyUsage: key.usage,
          SigningAlgorithms: KEY_SPECS.get(key.spec)?.signingAlgorithms,
        };
      },
    },
  };
}

function messageType(input: Input): 'RAW' | 'DIGEST' {
  return oneOf(input, 'MessageType', ['RAW', 'DIGEST'], 'RAW');
}

function material(key: StoredKey): { privatePem: string; publicDer: string } {
  const { privatePem, publicDer } = key;
  if (privatePem === undefined || publicDer === undefined) {
    throw new AwsError(
      'UnsupportedOperationException',
      `${key.arn} origin is AWS_KMS which is not valid for this operation: it is a symmetric key.`,
    );
  }
  return { privatePem, publicDer };
}

function sign(key: StoredKey, name: string, type: 'RAW' | 'DIGEST', message: Buffer): Record<string, string> {
  if (!KEY_SPECS.get(key.spec)?.signingAlgorithms.includes(name)) {
    throw new AwsError(
      'InvalidKeyUsageException',
      `Algorithm ${name} and key spec ${key.spec} are incompatible.`,
    );
  }
  const algorithm = SIGNING_ALGORITHMS.get(name);
  if (algorithm === undefined) throw validationError(`The local KMS does not sign with ${name}`);
  if (type === 'DIGEST' && message.length !== algorithm.digestBytes) {
    throw validationError(`Digest is invalid length for algorithm ${name}.`);
  }
  const digest = type === 'DIGEST' ? message : digestMessage(algorithm, message);
  const signature = signDigest(algorithm, digest, material(key).privatePem);
  return { KeyId: key.arn, Signature: signature.toString('base64'), SigningAlgorithm: name };
}
