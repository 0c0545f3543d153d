import { NO_ZONE } from '../actors.ts';
import { capabilityRule, requirement } from '../capability.ts';
import { DATA_KEY_USES } from '../data-key-uses.ts';
import { recordArn, recordArns, recordOf, resourcesOfZone } from '../targets.ts';

/** A role uses the data keys of its own zone only, and only through the services that encrypt with them. */
export const ownDataKeysOnly = capabilityRule({
  name: 'own-data-keys-only',
  invariant: 'I8',
  title:
    'A role uses the data keys of its own zone only, and only through the services that encrypt with them.',
  actions: ['kms:GenerateRandom', ...DATA_KEY_USES],
  allows: (actor, input) => {
    if (actor.zone === NO_ZONE || actor.kind === 'service') return [];
    const { region } = actor;
    const zone = resourcesOfZone(input, actor.zone, ['AWS::KMS::Key']).map(({ arn }) => arn ?? '');
    const client = actor.client ?? Object.keys(input.declaration.clients)[0] ?? '';
    const recordKey = recordOf(input, client)?.properties.KmsKeyId;
    const keeper = actor.client !== undefined || actor.admin;
    const records = actor.client === undefined ? recordArns(input) : [recordArn(input, actor.client)];
    const services = ['dynamodb', 'sqs', 'sns', 'secretsmanager', 's3'].map(
      (service) => `${service}.${region}.amazonaws.com`,
    );
    return [
      {
        resources: zone.filter((arn) => arn !== recordKey),
        requires: [requirement({ StringEquals: { 'kms:ViaService': services } })],
      },
      ...(keeper && typeof recordKey === 'string'
        ? [
            {
              actions: actor.admin ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'],
              resources: [recordKey],
              requires: [
                requirement(
                  { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
                  ['resource policy', 'identity policy', 'permissions boundary'],
                ),
                requirement({ ArnLike: { 'kms:EncryptionContext:SecretARN': records } }, ['identity policy']),
              ],
            },
          ]
        : []),
    ];
  },
  remedy: 'Name the zone’s own key, and in kms:ViaService the service that encrypts with it.',
});
