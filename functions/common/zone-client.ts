import { type AwsCaller, createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/remote-signer';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import { type ApiConfig, parseZoneConfig, type RouteConfig } from '@helseid-zones/protocol/config';
import { type Environment, entryOf, readArn } from './environment.ts';

/** One API of a zone with the client that calls it. */
interface ZoneApi {
  system: string;
  zone: string;
  routes: readonly RouteConfig[];
  aws: AwsCaller;
  api: ApiConfig;
  client: TokenClient;
}

/**
 * Wires a zone function for one API: the API as declared, the client it is called as, that client's signer (`SIGNERS` in
 * the environment). Sends nothing yet.
 * @throws {ZonesError} config_invalid: naming what is missing
 */
export function wireApi(configText: string, env: Environment, name: string): ZoneApi {
  const config = parseZoneConfig(configText);
  const remedy = `grant the API ${name} to the zone in zones.ts`;
  const api = entryOf(config.apis, name, 'config.json: apis', remedy);
  const { clientId, issuer, profile } = entryOf(config.clients, api.client, 'config.json: clients');
  const aws = createAwsCaller(readAwsConfig(env));
  const signer = createRemoteSigner({ aws, functionArn: readArn(env, 'SIGNERS', api.client) });
  const client = createTokenClient({ client: api.client, clientId, issuer, profile, signer });
  return { system: config.system, zone: config.zone, routes: config.routes, aws, api, client };
}
