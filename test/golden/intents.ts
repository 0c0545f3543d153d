import type { TokenSubject } from '@helseid-zones/protocol/compose';
import type { Intent } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';

/** 2026-11-24T11:00:00.999Z: the fraction must not show. */
export const GOLDEN_NOW = 1_795_518_000_999;

export const GOLDEN_JTI = 'AAECAwQFBgcICQoLDA0ODw';

export const GOLDEN_SUBJECT: TokenSubject = {
  clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
  issuer: 'https://helseid-sts.test.nhn.no',
  tenancy: 'single-tenant',
  profile: helseIdProfile,
};

/** One intent a token of test/golden/tokens.json. */
export const GOLDEN_INTENTS = {
  assertion: { kind: 'client_assertion', client: 'journal', issuer: GOLDEN_SUBJECT.issuer },
  assertionWithChild: {
    kind: 'client_assertion',
    client: 'journal',
    issuer: GOLDEN_SUBJECT.issuer,
    assertionDetails: [{ type: 'helseid_authorization', child: '974760673' }],
  },
  tokenProof: {
    kind: 'dpop_proof',
    client: 'journal',
    method: 'POST',
    url: 'https://helseid-sts.test.nhn.no/connect/token',
    nonce: 'eyJ7S_zG.eyJH0-Z.HX4w-7v',
  },
  apiProof: {
    kind: 'dpop_proof',
    client: 'journal',
    method: 'GET',
    url: 'https://summaries.example.no/v1/summaries/42?code=a%2Fb#top',
  },
  requestObject: {
    kind: 'request_object',
    client: 'journal',
    issuer: GOLDEN_SUBJECT.issuer,
    parameters: {
      response_type: 'code',
      redirect_uri: 'https://journal.example.no/callback',
      scope: 'openid offline_access',
      state: 'af0ifjsldkj',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      max_age: '300',
    },
  },
} satisfies Record<string, Intent>;
