import { readFileSync } from 'node:fs';
import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { type Environment, readVariable } from '@helseid-zones/client/environment';
import { createIssuerKeys, createKeySource, createMetadataSource } from '@helseid-zones/client/issuer';
import { createLog } from '@helseid-zones/client/log';
import { parseZoneConfig } from '@helseid-zones/protocol/config';
import type { APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { createDynamoTable } from '../common/dynamo.ts';
import { type AuthorizerDeps, authorizeRequest } from './authorize.ts';
import { createReplayTable } from './replay-table.ts';
import { deriveSettings } from './rules.ts';

/** Milliseconds between two readings of the issuer's keys, however many unknown `kid`s are shown to us. */
const KEYS_COOLDOWN = 30_000;

const deps = wire(readFileSync(new URL('./config.json', import.meta.url), 'utf8'), process.env);

/** The authorizer of routes with `authorize: 'helseid'`. */
export const handler = (event: APIGatewayRequestAuthorizerEvent) => authorizeRequest(deps, event);

function wire(configText: string, env: Environment): AuthorizerDeps {
  const config = parseZoneConfig(configText);
  const settings = deriveSettings(config, env['GATEWAY_URL']);
  const transport = {
    fetch: (...call: Parameters<typeof fetch>) => fetch(...call),
    now: Date.now,
    timeout: 5000,
  };
  const metadata = createMetadataSource(settings.rules.issuer, transport);
  const now = () => Date.now() / 1000;
  const table = createDynamoTable(createAwsCaller(readAwsConfig(env)), readVariable(env, 'REPLAY_TABLE'));
  const { audit, count } = createLog({ service: config.system, zone: config.zone, env });
  return {
    settings,
    ports: {
      keys: createIssuerKeys(createKeySource(metadata, transport), { cooldown: KEYS_COOLDOWN }),
      replays: createReplayTable(table, now),
      now,
    },
    audit,
    count,
  };
}
