import { type DetailsSubject, renderDetails } from './details.ts';
import type { AssertionIntent, Intent, ProofIntent, RequestObjectIntent } from './intents.ts';
import type { VerificationKey } from './jwk.ts';
import { renderParameters } from './parameters.ts';
import { canonicalUrl } from './url.ts';

/** The client that a token speaks for. */
export interface TokenSubject extends DetailsSubject {
  clientId: string;
  /** Becomes `aud`, verbatim. */
  issuer: string;
}

/** What makes two tokens of one intent differ. */
export interface Freshness {
  /** Epoch milliseconds; taken just before signing. */
  now: number;
  /** Unique, at least 128 random bits. */
  jti: string;
}

/** A token that only lacks its signature. A claim that is undefined is none: JSON has no such value. */
export interface UnsignedToken {
  header: Readonly<Record<string, unknown>>;
  claims: Readonly<Record<string, unknown>>;
  /** What is signed: base64url(header).base64url(claims) (RFC 7515 5.1). */
  signingInput: string;
}

/**
 * Composes header and claims of an intent that was parsed and granted (I3). Nothing of the intent passes unless it is
 * named here.
 * @throws {ZonesError} details_invalid; intent_malformed: the URL is not canonical
 */
export function composeToken(
  intent: Intent,
  subject: TokenSubject,
  key: VerificationKey,
  fresh: Freshness,
): UnsignedToken {
  switch (intent.kind) {
    case 'client_assertion':
      return composeAssertion(intent, subject, key, fresh);
    case 'dpop_proof':
      return composeProof(intent, key, fresh);
    case 'request_object':
      return composeRequestObject(intent, subject, key, fresh);
  }
}

/** RFC 7523 3, with HelseID's typ, audience and lifetime from the profile. */
function composeAssertion(
  { assertionDetails }: AssertionIntent,
  subject: TokenSubject,
  key: VerificationKey,
  fresh: Freshness,
): UnsignedToken {
  return unsigned(
    { alg: key.algorithm, typ: subject.profile.assertionTyp, kid: key.thumbprint },
    {
      iss: subject.clientId,
      sub: subject.clientId,
      aud: subject.issuer,
      jti: fresh.jti,
      ...lifetime(subject, fresh),
      assertion_details: assertionDetails && renderDetails(assertionDetails, subject),
    },
  );
}

/** RFC 9449 4.2. No exp and nbf: the server judges by iat. */
function composeProof(intent: ProofIntent, key: VerificationKey, { now, jti }: Freshness): UnsignedToken {
  const { origin, path } = canonicalUrl(intent.url);
  return unsigned(
    { alg: key.algorithm, typ: 'dpop+jwt', jwk: key.jwk },
    {
      jti,
      htm: intent.method,
      htu: origin + path,
      iat: seconds(now),
      nonce: intent.nonce,
      ath: intent.ath,
    },
  );
}

/** RFC 9101 4. Never `sub`, and a typ of its own: the object must not pass as a client assertion (10.8). */
function composeRequestObject(
  { parameters, authorizationDetails }: RequestObjectIntent,
  subject: TokenSubject,
  key: VerificationKey,
  fresh: Freshness,
): UnsignedToken {
  return unsigned(
    { alg: key.algorithm, typ: subject.profile.requestObjectTyp, kid: key.thumbprint },
    {
      ...renderParameters(parameters),
      authorization_details: authorizationDetails && renderDetails(authorizationDetails, subject),
      iss: subject.clientId,
      client_id: subject.clientId,
      aud: subject.issuer,
      jti: fresh.jti,
      ...lifetime(subject, fresh),
    },
  );
}

function lifetime({ profile }: TokenSubject, { now }: Freshness): { iat: number; nbf: number; exp: number } {
  const iat = seconds(now);
  return { iat, nbf: iat - profile.assertionBackdate, exp: iat + profile.assertionLifetime };
}

function unsigned(header: Record<string, unknown>, claims: Record<string, unknown>): UnsignedToken {
  return { header, claims, signingInput: `${encode(header)}.${encode(claims)}` };
}

function encode(part: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
