import type { IssuerProfile } from './profile.ts';

/** A client, as a zone function sees it. */
export interface ClientConfig {
  clientId: string;
  issuer: string;
  tenancy: 'single-tenant' | 'multi-tenant';
  profile: IssuerProfile;
}

/** An API, as a zone function sees it. */
export interface ApiConfig {
  /** https URL without a trailing slash; request paths are appended. */
  baseUrl: string;
  /** `aud` of its access tokens. */
  audience: string;
  /** Scopes asked for when a token for it is fetched. */
  scopes: readonly string[];
  /** RFC 8707 resource indicator, where the issuer's registration wants one. */
  resource?: string;
  /** Which of the zone's clients calls it. */
  client: string;
}

/** A route of the zone's gateway. */
export interface RouteConfig {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** API Gateway resource path, e.g. `/summaries/{id}`. */
  path: string;
  /** `iam`: SigV4; `helseid`: the shipped authorizer for DPoP-bound HelseID access tokens. */
  authorize: 'iam' | 'helseid';
}

/** What lies as `config.json` in the asset of a zone function: everything the declaration says that it needs. Ids of AWS resources come by environment instead. */
export interface ZoneConfig {
  version: 1;
  system: string;
  zone: string;
  clients: Readonly<Record<string, ClientConfig>>;
  apis: Readonly<Record<string, ApiConfig>>;
  /** Of a function behind the gateway: the declared routes that lead to it. */
  routes?: readonly RouteConfig[];
  /** Of the functions of user login and the authorizer: the gateway's declared external URL, without a trailing slash. */
  baseUrl?: string;
  /** Of the functions of user login; exactly as declared. */
  login?: LoginConfig;
  /** Of the authorizer; exactly as declared. */
  authorizer?: AuthorizerConfig;
}

/** What the shipped authorizer demands on routes with `authorize: 'helseid'`; it applies the defaults. */
export interface AuthorizerConfig {
  /** The zone's client whose issuer's tokens are accepted. */
  client: string;
  /** This API's name in `aud`. */
  audience: string;
  /** Scopes that a token must hold, all of them. */
  scopes: readonly string[];
  /** Lowest accepted `helseid://claims/identity/security_level`; with it a person must be in the token. */
  securityLevel?: '2' | '3' | '4';
  /** Whether a token that names other audiences as well is accepted (default false). */
  otherAudiences?: boolean;
  /** Seconds that a proof is accepted after `iat` (default 10), and that clocks may differ each way (default 5). */
  proofAge?: number;
  clockSkew?: number;
}

/** A route that the `api` function forwards for the logged-in user. */
export interface ForwardConfig {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** API Gateway resource path below `/api`, e.g. `/summaries/{id}`; parameters are whole segments and never greedy. */
  path: string;
  /** Name of the API it is forwarded to. */
  api: string;
  /** Path below the API's base URL, with the same parameters as `path`; default `path`. */
  to?: string;
  /** Request headers that are passed on beside the usual ones; lower-case. */
  headers?: readonly string[];
}

/** User login through a zone's gateway, as declared; the login functions apply the defaults. */
export interface LoginConfig {
  /** The client that logs users in; the zone must have a grant for it. */
  client: string;
  /** Exactly the scopes to ask for, in this order. */
  scopes: readonly string[];
  /** Lowest accepted `helseid://claims/identity/security_level`; absent where none is demanded. */
  securityLevel?: '2' | '3' | '4';
  acrValues?: readonly string[];
  /** `prompt` of every login; a browser may ask for `login` or `select_account` where nothing is declared. */
  prompt?: 'login' | 'select_account';
  /** Seconds since the person proved who they are, at most; checked against `auth_time`. */
  maxAge?: number;
  /** ID-porten's organisation number to log in on behalf of, nine digits. */
  onBehalfOf?: string;
  /** Whether PAR carries a signed request object (needs the grant). */
  requestObject?: boolean;
  /** Minutes without use after which a session ends (default 30), and minutes after login at which it ends anyhow (default 480). */
  idleMinutes?: number;
  absoluteMinutes?: number;
  /** Routes under `/api/` that are forwarded for the logged-in user. */
  forward: readonly ForwardConfig[];
}
