import type { JWK } from 'jose';
import type { KeyAndCert } from '../aws/http.ts';

/** What every server of the stand-in is started with. */
export interface ServerOptions {
  certificate: KeyAndCert;
  /** Default 0: any free port. */
  port?: number | undefined;
  /** Where state that survives a restart is kept; absent: in memory only. */
  stateDir?: string | undefined;
  onEvent?: ((event: StandInEvent) => void) | undefined;
}

/** One client registered at the stand-in. */
export interface StandInClient {
  clientId: string;
  name?: string | undefined;
  tenancy: 'single-tenant' | 'multi-tenant';
  /** Single-tenant: the legal entity of the registration, nine digits. */
  parent?: string | undefined;
  /** Keys registered in the portal; keys registered through the API come at run time. */
  jwks?: { keys: readonly JWK[] };
  /** Every scope the client may ask for. */
  scopes: readonly string[];
  /** With redirect URIs the client may log users in; without them it has client_credentials only. */
  redirectUris?: readonly string[] | undefined;
  postLogoutRedirectUris?: readonly string[] | undefined;
  backchannelLogoutUri?: string | undefined;
}

/** An API registered at the stand-in. */
export interface StandInApi {
  audience: string;
  scopes: readonly string[];
  /** RFC 8707 resource indicator; default the audience. */
  resource?: string | undefined;
}

/** How the stand-in behaves where HelseID's behaviour is not known, unless it is told otherwise. */
export const DEFAULT_BEHAVIOUR = {
  /** When a DPoP nonce is handed out: only with the 400 that demands it, on every answer as well, or never (none demanded). */
  nonce: 'with-400' as 'with-400' | 'every-answer' | 'never',
  /** Seconds that a nonce is accepted. */
  nonceLifetime: 60,
  /** Whether a proof is demanded at the PAR endpoint too. */
  proofAtPar: false,
  /** Whether the client assertion is used up by an answer that only demands a nonce. */
  challengeConsumesAssertion: true,
  /** Whether refresh tokens are bound to the DPoP key of the code exchange. */
  bindRefreshTokens: false,
  /** Whether organisation details are refused on the authorization_code grant (HID-1009). */
  refuseDetailsWithCode: true,
  /** Seconds. */
  accessTokenLifetime: 60,
  /** Seconds until a newly registered key is honoured. */
  propagation: 0,
};

/** See {@link DEFAULT_BEHAVIOUR}; it may be changed while the stand-in runs. */
export type HelseIdBehaviour = typeof DEFAULT_BEHAVIOUR;

/** Something that happened at the stand-in; never holds a token, an assertion or a person. */
export interface StandInEvent {
  kind: 'token' | 'refused' | 'login' | 'logout' | 'key' | 'api';
  /** Client id, where known. */
  client?: string | undefined;
  /** With `token`: the key that the client authenticated with. */
  kid?: string | undefined;
  detail: string;
}

/** Options of `startHelseId`. */
export interface HelseIdOptions extends ServerOptions {
  clients: readonly StandInClient[];
  apis: readonly StandInApi[];
  /** Path of the issuer, e.g. `/session-1`; default none. */
  path?: string | undefined;
  behaviour?: Partial<HelseIdBehaviour> | undefined;
}
