import * as denials from '../steps/denials.ts';
import { forgeSession } from '../steps/login-steps.ts';
import * as calls from '../steps/protected-calls.ts';
import type { Step } from '../steps/step.ts';

/** The invariants that attacks run into, as SECURITY.md has them. */
export const INVARIANTS = {
  I1: 'The client key exists only in KMS; only signers can use it.',
  I2: 'A zone function can invoke its own signer and no other, through its own endpoint.',
  I3: 'A signer signs only what it composed itself from an intent that its grant allows.',
  I5: "The key signs only through the signing zone's endpoint, digests only, by the declared algorithm.",
  I8: 'Tokens never enter the signing zone and never reach a browser.',
  I10: 'Everything fails closed, with a coded error.',
} as const;

/** An attack that can be run against the running system. Its step fails where the attack succeeds. */
export interface Attack {
  name: string;
  title: string;
  /** What is tried; `{calling}` and `{other}` stand for names of zones. */
  tries: string;
  /** What stops it. */
  stoppedBy: string;
  /** Those of this system that it runs into; none where what stops it is not of this system. */
  invariants: readonly (keyof typeof INVARIANTS)[];
  step: Step;
}

/** The attacks of the page, in their order. Each shows first that its allowed twin works: a refusal proves nothing where nobody gets through. */
export const ATTACKS: readonly Attack[] = [
  {
    name: 'kms-from-public',
    title: 'Sign with the client key from a zone',
    tries:
      "The role of zone {other} calls kms:Sign: by its own network, and with stolen credentials at the signing zone's endpoint.",
    stoppedBy: 'key policy, permissions boundary, endpoint policy and identity policy, each on its own',
    invariants: ['I1', 'I5'],
    step: denials.publicDeniedKmsSign,
  },
  {
    name: 'other-signer',
    title: "Ask another zone's signer",
    tries: 'The role of zone {other} invokes the signer of zone {calling}.',
    stoppedBy: "the zone's endpoint policy, permissions boundary and identity policy",
    invariants: ['I2'],
    step: denials.publicDeniedInternalSigner,
  },
  {
    name: 'client-record',
    title: 'Read a client record from a zone',
    tries: "The role of zone {calling} reads the secret that names the client's keys.",
    stoppedBy: 'identity policy, permissions boundary and endpoint policy',
    invariants: ['I1'],
    step: denials.internalDeniedClientRecord,
  },
  {
    name: 'outside-grant',
    title: 'Ask for a proof outside the grant',
    tries: 'Zone {calling} asks its own signer for proofs for another method, path, API and host.',
    stoppedBy: "the grant in the signer's own asset, before KMS is asked",
    invariants: ['I3'],
    step: denials.proofOutsideGrantRefused,
  },
  {
    name: 'replayed-proof',
    title: 'Replay a proof',
    tries: 'A valid call to the API is sent a second time, token, proof and body unchanged.',
    stoppedBy:
      'the stand-in API, as RFC 9449 11.1 asks: it takes the jti of a proof once; whether a real API does is its own matter',
    invariants: [],
    step: calls.replayedProofRefused,
  },
  {
    name: 'stolen-token',
    title: 'Use a stolen access token',
    tries:
      'A valid access token is sent as a bearer token, without a proof, and with a proof by a key of the thief.',
    stoppedBy:
      'the stand-in API, as RFC 9449 7.1 asks: the token is bound to a key that only KMS has; whether a real API looks is its own matter',
    invariants: [],
    step: calls.useStolenToken,
  },
  {
    name: 'forged-session',
    title: 'Forge a session',
    tries:
      'Requests come with session cookies that nobody was given: made up, empty, twice, and with a key as the table stores it.',
    stoppedBy: 'the session function: only a 256-bit id whose hash is in the table opens a session',
    invariants: ['I8', 'I10'],
    step: forgeSession,
  },
  {
    name: 'foreign-token-stolen',
    title: "Use another vendor's stolen token at our own API",
    tries:
      'A valid token of a client that may call our route is sent as a bearer token, without a proof, and with a proof by a key of the thief.',
    stoppedBy: 'the authorizer: a token opens the route with a proof by the key it is bound to (RFC 9449)',
    invariants: ['I10'],
    step: calls.foreignTokenStolen,
  },
  {
    name: 'foreign-call-replayed',
    title: 'Replay a call of our own API',
    tries: 'A valid call of our route is sent a second time, token and proof unchanged.',
    stoppedBy: 'the authorizer, which claims each jti in a table that all its instances share',
    invariants: ['I10'],
    step: calls.foreignCallReplayed,
  },
  {
    name: 'foreign-audience',
    title: 'Use a token for another API',
    tries: 'A client that may call our route sends a token that it got for another API, with a good proof.',
    stoppedBy: 'the authorizer: the token must be for this API alone (aud)',
    invariants: ['I10'],
    step: calls.foreignAudience,
  },
];
