import type { AssertionDetail } from '@helseid-zones/protocol/intents';
import { ownVariable } from '@helseid-zones/protocol/names';
import { createApiCall, type Zone } from '../connect-zone.ts';
import { entryOf } from '../environment.ts';
import type { RegisteredJwk } from '../self-service.ts';
import { createTokenClient } from '../token-client.ts';
import type { ApiFetch } from '../tokens.ts';
import { countRequests } from '../zone-clients.ts';
import { openRing } from './ring-signer.ts';
import { type KeyRotation, rotateOpened } from './rotate.ts';
import { createSecretStore } from './secretsmanager.ts';

/** A client whose keys the function keeps. */
export type ClientKeys = ReturnType<typeof openClientKeys>;

/**
 * Opens the keys that a function keeps for a client, which are in Secrets Manager and can be read out by this function: so nothing limits
 * what it may have signed, and no other zone may have them. What it makes throws what {@link openCustody} does.
 *
 * @throws {ZonesError} config_invalid: the declaration gives this function no keys of such a client (`clientKeys`)
 *
 * @example
 * ```ts
 * import { connectZone } from '@helseid-zones/client';
 * import { openClientKeys } from '@helseid-zones/client/custody';
 *
 * const archive = openClientKeys(connectZone(), 'archive');
 * const documents = archive.api('documents');
 * export const handler = async () => (await documents('/v1/documents/17')).json();
 * ```
 */
export function openClientKeys(
  zone: Pick<Zone, 'system' | 'name' | 'clientKeys' | 'aws' | 'log' | 'variable'>,
  name: string,
) {
  const { aws, log } = zone;
  const remedy = 'declare it for this function in zones.ts';
  const kept = entryOf(zone.clientKeys, name, 'config.json: clientKeys', remedy);
  const { algorithm, selfService, apis, propagation, ...subject } = kept;
  const secretArn = zone.variable(ownVariable('client-keys', name));
  const options = {
    uri: `secretsmanager:///${secretArn}`,
    // Zones of two systems may have one name.
    zone: `${zone.system}/${zone.name}`,
    client: name,
    subject,
    algorithm,
  };
  // Not by openCustody, which brings what signs in KMS: no function outside the signing zone has that (I6).
  const custody = openRing(createSecretStore(aws, secretArn), options);
  const report = countRequests(log, name);
  const client = createTokenClient({ ...subject, client: name, signer: custody.signer, report });
  const publicKeys = async (): Promise<RegisteredJwk[]> =>
    (await custody.publicKeys()).map(({ jwk, thumbprint: kid, algorithm: alg }) => ({
      ...jwk,
      kid,
      alg,
      use: 'sig',
    }));
  return {
    client,
    /**
     * `fetch` for an API of the client, with token and proof: takes a path below its base URL.
     * @throws {ZonesError} config_invalid: the declaration does not name it
     */
    api: (api: string, details?: readonly AssertionDetail[]): ApiFetch =>
      createApiCall(client, entryOf(apis, api, `config.json: clientKeys.${name}.apis`, remedy), details),
    /** As they are registered: the current one first, the newest last. */
    publicKeys,
    /**
     * Makes the first key, or replaces the current one as `rotateKey` does; resolves to the public keys. While HelseID does not know the
     * current one, which a person registers, each run writes the line `ROTATION_WAITS_FOR_REGISTRATION` with it, and makes no other.
     * @throws {ZonesError} token_refused: HelseID does not know it (`invalid_client`); and what `rotateKey` throws
     */
    async rotate(times: Omit<KeyRotation, 'selfService'> = {}): Promise<RegisteredJwk[]> {
      const [before] = await publicKeys();
      await rotateOpened(custody, options, client, { propagation, ...times, selfService }, async () => {
        const [jwk] = await publicKeys();
        if (jwk) log.audit('ROTATION_WAITS_FOR_REGISTRATION', { client: name, kid: jwk.kid, jwk });
      });
      const after = await publicKeys();
      const kid = after[0]?.kid;
      if (before && kid !== before.kid) log.audit('KEY_CURRENT', { client: name, kid });
      return after;
    },
  };
}
