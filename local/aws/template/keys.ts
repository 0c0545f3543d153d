import { objectOf, stringOf } from '../../../infra/proof/assembly/json.ts';
import { type ResolvedAssembly, resourcesOfType } from '../../../infra/proof/assembly/resolve.ts';
import type { StoredKey } from '../kms/keys.ts';
import { tagsOf } from './tags.ts';

/** The symmetric KMS keys of the template: what zones encrypt logs, queues, tables and records with. */
export function readKeys(assembly: ResolvedAssembly): StoredKey[] {
  return resourcesOfType(assembly, 'AWS::KMS::Key').map(({ physicalId, arn, properties }) => ({
    id: physicalId,
    arn: arn ?? physicalId,
    spec: stringOf(properties['KeySpec']) ?? 'SYMMETRIC_DEFAULT',
    usage: 'ENCRYPT_DECRYPT',
    status: 'Enabled',
    description: stringOf(properties['Description']) ?? '',
    created: 0,
    policy: JSON.stringify(objectOf(properties['KeyPolicy'])),
    tags: tagsOf(properties),
    fromTemplate: true,
  }));
}

/** Aliases of the template: alias name to key id or ARN. */
export function readAliases(assembly: ResolvedAssembly): Map<string, string> {
  return new Map(
    resourcesOfType(assembly, 'AWS::KMS::Alias').map(({ properties }) => [
      String(properties['AliasName']),
      String(properties['TargetKeyId']),
    ]),
  );
}
