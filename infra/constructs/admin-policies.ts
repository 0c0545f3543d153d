import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { KEY_TAGS } from '../../functions/common/client-keys.ts';
import type { ADMIN_FUNCTIONS } from '../declaration/fields.ts';
import { functionName, recordName } from '../declaration/names.ts';
import { anyKeyArn, functionArn, recordArnPattern, roleArn, serviceHost } from './arns.ts';
import { allow, allowThrough, ENVELOPE_ACTIONS, via } from './statements.ts';
import type { ZoneFacts } from './zone-policies.ts';

/** Reading about keys. */
const READ_KEYS = [
  'kms:DescribeKey',
  'kms:GetKeyPolicy',
  'kms:GetPublicKey',
  'kms:ListGrants',
  'kms:ListResourceTags',
] as const;

/** Ending and resuming the use of a key. */
const SWITCH_KEYS = ['kms:DisableKey', 'kms:EnableKey'] as const;

/** Moving a record from version to version: a version is immutable, so each state is a new one. */
const WRITE_RECORDS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecretVersionIds',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
] as const;

/**
 * Making client keys: of the declared kinds, with the system's tags. No condition binds the policy a key is made with; it is
 * read back.
 */
function allowCreatingKeys({ system, place, network }: ZoneFacts): PolicyStatement[] {
  const clients = Object.values(system.clients);
  const specs = [...new Set(clients.map(({ algorithm }) => ALGORITHMS[algorithm].kmsKeySpec))].sort();
  const tagged = {
    'aws:SourceVpce': network.endpointId('kms'),
    [`aws:RequestTag/${KEY_TAGS.system}`]: system.name,
    [`aws:RequestTag/${KEY_TAGS.client}`]: Object.keys(system.clients),
  };
  const onlyOurTags = { 'ForAllValues:StringEquals': { 'aws:TagKeys': Object.values(KEY_TAGS) } };
  const kind = { 'kms:KeySpec': specs, 'kms:KeyUsage': 'SIGN_VERIFY', 'kms:KeyOrigin': 'AWS_KMS' };
  return [
    allow('CreateKeys', 'kms:CreateKey', '*', {
      StringEquals: { ...tagged, ...kind },
      Bool: { 'kms:MultiRegion': 'false' },
      // Absent unless the caller names it.
      BoolIfExists: { 'kms:BypassPolicyLockoutSafetyCheck': 'false' },
      ...onlyOurTags,
    }),
    // CreateKey asks for it when tags come along.
    allow('TagNewKeys', 'kms:TagResource', anyKeyArn(place), { StringEquals: tagged, ...onlyOurTags }),
  ];
}

/**
 * Reading about keys, disabling and enabling the system's, keeping the records. Which key is disabled is code, since IAM
 * knows no record state.
 */
function allowKeepingKeys(facts: ZoneFacts, records: readonly string[]): PolicyStatement[] {
  const { system, place, network, recordKeyArn } = facts;
  const here = via(network.endpointId('kms'));
  const keys = anyKeyArn(place);
  // Who makes keys may tag any, so the tag alone would reach the zones' data keys and other systems' too.
  const ours = { 'kms:KeyUsage': 'SIGN_VERIFY', [`aws:ResourceTag/${KEY_TAGS.system}`]: system.name };
  return [
    allow('ReadKeys', READ_KEYS, keys, here),
    allow('FindKeys', 'kms:ListKeys', '*', here),
    allow('SwitchKeys', SWITCH_KEYS, keys, { StringEquals: { ...here.StringEquals, ...ours } }),
    allow('KeepRecords', WRITE_RECORDS, records, via(network.endpointId('secretsmanager'))),
    allow('EncryptRecords', ENVELOPE_ACTIONS, recordKeyArn, {
      StringEquals: { 'kms:ViaService': serviceHost(place, 'secretsmanager') },
      ArnLike: { 'kms:EncryptionContext:SecretARN': Object.values(facts.records) },
    }),
  ];
}

/**
 * Starting a rotation as it is scheduled: with the function and the rules that the record has. Secrets Manager wants the caller
 * to be allowed to invoke that function; the caller itself is not, only what AWS does on its behalf.
 */
function allowStartingRotation(facts: ZoneFacts, records: readonly string[]): PolicyStatement[] {
  const { system, zone, place, network } = facts;
  const rotation = functionArn(place, functionName(system.name, zone, 'rotation'));
  return [
    allow('StartRotation', 'secretsmanager:RotateSecret', records, {
      ...via(network.endpointId('secretsmanager')),
      ArnEqualsIfExists: { 'secretsmanager:RotationLambdaARN': rotation },
      BoolIfExists: { 'secretsmanager:ModifyRotationRules': 'false' },
    }),
    allow('RotationByService', 'lambda:InvokeFunction', rotation, { Bool: { 'aws:ViaAWSService': 'true' } }),
  ];
}

/** What each of the admin zone's functions may do; in all: not sign, not re-policy, not grant, not delete. */
export function adminStatements(
  facts: ZoneFacts,
  name: string,
  records: readonly string[] = Object.values(facts.records),
): PolicyStatement[] {
  return [
    ...(name === 'rotation' ? allowCreatingKeys(facts) : []),
    ...allowKeepingKeys(facts, records),
    ...(name === 'key-watch' ? allowStartingRotation(facts, records) : []),
  ];
}

/**
 * The same as a boundary, where the records stand as the pattern of their names: a list in each statement would outgrow a managed
 * policy. The endpoint's policy lists them; what it does not see, the use of their key, has the list here too.
 */
export const adminBoundary = (facts: ZoneFacts, name: string): PolicyStatement[] =>
  adminStatements(facts, name, [recordArnPattern(facts.place, recordName(facts.system.name, '*'))]);

/**
 * What may pass the admin zone's endpoints: its functions, for keys and to the client records; rotation alone to make keys, key-watch
 * alone to start a rotation.
 */
export function restrictAdminEndpoints({ system, zone, place, network, records }: ZoneFacts): void {
  const roles = (...names: (typeof ADMIN_FUNCTIONS)[number][]) =>
    names.map((name) => roleArn(place.account, functionName(system.name, zone, name)));
  const own = { StringEquals: { 'aws:PrincipalAccount': place.account } };
  const both = roles('key-watch', 'rotation');
  network.allowThrough('kms', [
    allowThrough(both, [...READ_KEYS, ...SWITCH_KEYS, 'kms:ListKeys'], '*', own),
    allowThrough(roles('rotation'), ['kms:CreateKey', 'kms:TagResource'], '*', own),
  ]);
  network.allowThrough('secretsmanager', [
    allowThrough(both, WRITE_RECORDS, Object.values(records)),
    allowThrough(roles('key-watch'), 'secretsmanager:RotateSecret', Object.values(records)),
  ]);
}
