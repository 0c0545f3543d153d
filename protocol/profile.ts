import type { Algorithm } from './algorithms.ts';

/** What an issuer wants on the wire, as data. HelseID's is `helseIdProfile`; a plain FAPI 2.0 issuer is another row. */
export interface IssuerProfile {
  /** `typ` of client assertions. */
  assertionTyp: string;
  /** `exp` of assertions and request objects, seconds after `iat`; at most 10 for HelseID. */
  assertionLifetime: number;
  /** How far `nbf` lies before `iat`, seconds. */
  assertionBackdate: number;
  /** `typ` of request objects. */
  requestObjectTyp: string;
  /** The one algorithm ID tokens and logout tokens of this issuer are signed with. */
  idTokenAlgorithm: 'RS256' | Algorithm;
  /** The one algorithm its access tokens are signed with, where they are JWTs (RFC 9068); an issuer may have two. */
  accessTokenAlgorithm: 'RS256' | Algorithm;
  /** The `typ` that logout tokens must have; without it `logout+jwt`, `JWT` or none (Back-Channel Logout 1.0, 2.4, only recommends it). */
  logoutTokenTyp?: 'logout+jwt';
  /** Which detail types the issuer knows; empty for a plain FAPI issuer. */
  detailTypes: readonly (
    | 'helseid_authorization'
    | 'nhn:sfm:journal-id'
    | 'nhn:tillitsrammeverk:parameters'
  )[];
  /** Whether a DPoP proof is sent to the PAR endpoint too (HelseID: no). */
  proofAtPar: boolean;
}

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
