import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { readVariable } from '@helseid-zones/client/environment';
import { createTokenGiver } from '@helseid-zones/client/give-tokens';
import { createLog } from '@helseid-zones/client/log';
import { createZoneClients } from '@helseid-zones/client/zone-clients';
import { parseZoneConfig } from '@helseid-zones/protocol/config';
import { createDynamoTable } from '../common/dynamo.ts';
import { createSharedCache, ISSUER_TIMEOUT } from './shared-cache.ts';

const { env } = process;
const config = parseZoneConfig(readFileSync(new URL('./config.json', import.meta.url), 'utf8'));
const awsConfig = readAwsConfig(env);
// A table that does not answer must not use up the time in which the issuer would.
const quick = createAwsCaller(awsConfig, { timeout: 1000, attempts: 2 });
const table = createDynamoTable(quick, readVariable(env, 'TOKEN_TABLE'));
const tokens = createSharedCache({ table, wait, now: Date.now, random: Math.random });
const log = createLog({ service: config.system, zone: config.zone, env });
const client = createZoneClients(config, {
  env,
  log,
  tokens,
  aws: createAwsCaller(awsConfig),
  timeout: ISSUER_TIMEOUT,
});

/** Gives the zone's other functions the headers of their API calls. Who asks is decided by IAM, never by the payload. */
export const handler = createTokenGiver({ config, client, audit: log.audit });
