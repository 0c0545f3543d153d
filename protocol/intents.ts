import * as v from 'valibot';
import { type DeepReadonly, name, sha256, text } from './schema.ts';

/**
 * Intents: the closed union of what may be asked of a signer. An intent names facts, never bytes, headers or
 * claims; the signer composes those itself (invariant I3).
 * @module
 */

/** A DPoP nonce (RFC 9449 8.1: NQCHAR), of a length that a signer puts into a proof. */
export const NONCE_PATTERN = /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/;

/** At most this many intents in one invocation. */
export const MAX_INTENTS = 8;

const coded = v.strictObject({
  code: text,
  /** `urn:oid:…`; known systems only. */
  system: text,
});

const unit = v.strictObject({
  id: text,
  /** `urn:oid:…`; known systems only. */
  system: text,
});

const organizationDetail = v.strictObject({
  type: v.literal('helseid_authorization'),
  /** Organisation number of the legal entity, nine digits (multi-tenant clients only). */
  parent: v.optional(text),
  /** Organisation number of the sub-unit, nine digits. */
  child: v.optional(text),
});

const sfmJournalIdDetail = v.strictObject({
  type: v.literal('nhn:sfm:journal-id'),
  /** A UUID. */
  journalId: text,
});

const trustFrameworkDetail = v.strictObject({
  type: v.literal('nhn:tillitsrammeverk:parameters'),
  practitioner: v.strictObject({
    authorization: coded,
    legal_entity: unit,
    point_of_care: unit,
    department: v.optional(unit),
  }),
  care_relationship: v.strictObject({
    healthcare_service: coded,
    purpose_of_use: coded,
    purpose_of_use_details: v.optional(coded),
    decision_ref: v.optional(v.strictObject({ id: text, user_selected: v.boolean() })),
  }),
  patients: v.array(v.strictObject({ point_of_care: unit, department: v.optional(unit) })),
});

const assertionDetail = v.variant('type', [organizationDetail, sfmJournalIdDetail, trustFrameworkDetail]);

/** Details of an assertion, at least one. */
export const details = v.pipe(v.array(assertionDetail), v.minLength(1));

/** A method of HTTP, as a proof has it. */
export const method = v.pipe(v.string(), v.regex(/^[A-Z]{1,16}$/));

/** See {@link NONCE_PATTERN}. */
export const nonce = v.pipe(v.string(), v.regex(NONCE_PATTERN));

const assertionIntent = v.strictObject({
  kind: v.literal('client_assertion'),
  /** The client's name in the declaration. */
  client: name,
  /** The issuer the assertion is for; must equal the client's. Becomes `aud`. */
  issuer: text,
  assertionDetails: v.optional(details),
  /** Pins a key of the client record, in any state but retired; without it `key` decides. */
  kid: v.optional(sha256),
  /** Without `kid`: the current key (default), or the newest one registered (asked for once after `invalid_client`). */
  key: v.optional(v.picklist(['current', 'newest'])),
});

const proofIntent = v.strictObject({
  kind: v.literal('dpop_proof'),
  client: name,
  method,
  /** The request URL; query and fragment are dropped for `htu`. */
  url: v.pipe(v.string(), v.minLength(1)),
  nonce: v.optional(nonce),
  /** base64url(SHA-256(access token)), 43 characters. With it, `kid` is required (I9). */
  ath: v.optional(sha256),
  kid: v.optional(sha256),
});

const requestObjectIntent = v.strictObject({
  kind: v.literal('request_object'),
  client: name,
  issuer: text,
  /** Authorization request parameters; names on the signer's list only, values strings. */
  parameters: v.record(v.string(), v.union([v.string(), v.array(v.string())])),
  authorizationDetails: v.optional(details),
  kid: v.optional(sha256),
});

const intent = v.variant('kind', [assertionIntent, proofIntent, requestObjectIntent]);

/** The shape of a {@link SignRequest}; `parseSignRequest` knows more of what is wrong. */
export const signRequest = v.strictObject({
  /** Left out by who asks for nothing that a later version brings: a signer of the release before takes it then. */
  version: v.exactOptional(v.literal(1)),
  intents: v.pipe(v.array(intent), v.minLength(1), v.maxLength(MAX_INTENTS)),
});

const thumbprint = v.pipe(v.string(), v.regex(/^[\w-]{43}$/));

/** The shape of a {@link Signature}; what a newer signer adds is no hindrance. */
export const signature = v.object({
  /** Compact serialization (RFC 7515 7.1). */
  jws: v.pipe(v.string(), v.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/)),
  /** RFC 7638 thumbprint of the key; what HelseID has it registered under. */
  kid: thumbprint,
  /** RFC 7638 SHA-256 thumbprint of the public JWK (RFC 9449 6.1); the same string as `kid`. */
  jkt: thumbprint,
});

/** A coded error, answered instead of what was asked for. */
export const refusal = v.object({
  error: v.object({
    /** A signer's is one of `SIGNER_ERRORS` (errors.ts). */
    code: v.string(),
    message: v.string(),
    facts: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
  }),
});

/** The shape of a {@link SignResponse}. */
export const signResponse = v.union([v.object({ signatures: v.array(signature) }), refusal]);

/** HelseID's organisation detail. Multi-tenant: `parent` and perhaps `child`; single-tenant: `child` alone. */
export type OrganizationDetail = DeepReadonly<v.InferOutput<typeof organizationDetail>>;

/** The journal id of SFM (multi-tenant clients). */
export type SfmJournalIdDetail = DeepReadonly<v.InferOutput<typeof sfmJournalIdDetail>>;

/** An organisation of the trust framework. */
export type IdentifiedUnit = DeepReadonly<v.InferOutput<typeof unit>>;

/** The trust framework's (tillitsrammeverk) parameters. */
export type TrustFrameworkDetail = DeepReadonly<v.InferOutput<typeof trustFrameworkDetail>>;

/** What may go into `assertion_details` (FK5, docs/requirements.md), typed; the signer renders the wire form. */
export type AssertionDetail = OrganizationDetail | SfmJournalIdDetail | TrustFrameworkDetail;

/** A client assertion (RFC 7523, private_key_jwt). */
export type AssertionIntent = DeepReadonly<v.InferOutput<typeof assertionIntent>>;

/** A DPoP proof (RFC 9449 4.2). */
export type ProofIntent = DeepReadonly<v.InferOutput<typeof proofIntent>>;

/** A request object (RFC 9101) for PAR. */
export type RequestObjectIntent = DeepReadonly<v.InferOutput<typeof requestObjectIntent>>;

/** The three things ever signed. */
export type Intent = AssertionIntent | ProofIntent | RequestObjectIntent;

/** What a signer function is invoked with. */
export type SignRequest = DeepReadonly<v.InferOutput<typeof signRequest>>;

/** A signature: a compact JWS with the key that verifies it. */
export type Signature = v.InferOutput<typeof signature>;

/** What a signer function returns: signatures in the order of the intents, or a coded error. */
export type SignResponse = v.InferOutput<typeof signResponse>;

/**
 * The seam: one call for several intents, signed concurrently, answered in order; it throws a coded error for all of them. `signal`
 * ends the waiting, where a signer heeds it.
 */
export interface Signer {
  sign(intents: readonly Intent[], options?: { signal?: AbortSignal | undefined }): Promise<Signature[]>;
}
