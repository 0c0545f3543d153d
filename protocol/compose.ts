import { type DetailsSubject, renderDetails } from './details.ts';
import type { AssertionDetail, Intent } from './intents.ts';
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
  { algorithm: alg, thumbprint: kid, jwk }: VerificationKey,
  { now, jti }: Freshness,
): UnsignedToken {
  const { clientId, issuer, profile } = subject;
  const iat = Math.floor(now / 1000);
  const times = { iat, nbf: iat - profile.assertionBackdate, exp: iat + profile.assertionLifetime };
  const render = (details: readonly AssertionDetail[] | undefined) =>
    details && renderDetails(details, subject);
  switch (intent.kind) {
    // RFC 7523 3, with HelseID's typ, audience and lifetime from the profile.
    case 'client_assertion': {
      const assertion_details = render(intent.assertionDetails);
      const claims = { iss: clientId, sub: clientId, aud: issuer, jti, ...times, assertion_details };
      return unsigned({ alg, typ: profile.assertionTyp, kid }, claims);
    }
    // RFC 9449 4.2. No exp and nbf: the server judges by iat.
    case 'dpop_proof': {
      const { origin, path } = canonicalUrl(intent.url);
      const { method: htm, nonce, ath } = intent;
      return unsigned({ alg, typ: 'dpop+jwt', jwk }, { jti, htm, htu: origin + path, iat, nonce, ath });
    }
    // RFC 9101 4. Never `sub`, and a typ of its own: the object must not pass as a client assertion (10.8).
    case 'request_object': {
      const parameters = renderParameters(intent.parameters);
      const authorization_details = render(intent.authorizationDetails);
      const own = { iss: clientId, client_id: clientId, aud: issuer, jti, ...times };
      return unsigned(
        { alg, typ: profile.requestObjectTyp, kid },
        { ...parameters, authorization_details, ...own },
      );
    }
  }
}

function unsigned(header: Record<string, unknown>, claims: Record<string, unknown>): UnsignedToken {
  const [head, body] = [header, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return { header, claims, signingInput: `${head}.${body}` };
}
