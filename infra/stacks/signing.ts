import type { Grant } from '@helseid-zones/protocol/grant';
import { SEED_RECORD } from '@helseid-zones/protocol/record';
import { type App, CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledgeFindings } from '../acknowledgements.ts';
import { adviseOnDeclaration, adviseOnQuotas, adviseOnSelfService } from '../advice.ts';
import { anyKeyArn, logStreamsArn, type Place, recordArnPattern, roleArn } from '../constructs/arns.ts';
import { createBoundary } from '../constructs/boundary.ts';
import { createDataKey, viaService } from '../constructs/data-key.ts';
import { createFlowLog } from '../constructs/flow-log.ts';
import { createFunction } from '../constructs/function.ts';
import { createNetwork, type Network } from '../constructs/network.ts';
import {
  allow,
  allowFlowLog,
  allowReadingRecords,
  allowRunning,
  allowSigning,
  deny,
} from '../constructs/statements.ts';
import { SystemStack } from '../constructs/system-stack.ts';
import { deriveGrants } from '../declaration/derive.ts';
import {
  askingFunctions,
  functionName,
  recordName,
  SIGNING_ZONE,
  sharedStackNames,
  signerName,
} from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';

/** Signatures at one time and signer when the grant says nothing else. */
const DEFAULT_CONCURRENCY = 10;

/** What other stacks take from the signing zone. */
export interface Signing {
  stack: SystemStack;
  vpcId: string;
  /** ARN of each client's record. */
  records: Readonly<Record<string, string>>;
  /** ARN of the key that encrypts the records. */
  recordKeyArn: string;
}

/** The signing zone: no way to the internet, one signer a grant, the client records. Client keys are made later, by rotation. */
export function createSigningStack(app: App, system: SystemDeclaration, place: Place, env: object): Signing {
  const zones = system.availabilityZones ?? 2;
  const stack = new SystemStack(app, sharedStackNames(system.name).signing, {
    description: `${system.name}: the signing zone. Client keys, records and signers; no way to the internet.`,
    zones,
    zone: SIGNING_ZONE,
    ...env,
  });
  const network = createNetwork(stack, {
    place,
    cidr: system.signing.cidr,
    availabilityZones: zones,
    hosts: [],
    services: ['kms', 'secretsmanager'],
  });
  const recordKey = createDataKey(stack, 'RecordKey', {
    description: `${system.name}: client records`,
    place,
    services: ['secretsmanager'],
  });
  const records = Object.fromEntries(
    Object.keys(system.clients).map((client) => [
      client,
      createRecord(stack, system.name, client, recordKey.keyArn),
    ]),
  );
  restrictEndpoints(network, system, place, records);
  createSigners(stack, system, place, network, records, recordKey.keyArn);
  const grants = deriveGrants(system);
  adviseOnQuotas(
    stack,
    system,
    grants.reduce((sum, grant) => sum + signerConcurrency(system, grant), 0),
  );
  adviseOnSelfService(stack, system);
  adviseOnDeclaration(stack, system);
  acknowledgeFindings(stack, {
    system: system.name,
    zone: 'signing',
    place,
    functions: grants.map(({ client, zone }) => signerName(system.name, client, zone)),
  });
  return { stack, vpcId: network.vpc.vpcId, records, recordKeyArn: recordKey.keyArn };
}

function createRecord(scope: Construct, system: string, client: string, keyArn: string): string {
  const secret = new CfnSecret(scope, `Record-${client}`, {
    name: recordName(system, client),
    description: `Keys of client ${client}: ids and states, no key material.`,
    kmsKeyId: keyArn,
    // A constant: a value that changed with the declaration would overwrite what rotation has stored.
    secretString: SEED_RECORD,
  });
  // Losing it would lose which key is registered.
  secret.applyRemovalPolicy(RemovalPolicy.RETAIN);
  return secret.ref;
}

/** Through the endpoints go signers only, each to the records of its own client. */
function restrictEndpoints(
  network: Network,
  system: SystemDeclaration,
  place: Place,
  records: Readonly<Record<string, string>>,
): void {
  const principals = [new StarPrincipal()];
  const fromSigners = (client: string) => ({
    ArnLike: { 'aws:PrincipalArn': roleArn(place.account, signerName(system.name, client, '*')) },
  });
  network.allowThrough('kms', [
    allow({
      principals,
      actions: ['kms:Sign'],
      resources: [anyKeyArn(place)],
      conditions: { ...fromSigners('*'), StringEquals: { 'kms:MessageType': 'DIGEST' } },
    }),
    allow({
      principals,
      actions: ['kms:GetPublicKey'],
      resources: [anyKeyArn(place)],
      conditions: fromSigners('*'),
    }),
  ]);
  network.allowThrough(
    'secretsmanager',
    Object.entries(records).map(([client, arn]) =>
      allow({
        principals,
        actions: ['secretsmanager:GetSecretValue'],
        resources: [arn],
        conditions: fromSigners(client),
      }),
    ),
  );
}

function createSigners(
  stack: SystemStack,
  system: SystemDeclaration,
  place: Place,
  network: Network,
  records: Readonly<Record<string, string>>,
  recordKeyArn: string,
): void {
  const { kms = '', secretsmanager = '' } = network.endpoints;
  const logPrefix = `/${system.name}/signing`;
  const viaSecrets = viaService(place, 'secretsmanager');
  const key = createDataKey(stack, 'LogKey', {
    description: `${system.name}: the audit of signatures`,
    place,
    logGroups: [`${logPrefix}/*`],
    services: [],
  });
  const everyRecord = recordArnPattern(place, recordName(system.name, '*'));
  const boundary = createBoundary(stack, system.name, 'signing', [
    ...allowRunning(logStreamsArn(place, `${logPrefix}/*`)),
    allowFlowLog(logStreamsArn(place, `${logPrefix}/flow`)),
    ...allowSigning(anyKeyArn(place), kms),
    ...allowReadingRecords([everyRecord], recordKeyArn, secretsmanager, viaSecrets),
    deny({
      sid: 'SignHereOnly',
      actions: ['kms:Sign'],
      resources: ['*'],
      conditions: { StringNotEquals: { 'aws:SourceVpce': kms } },
    }),
    deny({
      sid: 'SignDigestsOnly',
      actions: ['kms:Sign'],
      resources: ['*'],
      conditions: { StringNotEquals: { 'kms:MessageType': 'DIGEST' } },
    }),
  ]);
  const runtime = { system: system.name, place, network, boundary, key, logPrefix };
  createFlowLog(stack, runtime);
  for (const grant of deriveGrants(system)) {
    const record = records[grant.client] ?? '';
    const name = signerName(system.name, grant.client, grant.zone);
    const signer = createFunction(stack, `Signer-${grant.zone}-${grant.client}`, runtime, {
      name,
      entry: 'signer',
      files: { 'grant.json': grant },
      environment: { RECORD_ARN: record },
      statements: [
        ...allowSigning(anyKeyArn(place), kms),
        ...allowReadingRecords([record], recordKeyArn, secretsmanager, viaSecrets),
      ],
      timeout: Duration.seconds(10),
      concurrency: signerConcurrency(system, grant),
      retention: RetentionDays.THIRTEEN_MONTHS,
      keepLogs: true,
    });
    permitForeignZone(stack, system, grant, signer);
  }
  for (const client of Object.keys(system.clients)) describeNextStep(stack, client);
}

function signerConcurrency(system: SystemDeclaration, { zone, client }: Grant): number {
  const grants = system.zones[zone]?.grants ?? [];
  return grants.find((grant) => grant.client === client)?.signerConcurrency ?? DEFAULT_CONCURRENCY;
}

/** A zone in another account needs the signer's permission as well; it names roles, so that account's stack is deployed first. */
function permitForeignZone(
  stack: SystemStack,
  system: SystemDeclaration,
  grant: Grant,
  signer: IFunction,
): void {
  const zone = system.zones[grant.zone];
  if (!zone?.account || zone.account === stack.account) return;
  for (const name of askingFunctions(zone)) {
    new CfnPermission(stack, `Permission-${grant.zone}-${grant.client}-${name}`, {
      action: 'lambda:InvokeFunction',
      functionName: signer.functionArn,
      principal: roleArn(zone.account, functionName(system.name, grant.zone, name)),
    });
  }
}

function describeNextStep(stack: SystemStack, client: string): void {
  new CfnOutput(stack, `Next-${client}`, {
    description: `What to do with client ${client} after the first deploy`,
    value: `npm run keys -- rotate ${client}; then npm run jwk -- ${client} prints the public JWK: register it for the client at its issuer (for HelseID: https://selvbetjening.nhn.no).`,
  });
}
