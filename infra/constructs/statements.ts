import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { Effect, PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam';

/** What Lambda itself does with a function's role to place it in a VPC; no function's code may do it. */
export const INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DetachNetworkInterface',
  'ec2:UnassignPrivateIpAddresses',
] as const;

/** The most that a function may do with a table of its zone. */
export const TABLE_ACTIONS = [
  'dynamodb:DeleteItem',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
] as const;

/** What the event source mapping does with the queue, by the function's role. */
const QUEUE_ACTIONS = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'] as const;

/** What a service asks of a zone's key on behalf of the caller. */
export const DATA_KEY_ACTIONS = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
] as const;

/** Whatever uses a client key, or hands its use on, or ends it. Denied in the boundary of every zone but the signing one. */
export const KEY_CAPTURE_ACTIONS = [
  'kms:CancelKeyDeletion',
  'kms:CreateGrant',
  'kms:DeleteImportedKeyMaterial',
  'kms:DeriveSharedSecret',
  'kms:ImportKeyMaterial',
  'kms:PutKeyPolicy',
  'kms:ReplicateKey',
  'kms:RetireGrant',
  'kms:RevokeGrant',
  'kms:ScheduleKeyDeletion',
  'kms:Sign',
  'kms:UpdatePrimaryRegion',
] as const;

/** The algorithms a signer may ask KMS for; which one a key takes is in the key's own policy. */
export const SIGNING_ALGORITHMS = [
  ...new Set(Object.values(ALGORITHMS).map((entry) => entry.kmsSigningAlgorithm)),
].sort();

/** An Allow statement. */
export function allow(props: Omit<PolicyStatementProps, 'effect'>): PolicyStatement {
  return new PolicyStatement({ ...props, effect: Effect.ALLOW });
}

/** A Deny statement. */
export function deny(props: Omit<PolicyStatementProps, 'effect'>): PolicyStatement {
  return new PolicyStatement({ ...props, effect: Effect.DENY });
}

/** What every function in a VPC needs to run: interfaces (Lambda's own calls), its log streams, X-Ray. */
export function allowRunning(logStreams: string): PolicyStatement[] {
  return [
    // Lambda makes these calls from outside the VPC before there is any code: no endpoint, no narrower resource.
    allow({ sid: 'NetworkInterfaces', actions: [...INTERFACE_ACTIONS], resources: ['*'] }),
    allow({
      sid: 'Logs',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logStreams],
    }),
    allow({
      sid: 'Traces',
      actions: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
      resources: ['*'],
    }),
  ];
}

/** Writing a flow log; what the VPC's service does with its role. */
export function allowFlowLog(logGroup: string): PolicyStatement {
  return allow({
    sid: 'FlowLog',
    actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
    resources: [logGroup],
  });
}

/** Keeps the interface actions from a function's own code, which could otherwise reach into another zone's subnets. */
export function denyInterfacesToCode(functionArn: string): PolicyStatement {
  return deny({
    sid: 'NoInterfacesForCode',
    actions: [...INTERFACE_ACTIONS],
    resources: ['*'],
    conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
  });
}

/** Invoke of a zone's own signers, unqualified, through the zone's own endpoint. */
export function allowInvoke(signerArns: readonly string[], endpoint: string): PolicyStatement {
  return allow({
    sid: 'OwnSigners',
    actions: ['lambda:InvokeFunction'],
    resources: [...signerArns],
    conditions: { StringEquals: { 'aws:SourceVpce': endpoint } },
  });
}

/** Items of a table, through the zone's own DynamoDB endpoint. */
export function allowTable(actions: readonly string[], tableArn: string, endpoint: string): PolicyStatement {
  return allow({
    actions: [...actions],
    resources: [tableArn],
    conditions: { StringEquals: { 'aws:SourceVpce': endpoint } },
  });
}

/** Use of a zone's key by services that act for the caller; those calls carry no endpoint. */
export function allowDataKey(keyArn: string, services: readonly string[]): PolicyStatement {
  return allow({
    sid: 'OwnDataKey',
    actions: [...DATA_KEY_ACTIONS],
    resources: [keyArn],
    conditions: { StringEquals: { 'kms:ViaService': [...services] } },
  });
}

/** Reading a queue, which the event source mapping does from outside the VPC. */
export function allowQueue(queueArn: string): PolicyStatement {
  return allow({ sid: 'OwnQueue', actions: [...QUEUE_ACTIONS], resources: [queueArn] });
}

/** Signing: digests, through the signing zone's endpoint (I5). Which keys admit the role is for the key policies to say. */
export function allowSigning(keyArns: string, endpoint: string): PolicyStatement[] {
  return [
    allow({
      sid: 'Sign',
      actions: ['kms:Sign'],
      resources: [keyArns],
      conditions: {
        StringEquals: {
          'aws:SourceVpce': endpoint,
          'kms:MessageType': 'DIGEST',
          'kms:SigningAlgorithm': SIGNING_ALGORITHMS,
        },
      },
    }),
    allow({
      sid: 'PublicKey',
      actions: ['kms:GetPublicKey'],
      resources: [keyArns],
      conditions: { StringEquals: { 'aws:SourceVpce': endpoint } },
    }),
  ];
}

/** Reading client records through the zone's own Secrets Manager endpoint, and what Secrets Manager asks of KMS for it. */
export function allowReadingRecords(
  recordArns: readonly string[],
  keyArn: string,
  endpoint: string,
  viaService: string,
): PolicyStatement[] {
  return [
    allow({
      sid: 'ReadRecord',
      actions: ['secretsmanager:GetSecretValue'],
      resources: [...recordArns],
      conditions: { StringEquals: { 'aws:SourceVpce': endpoint } },
    }),
    allow({
      sid: 'DecryptRecord',
      actions: ['kms:Decrypt'],
      resources: [keyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': viaService },
        ArnLike: { 'kms:EncryptionContext:SecretARN': [...recordArns] },
      },
    }),
  ];
}
