import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import type { Grant } from '@helseid-zones/protocol/grant';
import { Duration } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { CfnSubscriptionFilter, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { recordName, signerName } from '../declaration/names.ts';
import { anyKeyArn, logStreamsArn, type Place, recordArnPattern, roleArn, serviceHost } from './arns.ts';
import { FunctionPolicy, type FunctionPolicyProps } from './function-policy.ts';
import { allow, allowFlowLog, allowRunning, allowThrough, deny, via } from './statements.ts';
import { ZoneFunction, type ZoneRuntime } from './zone-function.ts';

/** The algorithms a signer may ask KMS for; which one a key takes is in the key's own policy. */
const SIGNING_ALGORITHMS = [
  ...new Set(Object.values(ALGORITHMS).map((entry) => entry.kmsSigningAlgorithm)),
].sort();

const READ_RECORD = 'secretsmanager:GetSecretValue';

/** What the policies of the signing zone are written from. */
export interface SigningFacts extends Pick<ZoneRuntime, 'network' | 'logPrefix'> {
  system: string;
  place: Place;
  /** ARN of the key that encrypts the records. */
  recordKeyArn: string;
}

/** What one signer is made from. */
export interface SignerProps extends ZoneRuntime, SigningFacts {
  grant: Grant;
  /** ARN of its client's record. */
  record: string;
  concurrency: number | undefined;
  /** ARN of the destination that its audit is sent to as well. */
  exportTo: string | undefined;
  /** Where its zone is in another account: who there may invoke it. `policy`: by a policy of its own, else by permissions. */
  foreign: (Omit<FunctionPolicyProps, 'asked'> & { policy: boolean }) | undefined;
}

/** The signer of one grant: signs for one client what one zone may have, and reads one record. */
export class Signer extends ZoneFunction {
  constructor(scope: Construct, id: string, props: SignerProps) {
    const { grant, record, foreign, exportTo } = props;
    super(scope, id, {
      ...props,
      name: signerName(grant.system, grant.client, grant.zone),
      entry: 'signer',
      files: { 'grant.json': grant },
      environment: { RECORD_ARN: record },
      statements: signerStatements(props, record),
      timeout: Duration.seconds(10),
      retention: RetentionDays.THIRTEEN_MONTHS,
      keepLogs: true,
    });
    if (exportTo)
      new CfnSubscriptionFilter(this, 'Export', {
        destinationArn: exportTo,
        // Everything. Whom a destination lets send says its own policy, so no role is named.
        filterPattern: '',
        logGroupName: this.handler.logGroup.logGroupName,
      });
    const signer = this.handler.functionArn;
    if (foreign?.policy) new FunctionPolicy(this, 'Policy', { ...foreign, asked: signer });
    else
      for (const principal of foreign?.askers ?? [])
        new CfnPermission(this, `Permission-${principal.replace(/^.*\//, '')}`, {
          action: 'lambda:InvokeFunction',
          functionName: signer,
          principal,
        });
  }
}

/**
 * Signing digests and reading public keys through the signing zone's endpoint (I5): which keys admit the role is for the key
 * policies to say. Reading `records` through the other endpoint, and what Secrets Manager asks of KMS for it.
 */
function signerStatements(facts: Omit<SigningFacts, 'logPrefix'>, records: string): PolicyStatement[] {
  const { place, network, recordKeyArn } = facts;
  const here = via(network.endpointId('kms'));
  const digests = { 'kms:MessageType': 'DIGEST', 'kms:SigningAlgorithm': SIGNING_ALGORITHMS };
  return [
    allow('Sign', 'kms:Sign', anyKeyArn(place), { StringEquals: { ...here.StringEquals, ...digests } }),
    allow('PublicKey', 'kms:GetPublicKey', anyKeyArn(place), here),
    allow('ReadRecord', READ_RECORD, records, via(network.endpointId('secretsmanager'))),
    allow('DecryptRecord', 'kms:Decrypt', recordKeyArn, {
      StringEquals: { 'kms:ViaService': serviceHost(place, 'secretsmanager') },
      ArnLike: { 'kms:EncryptionContext:SecretARN': [records] },
    }),
  ];
}

/** What any role of the signing zone may ever do. */
export function signingBoundaryStatements(facts: SigningFacts): PolicyStatement[] {
  const { system, place, network, logPrefix } = facts;
  const only = (sid: string, key: string, value: string) =>
    deny(sid, 'kms:Sign', '*', { StringNotEquals: { [key]: value } });
  return [
    ...allowRunning(logStreamsArn(place, `${logPrefix}/*`)),
    allowFlowLog(logStreamsArn(place, `${logPrefix}/flow`)),
    ...signerStatements(facts, recordArnPattern(place, recordName(system, '*'))),
    only('SignHereOnly', 'aws:SourceVpce', network.endpointId('kms')),
    only('SignDigestsOnly', 'kms:MessageType', 'DIGEST'),
  ];
}

/** Through the endpoints go signers only, each to the record of its own client. */
export function restrictSigningEndpoints(facts: SigningFacts, records: Readonly<Record<string, string>>) {
  const { system, place, network } = facts;
  const signers = (client: string) => roleArn(place.account, signerName(system, client, '*'));
  network.allowThrough('kms', [
    allowThrough(signers('*'), 'kms:Sign', anyKeyArn(place), {
      StringEquals: { 'kms:MessageType': 'DIGEST' },
    }),
    allowThrough(signers('*'), 'kms:GetPublicKey', anyKeyArn(place)),
  ]);
  network.allowThrough(
    'secretsmanager',
    Object.entries(records).map(([client, arn]) => allowThrough(signers(client), READ_RECORD, arn)),
  );
}
