import { describe, expect, it } from 'vitest';
import type { ResolvedAssembly, ResolvedResource } from '../../../../infra/proof/assembly/resolve.ts';
import { readGateways } from '../../../../local/aws/template/gateways.ts';
import {
  readEventSources,
  readFunctions,
  readNetworks,
  readQueues,
  readRules,
  readSecrets,
  readTables,
} from '../../../../local/aws/template/resources.ts';
import { coded } from '../../../coded.ts';
import { ACCOUNT, REGION } from '../harness.ts';

const place = { account: ACCOUNT, region: REGION };

/** A resource of the public zone. */
function resource(
  type: string,
  physicalId: string,
  properties: object,
  more: Partial<ResolvedResource> = {},
): ResolvedResource {
  return {
    ...place,
    stack: 'journal-zone-public',
    zone: 'public',
    logicalId: physicalId,
    physicalId,
    type: `AWS::${type}`,
    properties: { ...properties },
    arn: `arn:${physicalId}`,
    definition: {},
    constructPath: physicalId,
    assetPath: undefined,
    certain: true,
    names: [],
    ...more,
  };
}

/** A resource of a REST API. */
function part(type: string, physicalId: string, properties: object): ResolvedResource {
  return resource(`ApiGateway::${type}`, physicalId, { RestApiId: 'api', ...properties });
}

const assemblyOf = (...resources: ResolvedResource[]): ResolvedAssembly => ({
  ...place,
  stacks: [],
  resources,
});
const refused = coded('assembly_invalid');

describe('tables', () => {
  it('are read with the key that encrypts them, apart from what dynalite makes', () => {
    const KeySchema = [{ AttributeName: 'pk', KeyType: 'HASH' }];
    const assembly = assemblyOf(
      resource('DynamoDB::Table', 'a', {
        TableName: 'sessions',
        KeySchema,
        SSESpecification: { SSEEnabled: true, KMSMasterKeyId: 'arn:key' },
      }),
      resource('DynamoDB::Table', 'b', { KeySchema }),
    );
    expect(readTables(assembly)).toEqual({
      tableKeys: new Map([['sessions', 'arn:key']]),
      tables: [
        { TableName: 'sessions', BillingMode: 'PAY_PER_REQUEST', KeySchema },
        { TableName: 'b', BillingMode: 'PAY_PER_REQUEST', KeySchema },
      ],
    });
  });
});

describe('functions', () => {
  const properties = { Runtime: 'nodejs24.x', Handler: 'index.handler', Role: 'role', Timeout: 10 };
  const readOne = (change: object, more: object = { assetPath: '/code' }) =>
    readFunctions(assemblyOf(resource('Lambda::Function', 'f', { ...properties, ...change }, more)))[0];

  it('keep a reserved concurrency of none apart from no reservation', () => {
    expect(readOne({ ReservedConcurrentExecutions: 0 })).toMatchObject({
      name: 'f',
      timeout: 10_000,
      memory: 128,
      reservedConcurrency: 0,
      zone: 'public',
      environment: {},
    });
    expect(readOne({})?.reservedConcurrency).toBeUndefined();
  });

  it('without code are refused', () => {
    expect(() => readOne({}, {})).toThrow(refused);
  });
});

describe('networks', () => {
  const networks = readNetworks(
    assemblyOf(
      resource('EC2::Subnet', 'subnet-1', { VpcId: 'vpc-1' }),
      resource('EC2::Subnet', 'subnet-2', { VpcId: 'vpc-2' }),
      resource('EC2::NatGateway', 'nat', { SubnetId: 'subnet-2' }),
      resource('EC2::VPCEndpoint', 'vpce-1', { VpcId: 'vpc-1', ServiceName: 'com.amazonaws.eu-north-1.kms' }),
    ),
  );
  it('have endpoints by service, and a way out only through NAT', () => {
    expect(networks.endpoints).toEqual([
      { id: 'vpce-1', vpc: 'vpc-1', zone: 'public', service: 'kms', account: '000000000000' },
    ]);
    expect([networks.vpcOf(['subnet-1']), networks.vpcOf([])]).toEqual(['vpc-1', undefined]);
    expect([networks.hasEgress('vpc-1'), networks.hasEgress('vpc-2')]).toEqual([false, true]);
  });
});

describe('secrets', () => {
  it('have the constant that the template seeds them with, and their rotation', () => {
    const [secret] = readSecrets(
      assemblyOf(
        resource('SecretsManager::Secret', 's', {
          Name: 'journal/client/a',
          SecretString: '{}',
          KmsKeyId: 'k',
        }),
        resource('SecretsManager::RotationSchedule', 'r', {
          SecretId: 's',
          RotationLambdaARN: 'f',
          RotationRules: { ScheduleExpression: 'rate(60 days)' },
        }),
      ),
    );
    expect(secret).toMatchObject({
      name: 'journal/client/a',
      initialText: '{}',
      kmsKeyId: 'k',
      rotation: { functionArn: 'f', schedule: 'rate(60 days)' },
    });
  });
});

describe("what the local system can't run is refused at start, not at the first event", () => {
  const rule = (Targets: object[]) =>
    assemblyOf(resource('Events::Rule', 'r', { EventPattern: {}, Targets }));
  const pattern = (EventPattern: unknown) =>
    assemblyOf(resource('Events::Rule', 'r', { EventPattern, Targets: [] }));
  const mapping = (more: object) =>
    assemblyOf(
      resource('Lambda::EventSourceMapping', 'm', {
        EventSourceArn: 'arn:aws:sqs:x',
        FunctionName: 'f',
        ...more,
      }),
    );
  it.each<[string, () => unknown]>([
    ['a property of another shape', () => readRules(rule(['arn:aws:sqs:x'] as never))],
    ['no number', () => readQueues(assemblyOf(resource('SQS::Queue', 'q', { VisibilityTimeout: 'x' })))],
    ['no text', () => readQueues(assemblyOf(resource('SQS::Queue', 'q', { VisibilityTimeout: {} })))],
    ['a FIFO queue', () => readQueues(assemblyOf(resource('SQS::Queue', 'q', { FifoQueue: true })))],
    ['a transformed target', () => readRules(rule([{ Arn: 'arn:aws:sqs:x', InputTransformer: {} }]))],
    ['a target of another service', () => readRules(rule([{ Arn: 'arn:aws:states:x' }]))],
    ['a wildcard', () => readRules(pattern({ source: [{ wildcard: '*' }] }))],
    ['one of several patterns', () => readRules(pattern({ $or: [] }))],
    ['a pattern with no list of values', () => readRules(pattern({ source: 'a.b' }))],
    ['one matcher beside values', () => readRules(pattern({ detail: { a: ['b', { prefix: 'a.' }] } }))],
    ['a filter on a queue', () => readEventSources(mapping({ FilterCriteria: {} }))],
    ['a stream as source', () => readEventSources(mapping({ EventSourceArn: 'arn:aws:kinesis:x' }))],
  ])('%s', (_, read) => {
    expect(read).toThrow(refused);
  });

  it('a rule that is switched off is left out', () => {
    expect(
      readRules(
        assemblyOf(
          resource('Events::Rule', 'r', { State: 'DISABLED', Targets: [{ Arn: 'arn:aws:states:x' }] }),
        ),
      ),
    ).toEqual([]);
  });
});

describe('REST APIs', () => {
  const uri =
    'arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-north-1:0:function:f/invocations';
  const integration = { Type: 'AWS_PROXY', Uri: uri };
  const authorizer = (more: object = {}) =>
    part('Authorizer', 'auth', {
      Type: 'REQUEST',
      AuthorizerUri: uri,
      IdentitySource: 'method.request.header.Authorization',
      AuthorizerResultTtlInSeconds: 0,
      ...more,
    });
  const api = (method: object, ...more: ResolvedResource[]) =>
    assemblyOf(
      resource('ApiGateway::RestApi', 'api', { Name: 'journal-public', BinaryMediaTypes: ['*/*'] }),
      part('Stage', 'stage', { StageName: 'live' }),
      part('Resource', 'a', { ParentId: 'root', PathPart: 'things' }),
      part('Resource', 'b', { ParentId: 'a', PathPart: '{id}' }),
      part('Method', 'm', { ResourceId: 'b', HttpMethod: 'GET', Integration: integration, ...method }),
      ...more,
    );

  it('have their methods by path, with authorizer', () => {
    const [gateway] = readGateways(api({ AuthorizationType: 'CUSTOM', AuthorizerId: 'auth' }, authorizer()));
    expect(gateway).toMatchObject({ stage: 'live', zone: 'public', binary: true });
    expect(gateway?.methods).toEqual([
      {
        httpMethod: 'GET',
        resourcePath: '/things/{id}',
        resourceId: 'b',
        functionArn: 'arn:aws:lambda:eu-north-1:0:function:f',
        streamed: false,
        authorization: {
          type: 'CUSTOM',
          authorizer: {
            id: 'auth',
            functionArn: 'arn:aws:lambda:eu-north-1:0:function:f',
            identityHeaders: ['authorization'],
          },
        },
      },
    ]);
  });

  it('answer what they refuse with texts, and with what the authorizer said; another source is refused', () => {
    const answered = (ResponseParameters: object) =>
      readGateways(
        api({}, part('GatewayResponse', 'r', { ResponseType: 'ACCESS_DENIED', ResponseParameters })),
      )[0]?.responses.get('ACCESS_DENIED');
    expect(
      answered({
        'gatewayresponse.header.Cache-Control': "'no-store'",
        'gatewayresponse.header.WWW-Authenticate': 'context.authorizer.challenge',
      }),
    ).toEqual({
      headers: { 'Cache-Control': 'no-store' },
      authorizerHeaders: { 'WWW-Authenticate': 'challenge' },
    });
    expect(() => answered({ 'gatewayresponse.header.X': 'method.request.header.X' })).toThrow(refused);
  });

  it('stream where transfer mode and URI say so', () => {
    const Uri = uri.replace('/invocations', '/response-streaming-invocations');
    const Integration = { Type: 'AWS_PROXY', Uri, ResponseTransferMode: 'STREAM', TimeoutInMillis: 60_000 };
    expect(readGateways(api({ Integration }))[0]?.methods[0]).toMatchObject({
      functionArn: 'arn:aws:lambda:eu-north-1:0:function:f',
      streamed: true,
      timeout: 60_000,
    });
  });

  const custom = { AuthorizationType: 'CUSTOM', AuthorizerId: 'auth' };
  const streaming = { ...integration, Uri: uri.replace('/invocations', '/response-streaming-invocations') };
  it.each<[string, object, object]>([
    ['an integration that is no Lambda proxy', { Integration: { Type: 'HTTP_PROXY', Uri: 'https://x' } }, {}],
    ['a streamed integration that does not say so', { Integration: streaming }, {}],
    ['user pools', { AuthorizationType: 'COGNITO_USER_POOLS' }, {}],
    ['an authorizer that caches', custom, { AuthorizerResultTtlInSeconds: 300 }],
    ['an authorizer by token', custom, { Type: 'TOKEN' }],
  ])('with %s are refused', (_, method, changed) => {
    expect(() => readGateways(api(method, authorizer(changed)))).toThrow(refused);
  });
});
