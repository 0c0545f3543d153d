import { type KeyEntry, parseRecord } from '../../functions/common/record.ts';
import { recordName } from '../../infra/declaration/names.ts';
import type { LocalSystem } from '../system.ts';

/** A client's keys as the page shows them. */
export interface ClientKeys {
  client: string;
  clientId: string;
  keys: readonly KeyEntry[];
}

/** Reads the keys of every client from its record, as stored: not through AWS, so that looking leaves no trace on the trail. Throws `record_invalid`. */
export function readKeys({ declaration, aws }: Pick<LocalSystem, 'declaration' | 'aws'>): ClientKeys[] {
  return Object.entries(declaration.clients).map(([client, { clientId, issuer }]) => {
    const { stored } = aws.secrets.find(recordName(declaration.name, client));
    const current = stored.versions.find(({ stages }) => stages.includes('AWSCURRENT'));
    const { keys } = parseRecord(current?.text ?? '', { client, clientId, issuer });
    return { client, clientId, keys };
  });
}
