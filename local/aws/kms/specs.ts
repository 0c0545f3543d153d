import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';

/** What an asymmetric key spec can do, as KMS says it. */
export interface KeySpec {
  name: string;
  /** `SigningAlgorithms` of a key with this spec. */
  signingAlgorithms: readonly string[];
  /** How node:crypto makes such a key. */
  generate: { type: 'ec'; namedCurve: string } | { type: 'rsa'; modulusLength: number };
}

/** A KMS signing algorithm: the hash whose digest it signs, and the padding. */
export interface SigningAlgorithm {
  hash: 'sha256' | 'sha384' | 'sha512';
  digestBytes: number;
  scheme: 'ecdsa' | 'pss';
}

const PSS = Object.values(ALGORITHMS)
  .filter(({ kty }) => kty === 'RSA')
  .map(({ kmsSigningAlgorithm }) => kmsSigningAlgorithm);
const RSA = [...PSS, 'RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_384', 'RSASSA_PKCS1_V1_5_SHA_512'];

const SPECS: readonly KeySpec[] = [
  {
    name: 'ECC_NIST_P256',
    signingAlgorithms: ['ECDSA_SHA_256'],
    generate: { type: 'ec', namedCurve: 'P-256' },
  },
  {
    name: 'ECC_NIST_P384',
    signingAlgorithms: ['ECDSA_SHA_384'],
    generate: { type: 'ec', namedCurve: 'P-384' },
  },
  {
    name: 'ECC_NIST_P521',
    signingAlgorithms: ['ECDSA_SHA_512'],
    generate: { type: 'ec', namedCurve: 'P-521' },
  },
  { name: 'RSA_2048', signingAlgorithms: RSA, generate: { type: 'rsa', modulusLength: 2048 } },
  { name: 'RSA_3072', signingAlgorithms: RSA, generate: { type: 'rsa', modulusLength: 3072 } },
  { name: 'RSA_4096', signingAlgorithms: RSA, generate: { type: 'rsa', modulusLength: 4096 } },
];

/** The key specs that can sign, by name. */
export const KEY_SPECS: ReadonlyMap<string, KeySpec> = new Map(SPECS.map((spec) => [spec.name, spec]));

/** The six algorithms that the local KMS really signs with, by KMS's name. PKCS #1 v1.5 is not among them: HelseID's clients must not use it. */
export const SIGNING_ALGORITHMS: ReadonlyMap<string, SigningAlgorithm> = new Map(
  Object.values(ALGORITHMS).map(({ kmsSigningAlgorithm, hash, kty }) => [
    kmsSigningAlgorithm,
    { hash, digestBytes: Number(hash.slice(3)) / 8, scheme: kty === 'EC' ? 'ecdsa' : 'pss' },
  ]),
);
