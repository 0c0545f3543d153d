import { stringOf } from '../../infra/boundary/json.ts';
import { type ResolvedAssembly, resourcesOfType } from '../../infra/boundary/resolve.ts';
import type { TableDefinition } from '../aws/dynamodb/tables.ts';

const COPIED = ['AttributeDefinitions', 'KeySchema', 'GlobalSecondaryIndexes', 'LocalSecondaryIndexes'];

/** The DynamoDB tables of the template as `CreateTable` inputs: keys and indexes, not encryption, expiry or capacity. */
export function readTables(assembly: ResolvedAssembly): TableDefinition[] {
  return resourcesOfType(assembly, 'AWS::DynamoDB::Table').map(({ physicalId, properties }) => ({
    TableName: stringOf(properties['TableName']) ?? physicalId,
    BillingMode: 'PAY_PER_REQUEST',
    ...Object.fromEntries(
      COPIED.flatMap((name) => (properties[name] === undefined ? [] : [[name, properties[name]]])),
    ),
  }));
}
