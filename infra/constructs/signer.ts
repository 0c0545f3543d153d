import type { Grant } from '@helseid-zones/protocol/grant';
import { Duration } from 'aws-cdk-lib';
import { type PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { recordName, signerName } from '../declaration/names.ts';
import { anyKeyArn, logStreamsArn, type Place, recordArnPattern, roleArn } from './arns.ts';
import { viaService } from './data-key.ts';
import { allow, allowFlowLog, allowReadingRecords, allowRunning, allowSigning, deny } from './statements.ts';
import { ZoneFunction, type ZoneRuntime } from './zone-function.ts';
import type { ZoneNetwork } from './zone-network.ts';

/** What the policies of the signing zone are written from. */
export interface SigningFacts {
  system: string;
  place: Place;
  network: ZoneNetwork;
  logPrefix: string;
  /** ARN of the key that encrypts the records. */
  recordKeyArn: string;
}

/** What one signer is made from. */
export interface SignerProps extends ZoneRuntime {
  grant: Grant;
  /** ARN of its client's record. */
  record: string;
  recordKeyArn: string;
  concurrency: number;
  /** ARNs of the roles of another account that may invoke it; those of its own account need no permission here. */
  foreignCallers: readonly string[];
}

/** The signer of one grant: signs for one client what one zone may have, and reads one record. */
export class Signer extends ZoneFunction {
  constructor(scope: Construct, id: string, props: SignerProps) {
    const { grant, record, foreignCallers } = props;
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
    for (const principal of foreignCallers)
      new CfnPermission(this, `Permission-${principal.replace(/^.*\//, '')}`, {
        action: 'lambda:InvokeFunction',
        functionName: this.handler.functionArn,
        principal,
      });
  }
}

function signerStatements(facts: Omit<SigningFacts, 'logPrefix'>, record: string): PolicyStatement[] {
  const { place, network, recordKeyArn } = facts;
  return [
    ...allowSigning(anyKeyArn(place), network.endpointId('kms')),
    ...allowReadingRecords(
      [record],
      recordKeyArn,
      network.endpointId('secretsmanager'),
      viaService(place, 'secretsmanager'),
    ),
  ];
}

/** What any role of the signing zone may ever do. */
export function signingBoundaryStatements(facts: SigningFacts): PolicyStatement[] {
  const { system, place, network, logPrefix } = facts;
  const only = (sid: string, key: string, value: string) =>
    deny({
      sid,
      actions: ['kms:Sign'],
      resources: ['*'],
      conditions: { StringNotEquals: { [key]: value } },
    });
  return [
    ...allowRunning(logStreamsArn(place, `${logPrefix}/*`)),
    allowFlowLog(logStreamsArn(place, `${logPrefix}/flow`)),
    ...signerStatements(facts, recordArnPattern(place, recordName(system, '*'))),
    only('SignHereOnly', 'aws:SourceVpce', network.endpointId('kms')),
    only('SignDigestsOnly', 'kms:MessageType', 'DIGEST'),
  ];
}

/** Through the endpoints go signers only, each to the record of its own client. */
export function restrictSigningEndpoints(
  { system, place, network }: SigningFacts,
  records: Readonly<Record<string, string>>,
): void {
  const fromSigners = (client: string) => ({
    ArnLike: { 'aws:PrincipalArn': roleArn(place.account, signerName(system, client, '*')) },
  });
  const through = (action: string, resource: string, conditions: Record<string, object>) =>
    allow({ principals: [new StarPrincipal()], actions: [action], resources: [resource], conditions });
  network.allowThrough('kms', [
    through('kms:Sign', anyKeyArn(place), {
      ...fromSigners('*'),
      StringEquals: { 'kms:MessageType': 'DIGEST' },
    }),
    through('kms:GetPublicKey', anyKeyArn(place), fromSigners('*')),
  ]);
  network.allowThrough(
    'secretsmanager',
    Object.entries(records).map(([client, arn]) =>
      through('secretsmanager:GetSecretValue', arn, fromSigners(client)),
    ),
  );
}
