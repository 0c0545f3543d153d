import { randomBytes } from 'node:crypto';
import { isObject, listOf, objectOf, stringOf, stringsOf } from '../../../infra/proof/assembly/json.ts';
import { readEndpoints } from '../../../infra/proof/assembly/network.ts';
import type { ResolvedAssembly } from '../../../infra/proof/assembly/resolve.ts';
import type { TableDefinition } from '../dynamodb/service.ts';
import type { StoredKey } from '../kms/keys.ts';
import { numberOf, read, tagsOf, textOf, unsupported } from './properties.ts';

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
      const runtime = stringOf(of.Runtime);
      const { LogGroup, LogFormat, ApplicationLogLevel } = objectOf(of.LoggingConfig);
      const variables = Object.entries(objectOf(objectOf(of.Environment).Variables));
      if (runtime === undefined || assetPath === undefined || arn === undefined)
        throw unsupported(`function ${name} (${runtime}): only those with a runtime and an asset`);
      return {
        name,
        arn,
        account,
        zone,
        runtime,
        codeDirectory: assetPath,
        roleArn: textOf(of.Role),
        subnets: stringsOf(objectOf(of.VpcConfig).SubnetIds),
        handler: stringOf(of.Handler) ?? 'undefined',
        /** Milliseconds. */
        timeout: numberOf(of.Timeout, 3) * 1000,
        /** MiB. */
        memory: numberOf(of.MemorySize, 128),
        /** Invocations at once; undefined where none are reserved. */
        reservedConcurrency: numberOf(of.ReservedConcurrentExecutions, undefined),
        environment: Object.fromEntries(variables.map(([key, value]) => [key, textOf(value)])),
        logGroup: stringOf(LogGroup) ?? `/aws/lambda/${name}`,
        /** From which level on its runtime writes lines as JSON; undefined where it writes text. */
        jsonLevel: LogFormat === 'JSON' ? (stringOf(ApplicationLogLevel) ?? 'INFO') : undefined,
      };
    },
  );
}

/** VPC endpoints, subnets and NAT gateways. Does not look at routes or security groups: the boundary proof does. */
export function readNetworks(assembly: ResolvedAssembly) {
  const vpcBySubnet = new Map(
    read(assembly, 'AWS::EC2::Subnet').map((of) => [of.physicalId, textOf(of.properties.VpcId)]),
  );
  const withNat = new Set(
    read(assembly, 'AWS::EC2::NatGateway').map((of) => vpcBySubnet.get(textOf(of.properties.SubnetId))),
  );
  return {
    /** `service` is the signing name of what is behind one. */
    endpoints: readEndpoints(assembly).map(({ id, vpc, service, resource: { zone, account } }) => ({
      id,
      vpc,
      service,
      zone,
      account,
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
    spec: stringOf(properties.KeySpec) ?? 'SYMMETRIC_DEFAULT',
    usage: 'ENCRYPT_DECRYPT',
    status: 'Enabled',
    description: stringOf(properties.Description) ?? '',
    created: 0,
    policy: JSON.stringify(objectOf(properties.KeyPolicy)),
    tags: tagsOf(properties.Tags),
    fromTemplate: true,
  }));
}

/** The secrets with their rotation schedules. */
export function readSecrets(assembly: ResolvedAssembly) {
  const rotations = new Map(
    read(assembly, 'AWS::SecretsManager::RotationSchedule').map(({ properties: of }) => [
      textOf(of.SecretId),
      {
        functionArn: textOf(of.RotationLambdaARN),
        schedule: stringOf(objectOf(of.RotationRules).ScheduleExpression) ?? '',
      },
    ]),
  );
  return read(assembly, 'AWS::SecretsManager::Secret').map(({ physicalId, arn, properties: of }) => ({
    arn: arn ?? physicalId,
    name: stringOf(of.Name) ?? physicalId,
    tags: tagsOf(of.Tags),
    description: stringOf(of.Description),
    kmsKeyId: stringOf(of.KmsKeyId),
    // What AWS would make up: known to nobody who does not read it.
    initialText: stringOf(of.SecretString) ?? randomText(of.GenerateSecretString),
    rotation: rotations.get(physicalId),
  }));
}

function randomText(generate: unknown): string | undefined {
  if (generate === undefined) return undefined;
  const length = numberOf(objectOf(generate).PasswordLength, 32);
  return randomBytes(length).toString('hex').slice(0, length);
}

/** The DynamoDB tables as `CreateTable` inputs: keys and indexes, not encryption, expiry or capacity. And table to the key that encrypts it. */
export function readTables(assembly: ResolvedAssembly) {
  const tableKeys = new Map<string, string>();
  const tables = read(assembly, 'AWS::DynamoDB::Table').map(({ physicalId, properties }): TableDefinition => {
    const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, LocalSecondaryIndexes } = properties;
    const keysAndIndexes = { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, LocalSecondaryIndexes };
    const TableName = stringOf(properties.TableName) ?? physicalId;
    const key = stringOf(objectOf(properties.SSESpecification).KMSMasterKeyId);
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
    if (properties.FifoQueue !== undefined) throw unsupported(`the FIFO queue ${physicalId}`);
    const { deadLetterTargetArn, maxReceiveCount } = objectOf(properties.RedrivePolicy);
    const deadLetterArn = stringOf(deadLetterTargetArn);
    return {
      name: physicalId.split('/').at(-1) ?? physicalId,
      arn: arn ?? physicalId,
      url: physicalId,
      visibilityTimeout: numberOf(properties.VisibilityTimeout, 30),
      retention: numberOf(properties.MessageRetentionPeriod, 345_600),
      kmsKeyId: stringOf(properties.KmsMasterKeyId),
      redrive: deadLetterArn ? { deadLetterArn, maxReceiveCount: numberOf(maxReceiveCount, 1) } : undefined,
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
    kmsKeyId: stringOf(properties.KmsKeyIdentifier),
  }));
  const arn = `arn:aws:events:${region}:${account}:event-bus/default`;
  return [...declared, { name: 'default', arn, kmsKeyId: undefined }];
}

/** A rule, with a pattern on a bus or a schedule. */
export type Rule = ReturnType<typeof readRules>[number];

/**
 * Enabled rules.
 * @throws {ZonesError} assembly_invalid: a target that is transformed or neither queue nor function, or another matcher than values
 */
export function readRules(assembly: ResolvedAssembly) {
  return read(assembly, 'AWS::Events::Rule')
    .filter(({ properties }) => properties.State !== 'DISABLED')
    .map(({ physicalId, arn, properties }) => ({
      name: physicalId.split('|').at(-1) ?? physicalId,
      arn: arn ?? physicalId,
      bus: stringOf(properties.EventBusName)?.split('/').at(-1) ?? 'default',
      pattern: readPattern(properties.EventPattern),
      schedule: stringOf(properties.ScheduleExpression),
      targets: listOf(properties.Targets).map((value) => {
        const { Arn, Input, InputTransformer, InputPath, DeadLetterConfig } = objectOf(value);
        if (InputTransformer !== undefined || InputPath !== undefined)
          throw unsupported(`the input transformation of rule ${physicalId}`);
        const arn = textOf(Arn);
        if (!/^arn:aws:(sqs|lambda):/.test(arn)) throw unsupported(`target ${arn} of rule ${physicalId}`);
        // Input: constant JSON text that replaces the event.
        return { arn, input: stringOf(Input), deadLetterArn: stringOf(objectOf(DeadLetterConfig).Arn) };
      }),
    }));
}

/** A pattern of values and fields alone, as `isOfPattern` knows it: with another matcher a rule would silently match less or more than on AWS. */
function readPattern(pattern: unknown) {
  const isPlain = (part: unknown): boolean =>
    Array.isArray(part)
      ? !part.some(isObject)
      : isObject(part) && Object.entries(part).every(([name, of]) => !name.startsWith('$') && isPlain(of));
  if (pattern === undefined) return undefined;
  if (isObject(pattern) && isPlain(pattern)) return pattern;
  throw unsupported(`an event pattern with ${JSON.stringify(pattern)}`);
}

/** An event source mapping from a queue to a function. */
export type EventSource = ReturnType<typeof readEventSources>[number];

/**
 * Event source mappings from queues.
 * @throws {ZonesError} assembly_invalid: filters, batching windows and other sources
 */
export function readEventSources(assembly: ResolvedAssembly) {
  return read(assembly, 'AWS::Lambda::EventSourceMapping').map(({ physicalId, properties: of }) => {
    const queueArn = textOf(of.EventSourceArn);
    const window = numberOf(of.MaximumBatchingWindowInSeconds, 0);
    if (!queueArn.startsWith('arn:aws:sqs:') || of.FilterCriteria !== undefined || window !== 0)
      throw unsupported(`event source mapping ${physicalId}: only queues, without filter or batching window`);
    return {
      queueArn,
      functionName: textOf(of.FunctionName),
      batchSize: numberOf(of.BatchSize, 10),
      /** Batches worked on at one time. */
      concurrency: numberOf(objectOf(of.ScalingConfig).MaximumConcurrency, 5),
      /** Whether the function may name the messages that failed. */
      reportsFailures: stringsOf(of.FunctionResponseTypes).includes('ReportBatchItemFailures'),
    };
  });
}
