import { SEED_RECORD } from '@helseid-zones/protocol/record';
import { ownSecrets } from '../../../declaration/function-resources.ts';
import { recordName } from '../../../declaration/names.ts';
import { resourcesOfType } from '../../assembly/resolve.ts';
import type { CapabilityRule } from '../capability.ts';
import { actionsOf, capabilityRule, requirement, throughOwnEndpoint } from '../capability.ts';
import { isKept, type Rule, violationsOf } from '../rule.ts';
import {
  isAdmin,
  ownedIn,
  ownKey,
  recordArn,
  recordArns,
  resourcesOfZone,
  rotationArn,
  rotationOf,
  secretNamed,
} from '../targets.ts';

/** Every client has its record in the signing zone's stack, seeded with the constant, kept when the stack goes; or its keys in the stack of the function that keeps them, without a seed. */
export const recordsAreBare: Rule = {
  name: 'records-are-bare',
  invariant: 'I1',
  title:
    'Every client has one record, seeded with a constant that no later deploy can change into keys, kept, and rotated by rotation only; one whose keys a function keeps a secret that no deploy has a value for, kept, and rotated by nobody.',
  check: (input) => {
    const { name: system, clients, zones } = input.declaration;
    const rotation = rotationOf(input)?.arn;
    const records = [
      ...Object.keys(clients).map((client) => ({ client, name: recordName(system, client), kept: false })),
      ...Object.entries(zones).flatMap(([zone, declared]) =>
        ownSecrets(system, zone, declared)
          .filter(({ kind }) => kind === 'clientKeys')
          .map(({ secret: client, name }) => ({ client, name, kept: true })),
      ),
    ];
    return records.flatMap(({ client, name, kept }) => {
      const record = secretNamed(input, name);
      const { SecretString: seed, GenerateSecretString: generated, KmsKeyId } = record?.properties ?? {};
      const key = record && ownKey(record, KmsKeyId, input);
      const overwritten = seed !== (kept ? undefined : SEED_RECORD) || generated !== undefined;
      const problems =
        record === undefined
          ? ['has no record']
          : [
              overwritten && 'has a record that a deploy overwrites',
              !isKept(record) && 'loses its record with the stack',
              key && !isKept(key) && 'loses the key of its record with the stack',
            ];
      const remedy =
        'Seed a record with SEED_RECORD, and keys that a function keeps with nothing, retain it (infra/constructs/secrets.ts), and let rotation alone rotate it.';
      const found = violationsOf(problems, {
        resource: record?.constructPath ?? client,
        subject: `Client ${client}`,
        path: ['whoever deploys', record?.constructPath ?? client, 'the keys that are signed with'],
        remedy,
      });
      const rotated = resourcesOfType(input.assembly, 'AWS::SecretsManager::RotationSchedule').flatMap(
        ({ properties: { SecretId, RotationLambdaARN: by }, constructPath: resource }) => {
          const isStrange = SecretId === record?.arn && (kept || by !== rotation);
          return violationsOf([isStrange && `has ${by} rotate a client record`], { resource, remedy });
        },
      );
      return [...found, ...rotated];
    });
  },
};

/** Actions that move a record from version to version. */
const KEEPING = ['secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'];

/** Only the admin zone writes the client records or starts their rotation, a function the keys of a client that it keeps, and nobody re-policies, replicates or deletes a secret. */
export const recordsAreKeptByAdmin: CapabilityRule = capabilityRule({
  name: 'records-are-kept-by-admin',
  invariant: 'I1',
  title:
    'Only the admin zone writes client records, a function the client’s keys that it keeps, and nobody re-policies, replicates or deletes a secret.',
  actions: [
    ...KEEPING,
    ...actionsOf({
      secretsmanager: `
        CancelRotateSecret CreateSecret DeleteResourcePolicy DeleteSecret PutResourcePolicy
        RemoveRegionsFromReplication ReplicateSecretToRegions RestoreSecret RotateSecret
        StopReplicationToReplica TagResource UntagResource UpdateSecret
      `,
    }),
  ],
  allows: (actor, input) => {
    const here = throughOwnEndpoint(actor, 'secretsmanager');
    if (!actor.admin)
      return [{ actions: KEEPING, resources: ownedIn(input, actor, 'clientKeys').own, requires: [here] }];
    const records = recordArns(input);
    const rotation = rotationArn(actor, input);
    const started = [
      here,
      requirement({ ArnEqualsIfExists: { 'secretsmanager:RotationLambdaARN': rotation } }),
      requirement({ BoolIfExists: { 'secretsmanager:ModifyRotationRules': 'false' } }),
    ];
    return [
      { actions: KEEPING, resources: records, requires: [here] },
      ...(isAdmin(actor, input, 'key-watch')
        ? [{ actions: ['secretsmanager:RotateSecret'], resources: records, requires: started }]
        : []),
    ];
  },
  remedy:
    'Leave the records to the functions of the admin zone, through their endpoint, and the rest to an administrator.',
});

/** A client's record is read by that client's signers and by the admin zone; a function's secret by that function; others by their own zone. */
export const recordsAreReadByOwn: CapabilityRule = capabilityRule({
  name: 'records-are-read-by-own',
  invariant: 'I1',
  title:
    'A client’s record is read by its signers and the admin zone, a function’s secret by that function, through their endpoints; other secrets by their own zone.',
  actions: actionsOf({
    secretsmanager: `
      BatchGetSecretValue DescribeSecret GetResourcePolicy GetSecretValue ListSecretVersionIds
    `,
  }),
  by: ({ client }) => (client === undefined ? ['identity policy'] : ['identity policy', 'endpoint policy']),
  allows: (actor, input) => {
    const read =
      actor.client !== undefined ? [recordArn(input, actor.client)] : actor.admin ? recordArns(input) : [];
    const { own, taken } = ownedIn(input, actor, 'secret');
    const kept = [...recordArns(input), ...taken];
    const secrets = actor.client ? [] : resourcesOfZone(input, actor.zone, ['AWS::SecretsManager::Secret']);
    const others = secrets.map(({ arn = '' }) => arn).filter((arn) => !kept.includes(arn));
    const here = throughOwnEndpoint(actor, 'secretsmanager');
    return [
      { resources: [...read, ...own], requires: [here] },
      { resources: others, requires: [] },
    ];
  },
  remedy: 'Name the one record of the signer’s client, and the zone’s own endpoint.',
});
