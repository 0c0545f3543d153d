import { type AwsCaller, createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/remote-signer';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import { type ApiConfig, parseZoneConfig, type RouteConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** The environment of a function, as `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One API of a zone with the client that calls it. */
export interface ZoneApi {
  system: string;
  zone: string;
  routes: readonly RouteConfig[];
  aws: AwsCaller;
  api: ApiConfig;
  client: TokenClient;
}

/**
 * Wires a zone function for one API: the API as declared, the client it is called as, that client's signer (`SIGNERS` in
 * the environment). Sends nothing yet. Throws `config_invalid` naming what is missing.
 */
export function wireApi(configText: string, env: Environment, name: string): ZoneApi {
  const config = parseZoneConfig(configText);
  const api = need(
    config.apis[name],
    `config.json: apis.${name}`,
    `grant the API ${name} to the zone in zones.ts`,
  );
  const client = need(config.clients[api.client], `config.json: clients.${api.client}`, 'deploy once more');
  const aws = createAwsCaller(readAwsConfig(env));
  return {
    system: config.system,
    zone: config.zone,
    routes: config.routes,
    aws,
    api,
    client: createTokenClient({
      client: api.client,
      clientId: client.clientId,
      issuer: client.issuer,
      profile: client.profile,
      signer: createRemoteSigner({ aws, functionArn: readSigner(env, api.client) }),
    }),
  };
}

/** ARN of the signer of a client of this zone. Throws `config_invalid`. */
export function readSigner(env: Environment, client: string): string {
  const signers = parseSigners(need(env['SIGNERS'], 'The variable SIGNERS', 'deploy once more'));
  const found: unknown = Object.hasOwn(signers, client) ? signers[client] : undefined;
  return need(typeof found === 'string' ? found : undefined, `SIGNERS.${client}`, 'deploy once more');
}

function parseSigners(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch (cause) {
    throw new ZonesError('config_invalid', 'The variable SIGNERS is not JSON; deploy once more.', { cause });
  }
}

function need<T>(value: T | undefined, what: string, remedy: string): T {
  if (value !== undefined && value !== '') return value;
  throw new ZonesError('config_invalid', `${what} is missing; ${remedy}.`);
}
