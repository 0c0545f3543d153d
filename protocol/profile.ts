import * as v from 'valibot';
import { ALGORITHM_NAMES } from './algorithms.ts';
import { count, type DeepReadonly, seconds, text } from './schema.ts';

const issuerAlgorithm = v.picklist(
  ['RS256', ...ALGORITHM_NAMES],
  `must be RS256 (HelseID) or one of ${ALGORITHM_NAMES.join(', ')}`,
);

/** A media type's subtype (RFC 6838 4.2), with or without `application/` (RFC 7515 4.1.9). */
const typ = v.pipe(
  text,
  v.regex(
    /^(?:application\/)?[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i,
    'must be a media type below application/ without parameters, like client-authentication+jwt',
  ),
);

/** What an issuer wants on the wire; see {@link IssuerProfile}. */
export const issuerProfile = v.pipe(
  v.strictObject({
    /** `typ` of client assertions. */
    assertionTyp: typ,
    /** `exp` of assertions and request objects, seconds after `iat`; at most 10 for HelseID. */
    assertionLifetime: count,
    /** How far `nbf` lies before `iat`, seconds. */
    assertionBackdate: v.pipe(seconds, v.maxValue(60, 'must be at most 60 seconds')),
    /** `typ` of request objects. */
    requestObjectTyp: typ,
    /** The one algorithm ID tokens and logout tokens of this issuer are signed with. */
    idTokenAlgorithm: issuerAlgorithm,
    /** The one algorithm its access tokens are signed with, where they are JWTs (RFC 9068); an issuer may have two. */
    accessTokenAlgorithm: issuerAlgorithm,
    /** The `typ` that logout tokens must have; without it `logout+jwt`, `JWT` or none (Back-Channel Logout 1.0, 2.4, only recommends it). */
    logoutTokenTyp: v.exactOptional(v.literal('logout+jwt', 'may only be logout+jwt')),
    /** Which detail types the issuer knows; empty for a plain FAPI issuer. */
    detailTypes: v.array(
      v.picklist(['helseid_authorization', 'nhn:sfm:journal-id', 'nhn:tillitsrammeverk:parameters']),
    ),
    /** Whether a DPoP proof is sent to the PAR endpoint too (HelseID: no). */
    proofAtPar: v.boolean(),
  }),
  v.check(({ assertionTyp, requestObjectTyp }) => {
    // As whoever verifies reads them: any case, with or without application/ (RFC 7515 4.1.9).
    const typs = [assertionTyp, requestObjectTyp, 'dpop+jwt'].map((each) =>
      each.toLowerCase().replace('application/', ''),
    );
    return new Set(typs).size === typs.length;
  }, 'gives two kinds of token one typ, so one could pass as the other: assertionTyp, requestObjectTyp and dpop+jwt must differ'),
);

/** What an issuer wants on the wire, as data. HelseID's is `helseIdProfile`; a plain FAPI 2.0 issuer is another row. */
export type IssuerProfile = DeepReadonly<v.InferOutput<typeof issuerProfile>>;

/** HelseID (helseid-sts.nhn.no and its test twin). */
export const helseIdProfile: IssuerProfile = {
  assertionTyp: 'client-authentication+jwt',
  assertionLifetime: 8,
  assertionBackdate: 5,
  requestObjectTyp: 'oauth-authz-req+jwt',
  idTokenAlgorithm: 'RS256',
  accessTokenAlgorithm: 'RS256',
  detailTypes: ['helseid_authorization', 'nhn:sfm:journal-id', 'nhn:tillitsrammeverk:parameters'],
  proofAtPar: false,
};

/**
 * A plain FAPI 2.0 issuer (Security Profile, final, 5.3 and 5.4) with DPoP: no organisation details, and PS256, which every such issuer
 * has; one that signs with ES256 is this profile with another algorithm. A key is registered at one issuer only.
 */
export const fapi2Profile: IssuerProfile = {
  assertionTyp: 'JWT',
  assertionLifetime: 60,
  assertionBackdate: 5,
  requestObjectTyp: 'oauth-authz-req+jwt',
  idTokenAlgorithm: 'PS256',
  accessTokenAlgorithm: 'PS256',
  detailTypes: [],
  proofAtPar: false,
};
