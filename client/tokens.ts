import type { AssertionDetail } from '@helseid-zones/protocol/intents';

/** The key a token is bound to. Every proof with `ath` pins it (I9). Both are RFC 7638 thumbprints. */
export interface KeyBinding {
  kid: string;
  jkt: string;
}

/** A DPoP-bound access token with what is needed to use it. The value is a secret: never logged, never sent to a signer. */
export interface AccessToken {
  accessToken: string;
  /** The key its proofs must be signed with. */
  binding: KeyBinding;
  /** As the server said it, seconds; absent where it said nothing, or 0 (then it is never cached, and a session uses it until an API refuses it). */
  expiresIn?: number | undefined;
  /** Epoch seconds, counted from before the request was sent; absent with `expiresIn`. */
  expiresAt?: number | undefined;
  /** Scopes granted, space-separated: the server's answer, or else what was asked for (RFC 6749 5.1). */
  scope?: string | undefined;
  /** HelseID: scopes withheld, space-separated, from an organisation that has not signed their terms. */
  rejectedScope?: string | undefined;
}

/** Claims of an ID token whose signature, issuer, audience, times and nonce were checked. */
export interface IdTokenClaims {
  iss: string;
  sub: string;
  aud: string | string[];
  exp: number;
  iat: number;
  nonce?: string;
  auth_time?: number;
  sid?: string;
  [claim: string]: unknown;
}

/** What the authorization code and refresh grants give. */
export interface UserTokens extends AccessToken {
  refreshToken?: string | undefined;
  /** HelseID's `rt_expires_in` as epoch seconds; only with a refresh token. */
  refreshTokenExpiresAt?: number | undefined;
  /** An `rt_expires_in` that was not taken, as it came, or the type of what is no number: worth a line in the log. */
  ignoredRefreshTokenLifetime?: number | string | undefined;
  /** As received: needed as `id_token_hint` at logout. */
  idToken?: string | undefined;
  /** Claims of `idToken`; present exactly when it is. */
  idTokenClaims?: IdTokenClaims | undefined;
}

/** What the authorization code grant gives: an ID token is always among it. */
export interface LoginTokens extends UserTokens {
  idToken: string;
  idTokenClaims: IdTokenClaims;
}

/** What a token is asked for: a machine token, or beside its own parameters that of another grant. */
export interface AccessTokenRequest {
  /** A subset of the client's scopes; without it, or empty, all of them. */
  scopes?: readonly string[] | undefined;
  /** RFC 8707. */
  resource?: string | undefined;
  /** Organisation and other details of this request (FK5, docs/requirements.md); the signer checks them against the grant. */
  details?: readonly AssertionDetail[] | undefined;
  /** Stops waiting; a machine token's request that others share goes on for them. */
  signal?: AbortSignal | undefined;
}

/** A pushed authorization request (RFC 9126). */
export interface AuthorizationRequest {
  redirectUri: string;
  /** Sent exactly as given. */
  scope: string;
  state: string;
  /** RFC 7636, S256. */
  codeChallenge: string;
  nonce?: string | undefined;
  /** Every API that tokens will be asked for (RFC 8707). */
  resources?: readonly string[] | undefined;
  acrValues?: readonly string[] | undefined;
  prompt?: string | undefined;
  /** Seconds. */
  maxAge?: number | undefined;
  uiLocales?: string | undefined;
  /** ID-porten's organisation number to log in on behalf of. */
  onBehalfOf?: string | undefined;
  /** Sends all parameters inside a signed request object (RFC 9101); needs the grant for it. */
  requestObject?: boolean | undefined;
  /** Organisation details in the request object (HelseID's alternative to `details` on refresh); only with `requestObject`. */
  authorizationDetails?: readonly AssertionDetail[] | undefined;
  signal?: AbortSignal | undefined;
}

/** What a pushed authorization request gives. */
export interface PushedRequest {
  /** Where to send the browser: carries `client_id` and `request_uri` only. */
  authorizationUrl: string;
  requestUri: string;
  /** Seconds. */
  expiresIn: number;
  /** The key the code will be bound to (`dpop_jkt`): keep it with the transaction and give it to `redeemCode`. */
  binding: KeyBinding;
}

/** The redemption of an authorization code. */
export interface CodeRedemption {
  /** The parameters of the callback as the browser sent them, duplicates included. */
  parameters: URLSearchParams;
  /** `state` of the transaction. */
  state: string;
  /** `redirectUri` of the transaction. */
  redirectUri: string;
  codeVerifier: string;
  /** `nonce` of the transaction, where one was sent; without it a nonce in the ID token is refused. */
  nonce?: string | undefined;
  /** Seconds that may lie between `auth_time` and {@link begunAt}. */
  maxAge?: number | undefined;
  /** When the login began, epoch seconds: needed with `maxAge`, which without it is counted back from now. */
  begunAt?: number | undefined;
  /** `binding` of the pushed request. */
  binding: KeyBinding;
  /** The one API the first access token is for (RFC 8707). */
  resource?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A refresh, perhaps for another organisation (`details`): HelseID takes it there. */
export interface RefreshRequest extends AccessTokenRequest {
  refreshToken: string;
  /** The login's `iss` and `sub`: an ID token of somebody else is `person_mismatch`. And its `nonce`: an ID token may have none now, but no other. */
  expected?: { iss: string; sub: string; nonce?: string | undefined } | undefined;
  /** Pins the proof's key, for a server that binds refresh tokens; without it the current key. */
  binding?: KeyBinding | undefined;
}

/** A token exchange (RFC 8693): another's access token in, a narrow one bound to our key out. */
export interface ExchangeRequest extends AccessTokenRequest {
  subjectToken: string;
  audience?: string | undefined;
}

/** A revocation (RFC 7009). */
export interface RevocationRequest {
  token: string;
  hint?: 'access_token' | 'refresh_token' | undefined;
  signal?: AbortSignal | undefined;
}

/** A validated logout token (OpenID Connect Back-Channel Logout 1.0): at least one of `sub` and `sid` is there. */
export interface LogoutTokenClaims {
  iss: string;
  jti: string;
  iat: number;
  exp: number;
  sub?: string;
  sid?: string;
}

/** Where an API call gets its token, and once after a 401 another. */
export interface TokenSource {
  get(signal?: AbortSignal): Promise<AccessToken>;
  /**
   * A token other than `refused`, or nothing where there is none to be had: then the API's answer stands. Asked once a
   * call, whatever the 401 was for: so it has nothing for a token that was got like that itself and never accepted.
   */
  renew(refused: AccessToken, signal?: AbortSignal): Promise<AccessToken | undefined>;
  /**
   * A token instead of `lost`, whose key signs no more (an early rotation): no refusal of an API, so none of the limits of
   * `renew`. Nothing where there is none to be had: then the signer's error stands. A source without it is asked to `renew`.
   */
  replace?(lost: AccessToken, signal?: AbortSignal): Promise<AccessToken | undefined>;
  /** Told that an API accepted `token` (a 2xx). */
  accept?(token: AccessToken): void;
}

/** `fetch` with token and proof. Takes a URL; a one-shot body is never sent twice. */
export type ApiFetch = (input: string | URL, init?: RequestInit) => Promise<Response>;
