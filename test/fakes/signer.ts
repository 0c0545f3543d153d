import { constants, type KeyObject, sign as signBytes } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { composeToken, type TokenSubject } from '@helseid-zones/protocol/compose';
import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent, Signature, Signer } from '@helseid-zones/protocol/intents';
import { describePublicKey, type VerificationKey } from '@helseid-zones/protocol/jwk';
import { parseSignRequest } from '@helseid-zones/protocol/parse';
import { canary } from '../canaries.ts';
import { generateKey } from './kms.ts';

/** A signer in this process. It parses and composes as the real one does, really signs, and has no grant. */
export interface FakeSigner extends Signer {
  /** The intents of each call. */
  calls: Intent[][];
  /** Adds a key; the latest added is the newest, the first one is current until {@link switchTo}. */
  addKey(algorithm?: Algorithm): VerificationKey;
  switchTo(kid: string): void;
  /** From now on the key signs nothing. */
  retire(kid: string): void;
  /** The next call is refused; or none, where it was going to be. */
  refuseNext(code: ErrorCode | undefined): void;
}

export function createFakeSigner(subject: TokenSubject, now: () => number): FakeSigner {
  const keys: (VerificationKey & { privateKey: KeyObject; retired: boolean })[] = [];
  let current = '';
  let refusal: ErrorCode | undefined;

  function choose(intent: Intent) {
    const wanted =
      intent.kid ??
      (intent.kind === 'client_assertion' && intent.key === 'newest' ? keys.at(-1)?.thumbprint : current);
    const key = keys.find(({ thumbprint }) => thumbprint === wanted);
    if (!key) throw new ZonesError('key_unknown', 'The record has no such key.');
    if (key.retired) throw new ZonesError('key_not_usable', 'The key is retired.');
    return key;
  }

  function signIntent(intent: Intent): Signature {
    const key = choose(intent);
    const { signingInput } = composeToken(intent, subject, key, {
      now: now(),
      jti: canary(intent.kind === 'dpop_proof' ? 'proof' : 'assertion'),
    });
    const { hash, kty } = ALGORITHMS[key.algorithm];
    const options =
      kty === 'EC'
        ? { key: key.privateKey, dsaEncoding: 'ieee-p1363' as const }
        : {
            key: key.privateKey,
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
          };
    const signature = signBytes(hash, Buffer.from(signingInput), options).toString('base64url');
    return { jws: `${signingInput}.${signature}`, kid: key.thumbprint, jkt: key.thumbprint };
  }

  const signer: FakeSigner = {
    calls: [],
    async sign(intents) {
      signer.calls.push(structuredClone([...intents]));
      const code = refusal;
      refusal = undefined;
      if (code) throw new ZonesError(code, 'Refused, as the test wants it.');
      // Through JSON, as on the way to the real one.
      return parseSignRequest(JSON.parse(JSON.stringify({ intents }))).map(signIntent);
    },
    addKey(algorithm = 'ES256') {
      const privateKey = generateKey(algorithm);
      const key = describePublicKey(privateKey, algorithm);
      keys.push({ ...key, privateKey, retired: false });
      current ||= key.thumbprint;
      return key;
    },
    switchTo(kid) {
      current = kid;
    },
    retire(kid) {
      for (const key of keys) if (key.thumbprint === kid) key.retired = true;
    },
    refuseNext(code) {
      refusal = code;
    },
  };
  return signer;
}
