import type { JWK, JWTVerifyGetKey } from 'jose';
import type { KeyAndCert } from './certificate.ts';
import type { Registry } from './registry.ts';

/** A running server of the local system. */
export interface RunningServer {
  /** `https://localhost:<port>`, with the path where it has one, without a trailing slash. */
  url: string;
  /** Stops listening, drops open connections, and writes what is to survive a restart. */
  close(): Promise<void>;
}

/** What every server of the stand-in is started with. */
interface ServerOptions {
  certificate: KeyAndCert;
  /** Default 0: any free port. */
  port?: number | undefined;
  /** Where state that survives a restart is kept; absent: in memory only. */
  stateDir?: string | undefined;
}

/** Where a key of a client was registered. */
export type KeyOrigin = 'Gui' | 'Api';

/** An organisation of a client's registration; numbers are nine digits. */
interface TenancyRules {
  tenancy: 'single-tenant' | 'multi-tenant';
  /** Single-tenant: the legal entity of the registration. */
  parent?: string | undefined;
  /** Single-tenant: sub-units on the client's list; `any` (default) accepts every valid number. */
  children?: readonly string[] | 'any' | undefined;
  /** Multi-tenant: legal entities that have delegated to the supplier; `any` is the default. */
  delegations?: readonly string[] | 'any' | undefined;
  /** Multi-tenant: the supplier's own organisation number. */
  supplier?: string | undefined;
  /** Multi-tenant: scopes withheld from a legal entity that has not signed the terms (`rejected_scope`). */
  withheldScopes?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** One client registered at the stand-in. */
export interface StandInClient extends TenancyRules {
  clientId: string;
  name?: string | undefined;
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
  /** Seconds; default the stand-in's `accessTokenLifetime`. */
  accessTokenLifetime?: number | undefined;
}

/** A person who can log in. */
export interface TestUser {
  /** `sub`, equal to `helseid://claims/identity/pid_pseudonym`. */
  sub: string;
  pid: string;
  name: string;
  hprNumber?: string | undefined;
  securityLevel: '2' | '3' | '4';
  /** The identity provider that the person used, e.g. `idporten-oidc`. */
  idp: string;
  /** Where the person works; shown on the page only. */
  organization?: string | undefined;
}

/** How the stand-in behaves where HelseID's behaviour is not known. May be changed while it runs. */
export interface HelseIdBehaviour {
  /** When a DPoP nonce is handed out: only with the 400 that demands it, on every answer as well, or never (none demanded). */
  nonce: 'with-400' | 'every-answer' | 'never';
  /** Seconds that a nonce is accepted. */
  nonceLifetime: number;
  /** Whether a proof is demanded at the PAR endpoint too. */
  proofAtPar: boolean;
  /** Whether the client assertion is used up by an answer that only demands a nonce. */
  challengeConsumesAssertion: boolean;
  /** Whether refresh tokens are bound to the DPoP key of the code exchange. */
  bindRefreshTokens: boolean;
  /** Whether organisation details are refused on the authorization_code grant (HID-1009). */
  refuseDetailsWithCode: boolean;
  /** Seconds. */
  accessTokenLifetime: number;
  /** Seconds. */
  refreshTokenLifetime: number;
  /** Largest accepted `exp` of an assertion, seconds ahead (HelseID: 10). */
  assertionLifetime: number;
  /** Seconds until a newly registered key is honoured. */
  propagation: number;
}

/** Something that happened at the stand-in; never holds a token, an assertion or a person. */
export interface StandInEvent {
  at: number;
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
  /** Default: a few people with different security levels. */
  users?: readonly TestUser[] | undefined;
  /** Path of the issuer, e.g. `/session-1`; default none. */
  path?: string | undefined;
  behaviour?: Partial<HelseIdBehaviour> | undefined;
  onEvent?: ((event: StandInEvent) => void) | undefined;
}

/** A key as the registry holds it. Times are epoch seconds. */
export interface RegisteredKey {
  kid: string;
  jwkThumbprint: string;
  origin: KeyOrigin;
  jwk: JWK;
  registeredAt: number;
  /** From when the token endpoint accepts it. */
  honouredFrom: number;
  /** null: never expires (portal keys). */
  expires: number | null;
}

/** What the self-service API does where HelseID's behaviour is not known. May be changed while it runs. */
export interface SelfServiceBehaviour {
  /** What happens to the keys that the client had registered through the API: kept, or dropped at once. */
  previousKeys: 'keep' | 'drop';
}

/** Options of `startSelfService`. */
export interface SelfServiceOptions extends ServerOptions {
  registry: Registry;
  issuer: string;
  keys: JWTVerifyGetKey;
  /** Default `nhn:selvbetjening`. */
  audience?: string | undefined;
  /** Default `nhn:selvbetjening/client`. */
  scope?: string | undefined;
  onEvent?: ((event: StandInEvent) => void) | undefined;
}

/** Options of `startHealthApi`. */
export interface HealthApiOptions extends ServerOptions {
  issuer: string;
  keys: JWTVerifyGetKey;
  audience: string;
  /** Scopes a token must hold, by route. */
  scopes: readonly string[];
  /** Path under which the routes lie, e.g. `/fhir`; default none. */
  path?: string | undefined;
  /** Demands a nonce of its own (default false), accepted for so many seconds. */
  nonceLifetime?: number | undefined;
  /** Folder of answers; without one every call is answered with what it was. */
  answers?: string | undefined;
  onEvent?: ((event: StandInEvent) => void) | undefined;
}

/** A call that a health API has accepted. */
export interface AcceptedCall {
  method: string;
  /** Below the API's base URL. */
  path: string;
  clientId: string;
  /** From the token: on whose behalf it was made. */
  parent: string | undefined;
  child: string | undefined;
  /** Base64url SHA-256 of the body. */
  content: string;
}
