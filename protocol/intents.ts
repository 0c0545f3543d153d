/**
 * Intents: the closed union of what may be asked of a signer. An intent names facts, never bytes, headers or
 * claims; the signer composes those itself (invariant I3).
 */

/** HelseID's organisation detail. Multi-tenant: `parent` and perhaps `child`; single-tenant: `child` alone. */
export interface OrganizationDetail {
  type: 'helseid_authorization';
  /** Organisation number of the legal entity, nine digits (multi-tenant clients only). */
  parent?: string;
  /** Organisation number of the sub-unit, nine digits. */
  child?: string;
}

/** The journal id of SFM (multi-tenant clients). */
export interface SfmJournalIdDetail {
  type: 'nhn:sfm:journal-id';
  /** A UUID. */
  journalId: string;
}

/** A code of a code system, as the trust framework wants it. */
export interface CodedValue {
  code: string;
  /** `urn:oid:…`; known systems only. */
  system: string;
}

/** An organisation of the trust framework. */
export interface IdentifiedUnit {
  id: string;
  /** `urn:oid:…`; known systems only. */
  system: string;
}

/** The trust framework's (tillitsrammeverk) parameters. */
export interface TrustFrameworkDetail {
  type: 'nhn:tillitsrammeverk:parameters';
  practitioner: {
    authorization: CodedValue;
    legal_entity: IdentifiedUnit;
    point_of_care: IdentifiedUnit;
    department?: IdentifiedUnit;
  };
  care_relationship: {
    healthcare_service: CodedValue;
    purpose_of_use: CodedValue;
    purpose_of_use_details?: CodedValue;
    decision_ref?: { id: string; user_selected: boolean };
  };
  patients: { point_of_care: IdentifiedUnit; department?: IdentifiedUnit }[];
}

/** What may go into `assertion_details` (FK5), typed; the signer renders the wire form. */
export type AssertionDetail = OrganizationDetail | SfmJournalIdDetail | TrustFrameworkDetail;

/** A client assertion (RFC 7523, private_key_jwt). */
export interface AssertionIntent {
  kind: 'client_assertion';
  /** The client's name in the declaration. */
  client: string;
  /** The issuer the assertion is for; must equal the client's. Becomes `aud`. */
  issuer: string;
  assertionDetails?: AssertionDetail[];
  /** Pins a key of the client record, in any state but retired; without it `key` decides. */
  kid?: string;
  /** Without `kid`: the current key (default), or the newest one registered (asked for once after `invalid_client`). */
  key?: 'current' | 'newest';
}

/** A DPoP proof (RFC 9449 4.2). */
export interface ProofIntent {
  kind: 'dpop_proof';
  client: string;
  method: string;
  /** The request URL; query and fragment are dropped for `htu`. */
  url: string;
  nonce?: string;
  /** base64url(SHA-256(access token)), 43 characters. With it, `kid` is required (I9). */
  ath?: string;
  kid?: string;
}

/** A request object (RFC 9101) for PAR. */
export interface RequestObjectIntent {
  kind: 'request_object';
  client: string;
  issuer: string;
  /** Authorization request parameters; names on the signer's list only, values strings. */
  parameters: Record<string, string | string[]>;
  authorizationDetails?: AssertionDetail[];
  kid?: string;
}

/** The three things ever signed. */
export type Intent = AssertionIntent | ProofIntent | RequestObjectIntent;

/** What a system, a client and a zone may be called: no hyphens, so that the key policy's `role/<system>-signer-<client>-*` matches no other client's signers. */
export const NAME_PATTERN = /^[a-z][a-z0-9]{1,14}$/;

/** A DPoP nonce (RFC 9449 8.1: NQCHAR), of a length that a signer puts into a proof. */
export const NONCE_PATTERN = /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/;

/** At most this many intents in one invocation. */
export const MAX_INTENTS = 8;

/** A signature: a compact JWS with the key that verifies it. */
export interface Signature {
  /** Compact serialization (RFC 7515 7.1). */
  jws: string;
  /** RFC 7638 thumbprint of the key; what HelseID has it registered under. */
  kid: string;
  /** RFC 7638 SHA-256 thumbprint of the public JWK (RFC 9449 6.1); with custody `kms` the same string as `kid`. */
  jkt: string;
}

/** What a signer function is invoked with. */
export interface SignRequest {
  intents: Intent[];
}

/** What a signer function returns: signatures in the order of the intents, or a coded error. */
export type SignResponse =
  | { signatures: Signature[] }
  | { error: { code: string; message: string; facts?: Record<string, string | number | boolean> } };

/** The seam: one call for several intents, signed concurrently, answered in order. Throws `ZonesError`. */
export interface Signer {
  sign(intents: readonly Intent[]): Promise<Signature[]>;
}
