import { objectOf, stringOf } from '../../../infra/proof/assembly/json.ts';
import {
  type ResolvedAssembly,
  type ResolvedResource,
  resourcesOfType,
} from '../../../infra/proof/assembly/resolve.ts';
import type { TableDefinition } from '../dynamodb/tables.ts';

const COPIED = ['AttributeDefinitions', 'KeySchema', 'GlobalSecondaryIndexes', 'LocalSecondaryIndexes'];

/** Tables of the template that a key of the template encrypts: name to key id or ARN. */
export function readTableKeys(assembly: ResolvedAssembly): Map<string, string> {
  return new Map(
    resourcesOfType(assembly, 'AWS::DynamoDB::Table').flatMap((table) => {
      const key = stringOf(objectOf(table.properties['SSESpecification'])['KMSMasterKeyId']);
      return key === undefined ? [] : [[nameOf(table), key] as const];
    }),
  );
}

/** The DynamoDB tables of the template as `CreateTable` inputs: keys and indexes, not encryption, expiry or capacity. */
export function readTables(assembly: ResolvedAssembly): TableDefinition[] {
  return resourcesOfType(assembly, 'AWS::DynamoDB::Table').map((table) => ({
    TableName: nameOf(table),
    BillingMode: 'PAY_PER_REQUEST',
    ...Object.fromEntries(
      COPIED.flatMap((name) =>
        table.properties[name] === undefined ? [] : [[name, table.properties[name]]],
      ),
    ),
  }));
}

function nameOf({ physicalId, properties }: ResolvedResource): string {
  return stringOf(properties['TableName']) ?? physicalId;
}
