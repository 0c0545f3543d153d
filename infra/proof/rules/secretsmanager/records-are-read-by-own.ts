import { capabilityRule, throughOwnEndpoint } from '../capability.ts';
import { recordArn, recordArns, resourcesOfZone } from '../targets.ts';

/** A client's record is read by that client's signers and by the admin zone; other secrets by their own zone. */
export const recordsAreReadByOwn = capabilityRule({
  name: 'records-are-read-by-own',
  invariant: 'I1',
  title:
    'A client’s record is read by its signers and the admin zone, through their endpoints; other secrets by their own zone.',
  actions: [
    'secretsmanager:BatchGetSecretValue',
    'secretsmanager:DescribeSecret',
    'secretsmanager:GetResourcePolicy',
    'secretsmanager:GetSecretValue',
    'secretsmanager:ListSecretVersionIds',
  ],
  by: ({ client }) => (client === undefined ? ['identity policy'] : ['identity policy', 'endpoint policy']),
  allows: (actor, input) => {
    const read =
      actor.client !== undefined ? [recordArn(input, actor.client)] : actor.admin ? recordArns(input) : [];
    const secrets = resourcesOfZone(input, actor.zone, ['AWS::SecretsManager::Secret']).map(
      ({ arn }) => arn ?? '',
    );
    const others =
      actor.client === undefined ? secrets.filter((arn) => !recordArns(input).includes(arn)) : [];
    const here = throughOwnEndpoint(actor, 'secretsmanager');
    return [
      ...(read.length > 0 ? [{ resources: read, requires: [here] }] : []),
      ...(others.length > 0 ? [{ resources: others, requires: [] }] : []),
    ];
  },
  remedy: 'Name the one record of the signer’s client, and the zone’s own endpoint.',
});
