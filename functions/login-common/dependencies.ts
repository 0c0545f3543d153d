import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { pushAuthorizationRequest } from '@helseid-zones/client/authorization-request';
import { redeemCode } from '@helseid-zones/client/code';
import { createEndSessionUrl, revokeToken, validateLogoutToken } from '@helseid-zones/client/logout';
import { refreshTokens } from '@helseid-zones/client/refresh';
import type { TokenClient } from '@helseid-zones/client/token-client';
import type { SamePerson } from './person.ts';
import type { LoginSettings } from './settings.ts';
import type { LoginStore } from './store.ts';

/** Everything a login function works with; wired in one place (wire.ts), replaced by fakes in tests. */
export interface Dependencies {
  settings: LoginSettings;
  client: LoginClient;
  store: LoginStore;
  /** Epoch milliseconds. */
  now(): number;
  wait(milliseconds: number): Promise<void>;
  samePerson: SamePerson;
  /** Writes one structured line. Never given a token, an id of ours, or a person. */
  log(line: LogLine): void;
}

/** What the login functions ask of the token client; what each throws stands there. */
export type LoginClient = ReturnType<typeof createLoginClient>;

/** The functions of `client/` that login uses, for one token client. */
export function createLoginClient(client: TokenClient) {
  return {
    pushAuthorizationRequest: pushAuthorizationRequest.bind(null, client),
    redeemCode: redeemCode.bind(null, client),
    refreshTokens: refreshTokens.bind(null, client),
    revokeToken: revokeToken.bind(null, client),
    validateLogoutToken: validateLogoutToken.bind(null, client),
    createEndSessionUrl: createEndSessionUrl.bind(null, client),
    createApiFetch: createApiFetch.bind(null, client),
  };
}

/** A line of the log: a stable code, and facts that help. */
export interface LogLine {
  level: 'info' | 'warn' | 'error';
  /** Such as `login.begun`; docs/operating.md lists them. */
  code: string;
  /** API Gateway's request id, where the line is about one request. */
  request?: string;
  facts?: Readonly<Record<string, string | number | boolean>>;
}

/** Now, in epoch seconds. */
export function seconds(deps: Pick<Dependencies, 'now'>): number {
  return Math.floor(deps.now() / 1000);
}
