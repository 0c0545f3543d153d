/** Of the hash. */
type Bits = 256 | 384 | 512;

/** The JWA names HelseID allows a client to sign with (RFC 7518 3.1). RS* is refused; docs/decisions/algorithm.md says why. */
export type Algorithm = `${'ES' | 'PS'}${Bits}`;

/** Everything known about one algorithm, so that nothing else has to switch on its name. */
export interface AlgorithmEntry {
  readonly alg: Algorithm;
  /** KMS `SigningAlgorithm`. */
  readonly kmsSigningAlgorithm: `${'ECDSA' | 'RSASSA_PSS'}_SHA_${Bits}`;
  /** KMS `KeySpec` of a new key. */
  readonly kmsKeySpec: 'ECC_NIST_P256' | 'ECC_NIST_P384' | 'ECC_NIST_P521' | 'RSA_3072' | 'RSA_4096';
  /** node:crypto's name of the hash. */
  readonly hash: `sha${Bits}`;
  readonly kty: 'EC' | 'RSA';
  readonly crv?: 'P-256' | 'P-384' | 'P-521';
  /** Length of the JWS signature in bytes: r||s for ECDSA (RFC 7518 3.4); the modulus for RSA. */
  readonly signatureBytes: number;
}

const ecdsa = (
  bits: Bits,
  crv: NonNullable<AlgorithmEntry['crv']>,
  kmsKeySpec: AlgorithmEntry['kmsKeySpec'],
  signatureBytes: number,
): AlgorithmEntry => ({
  alg: `ES${bits}`,
  kty: 'EC',
  crv,
  hash: `sha${bits}`,
  signatureBytes,
  kmsKeySpec,
  kmsSigningAlgorithm: `ECDSA_SHA_${bits}`,
});

const pss = (bits: Bits): AlgorithmEntry => ({
  alg: `PS${bits}`,
  kty: 'RSA',
  hash: `sha${bits}`,
  signatureBytes: 384,
  kmsKeySpec: 'RSA_3072',
  kmsSigningAlgorithm: `RSASSA_PSS_SHA_${bits}`,
});

/** The registry: one entry an algorithm. HelseID's recommendation and our default are weighed in docs/decisions. */
export const ALGORITHMS: Readonly<Record<Algorithm, AlgorithmEntry>> = {
  ES256: ecdsa(256, 'P-256', 'ECC_NIST_P256', 64),
  ES384: ecdsa(384, 'P-384', 'ECC_NIST_P384', 96),
  ES512: ecdsa(512, 'P-521', 'ECC_NIST_P521', 132),
  PS256: pss(256),
  PS384: pss(384),
  PS512: pss(512),
};

/** The names of {@link ALGORITHMS}, for schemas and command lines. */
export const ALGORITHM_NAMES = Object.keys(ALGORITHMS) as Algorithm[];

/** Whether `name` is an algorithm this project signs with. */
export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === 'string' && Object.hasOwn(ALGORITHMS, name);
}
