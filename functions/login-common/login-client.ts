import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { pushAuthorizationRequest } from '@helseid-zones/client/authorization-request';
import { redeemCode } from '@helseid-zones/client/code';
import { createEndSessionUrl, revokeToken } from '@helseid-zones/client/logout';
import { validateLogoutToken } from '@helseid-zones/client/logout-token';
import { refreshTokens } from '@helseid-zones/client/refresh';
import type { TokenClient } from '@helseid-zones/client/token-client';
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
} from '@helseid-zones/client/tokens';

/** What the login functions ask of the token client; what each throws stands there. */
export interface LoginClient {
  pushAuthorizationRequest(request: AuthorizationRequest): Promise<PushedRequest>;
  redeemCode(redemption: CodeRedemption): Promise<LoginTokens>;
  refreshTokens(request: RefreshRequest): Promise<UserTokens>;
  revokeToken(request: RevocationRequest): Promise<void>;
  /** `rememberJti` is asked last, and tells whether the `jti` is new. */
  validateLogoutToken(
    token: string,
    rememberJti: (jti: string, until: number) => Promise<boolean>,
  ): Promise<LogoutTokenClaims>;
  /** Where to log out at the issuer too; nothing where it has no such endpoint. */
  createEndSessionUrl(request: {
    idToken: string;
    postLogoutRedirectUri: string;
    state: string;
  }): Promise<string | undefined>;
  /** `fetch` with a token and a proof. */
  createApiFetch(tokens: TokenSource): ApiFetch;
}

/** The port on a token client. */
export function createLoginClient(client: TokenClient): LoginClient {
  return {
    pushAuthorizationRequest: (request) => pushAuthorizationRequest(client, request),
    redeemCode: (redemption) => redeemCode(client, redemption),
    refreshTokens: (request) => refreshTokens(client, request),
    revokeToken: (request) => revokeToken(client, request),
    validateLogoutToken: (token, rememberJti) => validateLogoutToken(client, token, rememberJti),
    createEndSessionUrl: (request) => createEndSessionUrl(client, request),
    createApiFetch: (tokens) => createApiFetch(client, tokens),
  };
}
