import { randomBytes } from 'node:crypto';
import { readEndpoints } from '../../../infra/proof/assembly/network.ts';
import type { ResolvedAssembly } from '../../../infra/proof/assembly/resolve.ts';
import type { TableDefinition } from '../dynamodb/service.ts';
import type { StoredKey } from '../kms/keys.ts';
import { read, unsupported } from './properties.ts';

/** A function of the template, with the template's environment. */
export type TemplateFunction = ReturnType<typeof readFunctions>[number];

/** The networks of the template, as far as functions notice them. */
export type Networks = ReturnType<typeof readNetworks>;

/**
 * Every Lambda function.
 * @throws {ZonesError} assembly_invalid: one that the local system can't run
 */
export function readFunctions(assembly: ResolvedAssembly) {
  return read(assembly, 'AWS::Lambda::Function').map(
    ({ physicalId: name, properties: of, assetPath, arn, account, zone }) => {
      const { Runtime: runtime, LoggingConfig } = of;
      if (runtime === undefined || assetPath === undefined || arn === undefined)
        throw unsupported(`function ${name} (${runtime}): only those with a runtime and an asset`);
      return {
        ...{ name, arn, account, zone, runtime, codeDirectory: assetPath },
        roleArn: of.Role,
        subnets: of.VpcConfig?.SubnetIds ?? [],
        handler: of.Handler,
        timeout: of.Timeout * 1000,
        memory: of.MemorySize,
        reservedConcurrency: of.ReservedConcurrentExecutions,
        environment: of.Environment?.Variables ?? {},
        logGroup: LoggingConfig.LogGroup ?? `/aws/lambda/${name}`,
        logging: {
          format: LoggingConfig.LogFormat === 'JSON' ? ('JSON' as const) : ('Text' as const),
          level: LoggingConfig.ApplicationLogLevel,
        },
      };
    },
  );
}

/** VPC endpoints, subnets and NAT gateways. Does not look at routes or security groups: the boundary proof does. */
export function readNetworks(assembly: ResolvedAssembly) {
  const vpcBySubnet = new Map(
    read(assembly, 'AWS::EC2::Subnet').map(({ physicalId, properties }) => [physicalId, properties.VpcId]),
  );
  const withNat = new Set(
    read(assembly, 'AWS::EC2::NatGateway').map(({ properties }) => vpcBySubnet.get(properties.SubnetId)),
  );
  return {
    /** `service` is the signing name of what is behind one. */
    endpoints: readEndpoints(assembly).map(({ id, vpc, service, resource: { zone, account } }) => ({
      ...{ id, vpc, service, zone, account },
    })),
    /** The VPC of a function's subnets; undefined for a function outside every VPC. */
    vpcOf: ([first]: readonly string[]) => (first === undefined ? undefined : vpcBySubnet.get(first)),
    /** Whether the VPC has a way to AWS's public endpoints. */
    hasEgress: (vpc: string) => withNat.has(vpc),
  };
}

/** The symmetric KMS keys: what zones encrypt logs, queues, tables and records with. */
export function readKeys(assembly: ResolvedAssembly): StoredKey[] {
  return read(assembly, 'AWS::KMS::Key').map(({ physicalId, arn, properties }) => ({
    id: physicalId,
    arn: arn ?? physicalId,
    spec: properties.KeySpec,
    usage: 'ENCRYPT_DECRYPT',
    status: 'Enabled',
    description: properties.Description,
    created: 0,
    policy: JSON.stringify(properties.KeyPolicy),
    tags: properties.Tags,
    fromTemplate: true,
  }));
}

/** Aliases: alias name to key id or ARN. */
export function readAliases(assembly: ResolvedAssembly): Map<string, string> {
  const aliases = read(assembly, 'AWS::KMS::Alias');
  return new Map(aliases.map(({ properties }) => [properties.AliasName, properties.TargetKeyId]));
}

/** The secrets with their rotation schedules. */
export function readSecrets(assembly: ResolvedAssembly) {
  const rotations = new Map(
    read(assembly, 'AWS::SecretsManager::RotationSchedule').map(({ properties }) => [
      properties.SecretId,
      {
        functionArn: properties.RotationLambdaARN,
        schedule: properties.RotationRules?.ScheduleExpression ?? '',
      },
    ]),
  );
  return read(assembly, 'AWS::SecretsManager::Secret').map(({ physicalId, arn, properties }) => ({
    arn: arn ?? physicalId,
    name: properties.Name ?? physicalId,
    tags: properties.Tags,
    description: properties.Description,
    kmsKeyId: properties.KmsKeyId,
    // What AWS would make up: known to nobody who does not read it.
    initialText:
      properties.SecretString ??
      (properties.GenerateSecretString && randomText(properties.GenerateSecretString)),
    rotation: rotations.get(physicalId),
  }));
}

function randomText({ PasswordLength }: { PasswordLength: number }): string {
  return randomBytes(PasswordLength).toString('hex').slice(0, PasswordLength);
}

/** The DynamoDB tables as `CreateTable` inputs: keys and indexes, not encryption, expiry or capacity. And table to the key that encrypts it. */
export function readTables(assembly: ResolvedAssembly) {
  const tableKeys = new Map<string, string>();
  const tables = read(assembly, 'AWS::DynamoDB::Table').map(({ physicalId, properties }): TableDefinition => {
    const { SSESpecification, TableName = physicalId, ...keysAndIndexes } = properties;
    const key = SSESpecification?.KMSMasterKeyId;
    if (key !== undefined) tableKeys.set(TableName, key);
    return { ...keysAndIndexes, TableName, BillingMode: 'PAY_PER_REQUEST' };
  });
  return { tables, tableKeys };
}

/**
 * Queues.
 * @throws {ZonesError} assembly_invalid: FIFO queues
 */
export function readQueues(assembly: ResolvedAssembly) {
  return read(assembly, 'AWS::SQS::Queue').map(({ physicalId, arn, properties }) => {
    if (properties.FifoQueue === true) throw unsupported(`the FIFO queue ${physicalId}`);
    const { deadLetterTargetArn: deadLetterArn, maxReceiveCount = 1 } = properties.RedrivePolicy ?? {};
    return {
      name: physicalId.split('/').at(-1) ?? physicalId,
      arn: arn ?? physicalId,
      url: physicalId,
      visibilityTimeout: properties.VisibilityTimeout,
      retention: properties.MessageRetentionPeriod,
      kmsKeyId: properties.KmsMasterKeyId,
      redrive: deadLetterArn === undefined ? undefined : { deadLetterArn, maxReceiveCount },
    };
  });
}

/** An event bus of the template. */
export type Bus = ReturnType<typeof readBuses>[number];

/** Event buses, and the default bus of the account. */
export function readBuses(assembly: ResolvedAssembly) {
  const { account, region } = assembly;
  const declared = read(assembly, 'AWS::Events::EventBus').map(({ physicalId, arn, properties }) => ({
    name: physicalId,
    arn: arn ?? physicalId,
    kmsKeyId: properties.KmsKeyIdentifier,
  }));
  const arn = `arn:aws:events:${region}:${account}:event-bus/default`;
  return [...declared, { name: 'default', arn, kmsKeyId: undefined }];
}

/** A rule, with a pattern on a bus or a schedule. */
export type Rule = ReturnType<typeof readRules>[number];

/**
 * Enabled rules.
 * @throws {ZonesError} assembly_invalid: a target that is transformed or neither queue nor function
 */
export function readRules(assembly: ResolvedAssembly) {
  return read(assembly, 'AWS::Events::Rule')
    .filter(({ properties }) => properties.State !== 'DISABLED')
    .map(({ physicalId, arn, properties }) => ({
      name: physicalId.split('|').at(-1) ?? physicalId,
      arn: arn ?? physicalId,
      bus: properties.EventBusName?.split('/').at(-1) ?? 'default',
      pattern: properties.EventPattern,
      schedule: properties.ScheduleExpression,
      targets: properties.Targets.map((target) => {
        if (target.InputTransformer !== undefined || target.InputPath !== undefined)
          throw unsupported(`the input transformation of rule ${physicalId}`);
        if (!/^arn:aws:(sqs|lambda):/.test(target.Arn))
          throw unsupported(`target ${target.Arn} of rule ${physicalId}`);
        // Input: constant JSON text that replaces the event.
        return { arn: target.Arn, input: target.Input, deadLetterArn: target.DeadLetterConfig?.Arn };
      }),
    }));
}

/** An event source mapping from a queue to a function. */
export type EventSource = ReturnType<typeof readEventSources>[number];

/**
 * Event source mappings from queues.
 * @throws {ZonesError} assembly_invalid: filters, batching windows and other sources
 */
export function readEventSources(assembly: ResolvedAssembly) {
  return read(assembly, 'AWS::Lambda::EventSourceMapping').map(({ physicalId, properties: of }) => {
    const other = of.FilterCriteria !== undefined || of.MaximumBatchingWindowInSeconds !== 0;
    if (!of.EventSourceArn.startsWith('arn:aws:sqs:') || other)
      throw unsupported(
        `event source mapping ${physicalId}: only queues, without filter and batching window`,
      );
    return {
      queueArn: of.EventSourceArn,
      functionName: of.FunctionName,
      batchSize: of.BatchSize,
      /** Batches worked on at one time. */
      concurrency: of.ScalingConfig?.MaximumConcurrency ?? 5,
      /** Whether the function may name the messages that failed. */
      reportsFailures: of.FunctionResponseTypes.includes('ReportBatchItemFailures'),
    };
  });
}
