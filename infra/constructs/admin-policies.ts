import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { KEY_TAGS } from '../../functions/common/client-keys.ts';
import { recordName } from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { anyKeyArn, type Place, recordArnPattern } from './arns.ts';
import { allow, allowThrough, ENVELOPE_ACTIONS, via, viaService } from './statements.ts';

/** Reading about keys. */
const READ_KEYS = [
  'kms:DescribeKey',
  'kms:GetKeyPolicy',
  'kms:GetPublicKey',
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

/** What the admin zone's policies are written from. */
export interface AdminFacts {
  system: SystemDeclaration;
  place: Place;
  /** Ids of the admin zone's endpoints. */
  kms: string;
  secretsmanager: string;
  /** ARNs of the client records, and what statements name them by: the same, or a pattern of their names. */
  recordArns: readonly string[];
  records: readonly string[];
  recordKeyArn: string;
  /** ARN of the rotation function. */
  rotationArn: string;
  /** ARNs of the roles of the zone's two functions. */
  roles: { rotation: string; watch: string };
}

/**
 * Making client keys: of the declared kinds, with the system's tags. No condition binds the policy a key is made with; it is
 * read back.
 */
export function allowCreatingKeys({ system, place, kms }: AdminFacts): PolicyStatement[] {
  const clients = Object.values(system.clients);
  const specs = [...new Set(clients.map(({ algorithm }) => ALGORITHMS[algorithm].kmsKeySpec))].sort();
  const tagged = {
    'aws:SourceVpce': kms,
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
export function allowKeepingKeys(facts: AdminFacts): PolicyStatement[] {
  const { system, place, records, recordArns } = facts;
  const here = via(facts.kms);
  const keys = anyKeyArn(place);
  // Who makes keys may tag any, so the tag alone would reach the zones' data keys and other systems' too.
  const ours = { 'kms:KeyUsage': 'SIGN_VERIFY', [`aws:ResourceTag/${KEY_TAGS.system}`]: system.name };
  return [
    allow('ReadKeys', READ_KEYS, keys, here),
    allow('FindKeys', 'kms:ListKeys', '*', here),
    allow('SwitchKeys', SWITCH_KEYS, keys, { StringEquals: { ...here.StringEquals, ...ours } }),
    allow('KeepRecords', WRITE_RECORDS, records, via(facts.secretsmanager)),
    allow('EncryptRecords', ENVELOPE_ACTIONS, facts.recordKeyArn, {
      StringEquals: { 'kms:ViaService': viaService(place, 'secretsmanager') },
      ArnLike: { 'kms:EncryptionContext:SecretARN': recordArns },
    }),
  ];
}

/**
 * Starting a rotation as it is scheduled: with the function and the rules that the record has. Secrets Manager wants the caller
 * to be allowed to invoke that function; the caller itself is not, only what AWS does on its behalf.
 */
export function allowStartingRotation(facts: AdminFacts): PolicyStatement[] {
  return [
    allow('StartRotation', 'secretsmanager:RotateSecret', facts.records, {
      ...via(facts.secretsmanager),
      ArnEqualsIfExists: { 'secretsmanager:RotationLambdaARN': facts.rotationArn },
      BoolIfExists: { 'secretsmanager:ModifyRotationRules': 'false' },
    }),
    allow('RotationByService', 'lambda:InvokeFunction', facts.rotationArn, {
      Bool: { 'aws:ViaAWSService': 'true' },
    }),
  ];
}

/** What each of the admin zone's functions may do; in all: not sign, not re-policy, not grant, not delete. */
export function adminStatements(facts: AdminFacts, name: string): PolicyStatement[] {
  return [
    ...(name === 'rotation' ? allowCreatingKeys(facts) : []),
    ...allowKeepingKeys(facts),
    ...(name === 'key-watch' ? allowStartingRotation(facts) : []),
  ];
}

/**
 * The same as a boundary, where the records stand as the pattern of their names: a list in each statement would outgrow a managed
 * policy. The endpoint's policy lists them; what it does not see, the use of their key, has the list here too.
 */
export function adminBoundary(facts: AdminFacts, name: string): PolicyStatement[] {
  const records = [recordArnPattern(facts.place, recordName(facts.system.name, '*'))];
  return adminStatements({ ...facts, records }, name);
}

/** What may pass the admin zone's KMS endpoint: its functions, for keys; rotation alone to make them. */
export function adminKeyEndpoint({ place, roles: { rotation, watch } }: AdminFacts): PolicyStatement[] {
  const ownAccount = { StringEquals: { 'aws:PrincipalAccount': place.account } };
  return [
    allowThrough([watch, rotation], [...READ_KEYS, ...SWITCH_KEYS, 'kms:ListKeys'], '*', ownAccount),
    allowThrough([rotation], ['kms:CreateKey', 'kms:TagResource'], '*', ownAccount),
  ];
}

/** What may pass the admin zone's Secrets Manager endpoint: its functions, to the client records; key-watch alone to start a rotation. */
export function adminRecordEndpoint({ records, roles: { rotation, watch } }: AdminFacts): PolicyStatement[] {
  return [
    allowThrough([watch, rotation], WRITE_RECORDS, records),
    allowThrough([watch], 'secretsmanager:RotateSecret', records),
  ];
}
