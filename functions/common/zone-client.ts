import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/remote-signer';
import { createTokenClient } from '@helseid-zones/client/token-client';
import { parseZoneConfig } from '@helseid-zones/protocol/config';
import { type Environment, entryOf, readArn } from './environment.ts';

/**
 * Wires a zone function for one API: the API as declared, the client it is called as, that client's signer (`SIGNERS` in
 * the environment). Sends nothing yet.
 * @throws {ZonesError} config_invalid: naming what is missing
 */
export function wireApi(configText: string, env: Environment, name: string) {
  const config = parseZoneConfig(configText);
  const remedy = `grant the API ${name} to the zone in zones.ts`;
  const api = entryOf(config.apis, name, 'config.json: apis', remedy);
  const { clientId, issuer, profile } = entryOf(config.clients, api.client, 'config.json: clients');
  const aws = createAwsCaller(readAwsConfig(env));
  const signer = createRemoteSigner({ aws, functionArn: readArn(env, 'SIGNERS', api.client) });
  const client = createTokenClient({ client: api.client, clientId, issuer, profile, signer });
  return { system: config.system, zone: config.zone, routes: config.routes, aws, api, client };
}
