import { stringOf } from '../../assembly/json.ts';
import type { Condition } from '../../policy/condition.ts';
import { compileConditions } from '../../policy/operators.ts';
import { NO_ZONE } from '../actors.ts';
import { actionsOf, type CapabilityRule, capabilityRule, requirement } from '../capability.ts';
import { admissionOf, externalPrincipals, strangeServices } from '../external-principals.ts';
import { actionsAllowedIn } from '../named-actions.ts';
import { type Problem, type Rule, resourceRule } from '../rule.ts';
import { recordArn, recordArns, recordOf, resourcesOfZone } from '../targets.ts';

/** What services do with a data key on behalf of those who read and write what it encrypts. */
const DATA_KEY_USES = actionsOf({
  kms: 'Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo',
});

/** A role uses the data keys of its own zone only, and only through the services that encrypt with them. */
export const ownDataKeysOnly: CapabilityRule = capabilityRule({
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
    const recordKey = stringOf(recordOf(input, client)?.properties.KmsKeyId);
    const records = actor.client === undefined ? recordArns(input) : [recordArn(input, actor.client)];
    const through = (services: readonly string[], by?: Parameters<typeof requirement>[1]) => {
      const hosts = services.map((service) => `${service}.${region}.amazonaws.com`);
      return requirement({ StringEquals: { 'kms:ViaService': hosts } }, by);
    };
    const own = {
      resources: zone.filter((arn) => arn !== recordKey),
      requires: [through(['dynamodb', 'sqs', 'sns', 'secretsmanager', 's3'])],
    };
    if (recordKey === undefined || (actor.client === undefined && !actor.admin)) return [own];
    const everyLayer = ['resource policy', 'identity policy', 'permissions boundary'] as const;
    return [
      own,
      {
        actions: actor.admin ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'],
        resources: [recordKey],
        requires: [
          through(['secretsmanager'], everyLayer),
          requirement({ ArnLike: { 'kms:EncryptionContext:SecretARN': records } }, ['identity policy']),
        ],
      },
    ];
  },
  remedy: 'Name the zone’s own key, and in kms:ViaService the service that encrypts with it.',
});

/** What nobody may do directly, and what nobody may do but for a service's own sake. Strangers may do nothing at all. */
const USES = ['kms:Anything', ...DATA_KEY_USES];

/** A template's key encrypts for services and for nobody directly. */
export const dataKeysAreClosed: Rule = resourceRule({
  name: 'data-keys-are-closed',
  invariant: 'I8',
  title: 'Keys in templates encrypt for named services and for nobody directly.',
  of: ['AWS::KMS::Key'],
  problems: (key, input) => {
    const { arn = '', account, region } = key;
    const asked = [...new Set([...USES, ...actionsAllowedIn(key)])];
    // Or through a service that no policy names.
    const service = `another.${region}.amazonaws.com`;
    const directly = compileConditions({ StringEqualsIfExists: { 'kms:ViaService': service } }, false);
    const unowned = compileConditions({ BoolIfExists: { 'kms:GrantIsForAWSResource': 'false' } }, false);
    const resource = input.world.resources.get(arn);
    return [
      ...externalPrincipals(input).flatMap(({ name, principal }): Problem[] => {
        const own = 'account' in principal && principal.account === account;
        const may = (actions: readonly string[], given?: Condition) =>
          admissionOf(principal, actions, arn, input.world, { ...(given && { given }), delegation: true });
        const found = [own ? may(USES, directly) : may(asked), may(['kms:CreateGrant'], unowned)];
        const actions = found.flatMap((one) => one?.actions ?? []).slice(0, 4);
        const request = found.find(Boolean)?.request;
        return request ? [[undefined, `lets ${name} do ${actions.join(', ')}`, request]] : [];
      }),
      ...(resource ? strangeServices(resource, asked, input) : []),
    ];
  },
  subject: ({ constructPath }) => `Key ${constructPath}`,
  path: ({ constructPath }) => ['whoever it lets in', constructPath, 'what it encrypts'],
  remedy: 'Make it a DataKey (infra/constructs/data-key.ts), which names the services and log groups.',
});
