/** The invariants that attacks run into, as SECURITY.md has them. */
export const INVARIANTS = {
  I1: 'The client key exists only in KMS; only signers can use it.',
  I2: 'A zone function can invoke its own signer and no other, through its own endpoint.',
  I3: 'A signer signs only what it composed itself from an intent that its grant allows.',
  I5: "The key signs only through the signing zone's endpoint, digests only, by the declared algorithm.",
  I8: 'Tokens never enter the signing zone and never reach a browser.',
  I10: 'Everything fails closed, with a coded error.',
} as const;

/** Name of an invariant. */
export type InvariantName = keyof typeof INVARIANTS;
