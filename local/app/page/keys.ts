import { parseRecord } from '@helseid-zones/protocol/record';
import { recordName } from '../../../infra/declaration/names.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import type { SecretStore } from '../../aws/secrets/store.ts';
import type { ClientKeys } from './stream.ts';

/** Reads the keys of every client from its record, as stored: not through AWS, so that looking leaves no trace on the trail. */
export function readKeys(declaration: SystemDeclaration, secrets: SecretStore): ClientKeys[] {
  return Object.entries(declaration.clients).map(([client, { clientId, issuer }]) => {
    const { stored } = secrets.find(recordName(declaration.name, client));
    const current = stored.versions.find(({ stages }) => stages.includes('AWSCURRENT'));
    try {
      const { keys } = parseRecord(current?.text ?? '', { client, clientId, issuer });
      return { client, clientId, keys };
    } catch (cause) {
      return { client, clientId, keys: [], problem: cause instanceof Error ? cause.message : String(cause) };
    }
  });
}
