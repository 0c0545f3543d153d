import type { ZoneConfig } from '@helseid-zones/protocol/config';
import type { AwsCaller } from './aws.ts';
import { type Environment, entryOf, readArn } from './environment.ts';
import { createRemoteSigner } from './remote-signer.ts';
import { createTokenClient, type TokenClient, type TokenClientDeps } from './token-client.ts';

/**
 * The token clients of a zone by their names in the declaration, each made once, whose signers are the zone's: `SIGNERS` of the
 * environment says which. What it makes throws:
 *
 * @throws {ZonesError} config_invalid: the zone has no grant for such a client, or no signer of it
 */
export function createZoneClients(
  { zone, clients }: Pick<ZoneConfig, 'zone' | 'clients'>,
  { env, aws, ...deps }: { env: Environment; aws: AwsCaller } & Pick<TokenClientDeps, 'tokens' | 'timeout'>,
): (name: string) => TokenClient {
  const made = new Map<string, TokenClient>();
  return (name) => {
    const remedy = `give the zone ${zone} a grant for the client ${name} in zones.ts`;
    const { clientId, issuer, profile } = entryOf(clients, name, 'config.json: clients', remedy);
    const signer = createRemoteSigner({ aws, functionArn: readArn(env, 'SIGNERS', name) });
    const client =
      made.get(name) ?? createTokenClient({ client: name, clientId, issuer, profile, signer, ...deps });
    made.set(name, client);
    return client;
  };
}
