import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import {
  type ResolvedAssembly,
  type ResolvedResource,
  resourcesOfType,
} from '../../../infra/proof/assembly/resolve.ts';

const string = v.string();
const optional = v.optional(v.string());
const strings = v.optional(v.array(v.string()), []);
/** Templates may have numbers as text. */
const number = v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.number());
const tags = v.pipe(
  v.optional(v.array(v.object({ Key: v.string(), Value: v.string() })), []),
  v.transform((list) => Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]))),
);
const text = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String));

/** A `LoggingConfig`. */
const logging = v.object({
  LogGroup: optional,
  LogFormat: optional,
  ApplicationLogLevel: v.optional(string, 'INFO'),
});

const flags = v.optional(v.record(string, v.unknown()), {});

/** The properties of each type of resource that the local system reads, with CloudFormation's defaults. */
const PROPERTIES = {
  'AWS::ApiGateway::RestApi': v.object({ Name: optional, BinaryMediaTypes: strings }),
  'AWS::ApiGateway::Stage': v.object({ RestApiId: optional, StageName: optional }),
  'AWS::ApiGateway::Authorizer': v.object({
    RestApiId: optional,
    Type: string,
    AuthorizerUri: v.optional(string, ''),
    IdentitySource: v.optional(string, ''),
    AuthorizerResultTtlInSeconds: v.optional(number),
  }),
  'AWS::ApiGateway::Method': v.object({
    RestApiId: optional,
    HttpMethod: string,
    ResourceId: string,
    AuthorizationType: v.optional(string, 'NONE'),
    AuthorizerId: optional,
    RequestParameters: flags,
    Integration: v.optional(
      v.object({
        Type: optional,
        Uri: v.optional(string, ''),
        ResponseTransferMode: optional,
        TimeoutInMillis: v.optional(number),
      }),
      {},
    ),
  }),
  'AWS::ApiGateway::GatewayResponse': v.object({
    RestApiId: optional,
    ResponseType: string,
    StatusCode: v.optional(v.pipe(number, v.integer())),
    ResponseParameters: flags,
    ResponseTemplates: v.optional(v.object({ 'application/json': optional })),
  }),
  'AWS::DynamoDB::Table': v.object({
    TableName: optional,
    SSESpecification: v.optional(v.object({ KMSMasterKeyId: optional })),
    AttributeDefinitions: v.optional(v.unknown()),
    KeySchema: v.optional(v.unknown()),
    GlobalSecondaryIndexes: v.optional(v.unknown()),
    LocalSecondaryIndexes: v.optional(v.unknown()),
  }),
  'AWS::EC2::NatGateway': v.object({ SubnetId: string }),
  'AWS::EC2::Subnet': v.object({ VpcId: string }),
  'AWS::Events::EventBus': v.object({ KmsKeyIdentifier: optional }),
  'AWS::Events::Rule': v.object({
    State: optional,
    ScheduleExpression: optional,
    EventPattern: v.optional(v.unknown()),
    EventBusName: optional,
    Targets: v.optional(
      v.array(
        v.object({
          Arn: string,
          Input: optional,
          InputTransformer: v.optional(v.unknown()),
          InputPath: v.optional(v.unknown()),
          DeadLetterConfig: v.optional(v.object({ Arn: optional })),
        }),
      ),
      [],
    ),
  }),
  'AWS::KMS::Alias': v.object({ AliasName: string, TargetKeyId: string }),
  'AWS::KMS::Key': v.object({
    KeySpec: v.optional(string, 'SYMMETRIC_DEFAULT'),
    Description: v.optional(string, ''),
    KeyPolicy: v.optional(v.looseObject({}), {}),
    Tags: tags,
  }),
  'AWS::Lambda::EventSourceMapping': v.object({
    EventSourceArn: string,
    FunctionName: string,
    BatchSize: v.optional(number, 10),
    ScalingConfig: v.optional(v.object({ MaximumConcurrency: v.optional(number, 5) })),
    FunctionResponseTypes: strings,
    FilterCriteria: v.optional(v.unknown()),
    MaximumBatchingWindowInSeconds: v.optional(number, 0),
  }),
  'AWS::Lambda::Function': v.object({
    Runtime: optional,
    Handler: v.optional(string, 'undefined'),
    Role: string,
    Timeout: v.optional(number, 3),
    MemorySize: v.optional(number, 128),
    ReservedConcurrentExecutions: v.optional(number),
    Environment: v.optional(v.object({ Variables: v.optional(v.record(string, text), {}) })),
    LoggingConfig: v.optional(logging, {}),
    VpcConfig: v.optional(v.object({ SubnetIds: strings })),
  }),
  'AWS::SecretsManager::RotationSchedule': v.object({
    SecretId: string,
    RotationLambdaARN: string,
    RotationRules: v.optional(v.object({ ScheduleExpression: v.optional(string, '') })),
  }),
  'AWS::SecretsManager::Secret': v.object({
    Name: optional,
    Description: optional,
    KmsKeyId: optional,
    SecretString: optional,
    GenerateSecretString: v.optional(v.looseObject({ PasswordLength: v.optional(number, 32) })),
    Tags: tags,
  }),
  'AWS::SQS::Queue': v.object({
    FifoQueue: v.optional(v.boolean()),
    KmsMasterKeyId: optional,
    RedrivePolicy: v.optional(
      v.object({ deadLetterTargetArn: optional, maxReceiveCount: v.optional(number, 1) }),
    ),
    VisibilityTimeout: v.optional(number, 30),
    MessageRetentionPeriod: v.optional(number, 345_600),
  }),
};

/** Types of resources that the local system reads. */
export type ReadType = keyof typeof PROPERTIES;

/** Whether the local system does what a resource of the type does: those it reads, and the policies by which it decides. */
export function isRun(type: string): boolean {
  return (
    Object.hasOwn(PROPERTIES, type) ||
    /^AWS::(?:ApiGateway::RequestValidator|IAM::.*|SQS::QueuePolicy|CDK::Metadata)$/.test(type)
  );
}

/** A resource with its properties read. */
export type Read<Type extends ReadType> = Omit<ResolvedResource, 'properties'> & {
  properties: v.InferOutput<(typeof PROPERTIES)[Type]>;
};

/**
 * The resources of a type with their properties.
 * @throws {ZonesError} assembly_invalid: properties of another shape
 */
export function read<const Type extends ReadType>(assembly: ResolvedAssembly, type: Type): Read<Type>[] {
  const schema: v.GenericSchema<unknown, v.InferOutput<(typeof PROPERTIES)[Type]>> = PROPERTIES[type];
  return resourcesOfType(assembly, type).map((resource) => {
    const parsed = v.safeParse(schema, resource.properties);
    if (parsed.success) return { ...resource, properties: parsed.output };
    const [issue] = parsed.issues;
    throw unsupported(`${type} ${resource.physicalId}: ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
  });
}

/** The template has something that the local system can't run. */
export function unsupported(what: string): ZonesError {
  return new ZonesError('assembly_invalid', `The local system can't run ${what}.`);
}
