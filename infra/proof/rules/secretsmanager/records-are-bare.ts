import { SEED_RECORD } from '@helseid-zones/protocol/record';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { isKept, type ProofInput, type Rule, violationsOf } from '../rule.ts';
import { recordOf } from '../targets.ts';

/** Every client has its record in the signing zone's stack, seeded with the constant, kept when the stack goes. */
export const recordsAreBare: Rule = {
  name: 'records-are-bare',
  invariant: 'I1',
  title:
    'Every client has one record, seeded with a constant that no later deploy can change into keys, and kept.',
  check: (input) =>
    Object.keys(input.declaration.clients).flatMap((client) => {
      const record = recordOf(input, client);
      const problems =
        record === undefined
          ? ['has no record']
          : [
              ...(record.properties.SecretString === SEED_RECORD &&
              record.properties.GenerateSecretString === undefined
                ? []
                : ['has a record that a deploy overwrites']),
              ...(isKept(record) ? [] : ['loses its record with the stack']),
              ...(keysOf(record, input).every(isKept) ? [] : ['loses the key of its record with the stack']),
            ];
      return violationsOf(problems, {
        resource: record?.constructPath ?? client,
        subject: `Client ${client}`,
        path: ['whoever deploys', record?.constructPath ?? client, 'the keys that signers use'],
        remedy: 'Seed the secret with SEED_RECORD and retain it (infra/constructs/client-record.ts).',
      });
    }),
};

function keysOf(record: ResolvedResource, { assembly }: ProofInput): ResolvedResource[] {
  const named = record.properties.KmsKeyId;
  return resourcesOfType(assembly, 'AWS::KMS::Key').filter((key) =>
    [key.arn, key.physicalId].includes(String(named)),
  );
}
