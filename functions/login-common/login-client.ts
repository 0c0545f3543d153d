import type {
  ApiFetch,
  AuthorizationRequest,
  CodeRedemption,
  LoginTokens,
  LogoutTokenClaims,
  PushedRequest,
  RefreshRequest,
  RevocationRequest,
  TokenSource,
  UserTokens,
} from '../../client/tokens.ts';

/** What the login functions ask of the token client; what each throws stands there. */
export interface LoginClient {
  pushAuthorizationRequest(request: AuthorizationRequest): Promise<PushedRequest>;
  redeemCode(redemption: CodeRedemption): Promise<LoginTokens>;
  refreshTokens(request: RefreshRequest): Promise<UserTokens>;
  revokeToken(request: RevocationRequest): Promise<void>;
  validateLogoutToken(token: string): Promise<LogoutTokenClaims>;
  /** The issuer's `end_session_endpoint`; nothing where its metadata has none. */
  findEndSession(): Promise<string | undefined>;
  /** `fetch` with a token and a proof. */
  apiFetch(tokens: TokenSource): ApiFetch;
}
