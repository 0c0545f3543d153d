import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { pushAuthorizationRequest } from '@helseid-zones/client/authorization-request';
import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { type Environment, readVariable } from '@helseid-zones/client/environment';
import { createLog, type Log } from '@helseid-zones/client/log';
import { createEndSessionUrl, revokeToken, validateLogoutToken } from '@helseid-zones/client/logout';
import type { TokenClient } from '@helseid-zones/client/token-client';
import { redeemCode, refreshTokens } from '@helseid-zones/client/user-tokens';
import { createZoneClients } from '@helseid-zones/client/zone-clients';
import { parseZoneConfig } from '@helseid-zones/protocol/config';
import { createDynamoTable } from '../common/dynamo.ts';
import { type SamePerson, samePerson } from './person.ts';
import { deriveSettings, type LoginSettings } from './settings.ts';
import { createDynamoStore, type LoginStore } from './store.ts';

/** Everything a login function works with; put together by {@link wire} alone, replaced by fakes in tests. */
export interface Dependencies {
  settings: LoginSettings;
  client: LoginClient;
  store: LoginStore;
  /** Epoch milliseconds. */
  now(): number;
  wait(milliseconds: number): Promise<void>;
  samePerson: SamePerson;
  /** Writes one structured line with a stable code of docs/operating.md. Never given a token, an id of ours, or a person. */
  log: Log['write'];
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

/** Now, in epoch seconds. */
export function seconds(deps: Pick<Dependencies, 'now'>): number {
  return Math.floor(deps.now() / 1000);
}

/**
 * Puts a login function together from its environment and the `config.json` beside its bundle. Reads `SESSION_TABLE`,
 * `SIGNERS`, `GATEWAY_URL` (unless the gateway declares a `baseUrl`) and what Lambda sets. A system with
 * users of its own puts its rule in the place of `samePerson` here.
 *
 * @throws {ZonesError} config_invalid: one of them is missing or not as it must be
 */
export function wire(env: Environment): Dependencies {
  const config = parseZoneConfig(readFileSync(new URL('./config.json', import.meta.url), 'utf8'));
  const settings = deriveSettings(config, env['GATEWAY_URL']);
  const aws = createAwsCaller(readAwsConfig(env));
  const log = createLog({ service: config.system, zone: config.zone, env });
  const client = createZoneClients(config, { env, aws, log })(settings.clientName);
  return {
    settings,
    client: createLoginClient(client),
    store: createDynamoStore(createDynamoTable(aws, readVariable(env, 'SESSION_TABLE'))),
    now: Date.now,
    wait,
    samePerson,
    log: (level, code, facts) => log.write(level, code, { request: '-', ...facts }),
  };
}
