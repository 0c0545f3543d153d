/** The JWA names HelseID allows a client to sign with (RFC 7518 3.1). RS* is refused; docs/decisions/algorithm.md says why. */
export type Algorithm = 'ES256' | 'ES384' | 'ES512' | 'PS256' | 'PS384' | 'PS512';

/** Everything known about one algorithm, so that nothing else has to switch on its name. */
export interface AlgorithmEntry {
  readonly alg: Algorithm;
  /** KMS `SigningAlgorithm`. */
  readonly kmsSigningAlgorithm:
    | 'ECDSA_SHA_256'
    | 'ECDSA_SHA_384'
    | 'ECDSA_SHA_512'
    | 'RSASSA_PSS_SHA_256'
    | 'RSASSA_PSS_SHA_384'
    | 'RSASSA_PSS_SHA_512';
  /** KMS `KeySpec` of a new key. */
  readonly kmsKeySpec: 'ECC_NIST_P256' | 'ECC_NIST_P384' | 'ECC_NIST_P521' | 'RSA_3072' | 'RSA_4096';
  /** node:crypto's name of the hash. */
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly kty: 'EC' | 'RSA';
  readonly crv?: 'P-256' | 'P-384' | 'P-521';
  /** Length of the JWS signature in bytes: r||s for ECDSA (RFC 7518 3.4); the modulus for RSA. */
  readonly signatureBytes: number;
}

const ES = { kty: 'EC' } as const;
const PS = { kty: 'RSA', kmsKeySpec: 'RSA_3072', signatureBytes: 384 } as const;

/** The registry: one entry an algorithm. HelseID's recommendation and our default are weighed in docs/decisions. */
export const ALGORITHMS: Readonly<Record<Algorithm, AlgorithmEntry>> = {
  ES256: {
    ...ES,
    alg: 'ES256',
    kmsSigningAlgorithm: 'ECDSA_SHA_256',
    kmsKeySpec: 'ECC_NIST_P256',
    hash: 'sha256',
    crv: 'P-256',
    signatureBytes: 64,
  },
  ES384: {
    ...ES,
    alg: 'ES384',
    kmsSigningAlgorithm: 'ECDSA_SHA_384',
    kmsKeySpec: 'ECC_NIST_P384',
    hash: 'sha384',
    crv: 'P-384',
    signatureBytes: 96,
  },
  ES512: {
    ...ES,
    alg: 'ES512',
    kmsSigningAlgorithm: 'ECDSA_SHA_512',
    kmsKeySpec: 'ECC_NIST_P521',
    hash: 'sha512',
    crv: 'P-521',
    signatureBytes: 132,
  },
  PS256: { ...PS, alg: 'PS256', kmsSigningAlgorithm: 'RSASSA_PSS_SHA_256', hash: 'sha256' },
  PS384: { ...PS, alg: 'PS384', kmsSigningAlgorithm: 'RSASSA_PSS_SHA_384', hash: 'sha384' },
  PS512: { ...PS, alg: 'PS512', kmsSigningAlgorithm: 'RSASSA_PSS_SHA_512', hash: 'sha512' },
};

/** The names of {@link ALGORITHMS}, for schemas and command lines. */
export const ALGORITHM_NAMES = Object.keys(ALGORITHMS) as Algorithm[];

/** Whether `name` is an algorithm this project signs with. */
export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === 'string' && Object.hasOwn(ALGORITHMS, name);
}
