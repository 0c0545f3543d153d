import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../../infra/proof/assembly/json.ts';
import { keyPolicyTemplate } from '../../../infra/render-key-policy.ts';
import { newFolder } from '../../temporary.ts';
import { endpoint, inputOf, type Resources, zoneNetwork } from './small-system.ts';

/** Account and region of the smallest systems. */
export const ACCOUNT = '000000000000';

/** An ARN in {@link ACCOUNT}. */
export function arnOf(service: string, rest: string): string {
  return `arn:aws:${service}:eu-north-1:${ACCOUNT}:${rest}`;
}

/** An Allow statement. */
export function allowed(
  action: string | readonly string[],
  resource: unknown = '*',
  condition?: JsonObject,
): JsonObject {
  return {
    Effect: 'Allow',
    Action: action,
    Resource: resource,
    ...(condition ? { Condition: condition } : {}),
  };
}

/** A Deny statement. */
export function denied(action: string | readonly string[], condition?: JsonObject): JsonObject {
  return { Effect: 'Deny', Action: action, Resource: '*', ...(condition ? { Condition: condition } : {}) };
}

/** A policy document. */
export function document(...statements: readonly JsonObject[]): JsonObject {
  return { Version: '2012-10-17', Statement: statements };
}

/** That a service may become a role. */
export function trusting(principal: JsonObject): JsonObject {
  return document({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' });
}

/** A role of a zone with what it is given and the most it can be given: by default the same. */
export function roleOf(
  zone: string,
  name: string,
  statements: readonly JsonObject[],
  boundary: readonly JsonObject[] = statements,
): Resources {
  return {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        RoleName: name,
        PermissionsBoundary: { Ref: 'Boundary' },
        AssumeRolePolicyDocument: trusting({ Service: 'lambda.amazonaws.com' }),
        Policies: [{ PolicyName: 'own', PolicyDocument: document(...statements) }],
      },
    },
    Boundary: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: { ManagedPolicyName: `journal-boundary-${zone}`, PolicyDocument: document(...boundary) },
    },
  };
}

/** A function with the role of {@link roleOf}, in the network of {@link zoneNetwork}. */
export function functionOf(name: string, properties: JsonObject = {}): Resources {
  return {
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        FunctionName: name,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Code: { S3Key: 'code.zip' },
        VpcConfig: { SubnetIds: [{ Ref: 'Subnet' }], SecurityGroupIds: [{ Ref: 'Functions' }] },
        ...properties,
      },
    },
  };
}

/** A folder with these files, for an asset. */
export function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = newFolder();
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder;
}

/** The key policies that rotation carries, for the one client. */
export const KEY_POLICIES = {
  journal: keyPolicyTemplate({ system: 'journal', client: 'journal', algorithm: 'ES256' }),
};

/** The signing zone with one signer that may sign, and the admin zone's rotation beside it, which has the key policy in `key.zip`. */
export function signingSystem(
  change: { statement?: JsonObject; boundary?: readonly JsonObject[]; endpoint?: JsonObject } = {},
): Record<string, Resources> {
  const through = { 'aws:SourceVpce': { Ref: 'kmsEndpoint' } };
  const sign = allowed('kms:Sign', arnOf('kms', 'key/*'), {
    StringEquals: { ...through, 'kms:MessageType': 'DIGEST', 'kms:SigningAlgorithm': 'ECDSA_SHA_256' },
  });
  const policy = allowed('kms:Sign', arnOf('kms', 'key/*'), {
    ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/journal-signer-*` },
    StringEquals: { 'kms:MessageType': 'DIGEST' },
  });
  const network = zoneNetwork('10.30.0.0/20');
  return {
    'journal-signing': {
      ...network,
      ...endpoint('kms', { PolicyDocument: document({ Principal: '*', ...(change.endpoint ?? policy) }) }),
      ...roleOf(
        'signing',
        'journal-signer-journal-public',
        [change.statement ?? sign],
        [
          sign,
          ...(change.boundary ?? [
            denied('kms:Sign', { StringNotEquals: { 'aws:SourceVpce': { Ref: 'kmsEndpoint' } } }),
            denied('kms:Sign', { StringNotEquals: { 'kms:MessageType': 'DIGEST' } }),
          ]),
        ],
      ),
      ...functionOf('journal-signer-journal-public', { Environment: { Variables: {} } }),
    },
    'journal-zone-admin': {
      Rotation: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          FunctionName: 'journal-admin-rotation',
          Code: { S3Key: 'key.zip' },
          Environment: { Variables: { SIGNING_VPC: vpcOf(network) } },
        },
      },
    },
  };
}

function vpcOf(network: Resources): string {
  return inputOf({ 'journal-signing': network }).network.vpcs[0]?.physicalId ?? '';
}
