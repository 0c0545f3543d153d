import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { type PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { KEY_TAGS } from '../../functions/common/client-keys.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { anyKeyArn, type Place } from './arns.ts';
import { viaService } from './data-key.ts';
import { allow } from './statements.ts';

/** Reading about keys. */
const READ_KEYS = [
  'kms:DescribeKey',
  'kms:GetKeyPolicy',
  'kms:GetPublicKey',
  'kms:ListResourceTags',
] as const;

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
  return [
    allow({
      sid: 'CreateKeys',
      actions: ['kms:CreateKey'],
      resources: ['*'],
      conditions: {
        StringEquals: {
          ...tagged,
          'kms:KeySpec': specs,
          'kms:KeyUsage': 'SIGN_VERIFY',
          'kms:KeyOrigin': 'AWS_KMS',
        },
        Bool: { 'kms:MultiRegion': 'false' },
        // Absent unless the caller names it.
        BoolIfExists: { 'kms:BypassPolicyLockoutSafetyCheck': 'false' },
        ...onlyOurTags,
      },
    }),
    // CreateKey asks for it when tags come along.
    allow({
      sid: 'TagNewKeys',
      actions: ['kms:TagResource'],
      resources: [anyKeyArn(place)],
      conditions: { StringEquals: tagged, ...onlyOurTags },
    }),
  ];
}

/**
 * Reading about keys, disabling and enabling the system's, keeping the records. Which key is disabled is code, since IAM
 * knows no record state.
 */
export function allowKeepingKeys(facts: AdminFacts): PolicyStatement[] {
  const { system, place, records } = facts;
  const here = { 'aws:SourceVpce': facts.kms };
  const keys = anyKeyArn(place);
  return [
    allow({
      sid: 'ReadKeys',
      actions: [...READ_KEYS],
      resources: [keys],
      conditions: { StringEquals: here },
    }),
    allow({
      sid: 'FindKeys',
      actions: ['kms:ListKeys'],
      resources: ['*'],
      conditions: { StringEquals: here },
    }),
    allow({
      sid: 'SwitchKeys',
      actions: ['kms:DisableKey', 'kms:EnableKey'],
      resources: [keys],
      conditions: {
        StringEquals: {
          ...here,
          // Who makes keys may tag any, so the tag alone would reach the zones' data keys and other systems' too.
          'kms:KeyUsage': 'SIGN_VERIFY',
          [`aws:ResourceTag/${KEY_TAGS.system}`]: system.name,
        },
      },
    }),
    allow({
      sid: 'KeepRecords',
      actions: [...WRITE_RECORDS],
      resources: [...records],
      conditions: { StringEquals: { 'aws:SourceVpce': facts.secretsmanager } },
    }),
    allow({
      sid: 'EncryptRecords',
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [facts.recordKeyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': viaService(place, 'secretsmanager') },
        ArnLike: { 'kms:EncryptionContext:SecretARN': [...records] },
      },
    }),
  ];
}

/**
 * Starting a rotation as it is scheduled: with the function and the rules that the record has. Secrets Manager wants the caller
 * to be allowed to invoke that function; the caller itself is not, only what AWS does on its behalf.
 */
export function allowStartingRotation(facts: AdminFacts): PolicyStatement[] {
  return [
    allow({
      sid: 'StartRotation',
      actions: ['secretsmanager:RotateSecret'],
      resources: [...facts.records],
      conditions: {
        StringEquals: { 'aws:SourceVpce': facts.secretsmanager },
        ArnEqualsIfExists: { 'secretsmanager:RotationLambdaARN': facts.rotationArn },
        BoolIfExists: { 'secretsmanager:ModifyRotationRules': 'false' },
      },
    }),
    allow({
      sid: 'RotationByService',
      actions: ['lambda:InvokeFunction'],
      resources: [facts.rotationArn],
      conditions: { Bool: { 'aws:ViaAWSService': 'true' } },
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

/** What may pass the admin zone's KMS endpoint: its functions, for keys; rotation alone to make them. */
export function adminKeyEndpoint({ place, roles }: AdminFacts): PolicyStatement[] {
  const through = (actions: readonly string[], callers: readonly string[]) =>
    allow({
      principals: [new StarPrincipal()],
      actions: [...actions],
      resources: ['*'],
      conditions: {
        ArnEquals: { 'aws:PrincipalArn': [...callers] },
        StringEquals: { 'aws:PrincipalAccount': place.account },
      },
    });
  return [
    through([...READ_KEYS, 'kms:DisableKey', 'kms:EnableKey', 'kms:ListKeys'], [roles.watch, roles.rotation]),
    through(['kms:CreateKey', 'kms:TagResource'], [roles.rotation]),
  ];
}

/** What may pass the admin zone's Secrets Manager endpoint: its functions, to the client records; key-watch alone to start a rotation. */
export function adminRecordEndpoint({ records, roles }: AdminFacts): PolicyStatement[] {
  const through = (actions: readonly string[], callers: readonly string[]) =>
    allow({
      principals: [new StarPrincipal()],
      actions: [...actions],
      resources: [...records],
      conditions: { ArnEquals: { 'aws:PrincipalArn': [...callers] } },
    });
  return [
    through(WRITE_RECORDS, [roles.watch, roles.rotation]),
    through(['secretsmanager:RotateSecret'], [roles.watch]),
  ];
}
