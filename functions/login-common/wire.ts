import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/remote-signer';
import { createTokenClient } from '@helseid-zones/client/token-client';
import { parseZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { createDynamoTable } from '../common/dynamo.ts';
import { type Environment, readArn } from '../common/environment.ts';
import { createLog } from '../common/log.ts';
import { createLoginClient, type Dependencies } from './dependencies.ts';
import { samePerson } from './person.ts';
import { deriveSettings } from './settings.ts';
import { createDynamoStore } from './store.ts';

/**
 * Puts a login function together from its environment and the `config.json` beside its bundle. Reads `SESSION_TABLE`,
 * `SIGNERS`, `GATEWAY_URL` (unless the gateway declares a `baseUrl`) and what Lambda sets. A system with
 * users of its own puts its rule in the place of `samePerson` here.
 *
 * @throws {ZonesError} config_invalid: one of them is missing or not as it must be
 */
export function wire(env: Environment): Dependencies {
  const config = parseZoneConfig(readFileSync(new URL('./config.json', import.meta.url), 'utf8'));
  const { SESSION_TABLE: table, GATEWAY_URL: url } = env;
  if (!table)
    throw new ZonesError('config_invalid', 'The variable SESSION_TABLE is missing; deploy once more.');
  const settings = deriveSettings(config, url);
  const aws = createAwsCaller(readAwsConfig(env));
  const log = createLog({ service: config.system, zone: config.zone, env });
  const { clientName, clientId, issuer, profile } = settings;
  const signer = createRemoteSigner({ aws, functionArn: readArn(env, 'SIGNERS', clientName) });
  return {
    settings,
    client: createLoginClient(createTokenClient({ client: clientName, clientId, issuer, profile, signer })),
    store: createDynamoStore(createDynamoTable(aws, table)),
    now: Date.now,
    wait: async (milliseconds) => {
      await wait(milliseconds);
    },
    samePerson,
    log: ({ level, code, request, facts }) => log.write(level, code, { request: request ?? '-', ...facts }),
  };
}
