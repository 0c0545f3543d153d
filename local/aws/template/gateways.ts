import { ZonesError } from '@helseid-zones/protocol/errors';
import { listOf, objectOf, stringOf, stringsOf } from '../../../infra/proof/assembly/json.ts';
import {
  type ResolvedAssembly,
  type ResolvedResource,
  resourcesOfType,
} from '../../../infra/proof/assembly/resolve.ts';
import type {
  GatewayApi,
  GatewayAuthorizer,
  GatewayMethod,
  GatewayResponse,
  MethodAuthorization,
} from '../gateway/model.ts';
import { zoneOf } from './zone-of.ts';

const INTEGRATION = /\/functions\/(arn:aws:lambda:[^/]+)\/(response-streaming-)?invocations$/;

/** The REST APIs of the template, each with its one stage. Throws `assembly_invalid` for what the local gateway can't serve. */
export function readGateways(assembly: ResolvedAssembly): GatewayApi[] {
  const of = (type: string, api: string) =>
    resourcesOfType(assembly, `AWS::ApiGateway::${type}`).filter(
      ({ properties }) => properties['RestApiId'] === api,
    );
  return resourcesOfType(assembly, 'AWS::ApiGateway::RestApi').map((resource) => {
    const { physicalId: id, properties, account, region, stack } = resource;
    const [stage, ...others] = of('Stage', id);
    if (stage === undefined || others.length > 0) throw unsupported(`API ${id}: it needs exactly one stage`);
    const paths = readPaths(of('Resource', id));
    const authorizers = new Map(of('Authorizer', id).map((item) => [item.physicalId, readAuthorizer(item)]));
    const validators = of('RequestValidator', id).filter(
      ({ properties: p }) => p['ValidateRequestParameters'] === true,
    );
    const context = {
      paths,
      authorizers,
      validators: new Set(validators.map(({ physicalId }) => physicalId)),
    };
    const throttle = readThrottle(stage);
    return {
      id,
      name: stringOf(properties['Name']) ?? id,
      zone: zoneOf(stack),
      stage: stringOf(stage.properties['StageName']) ?? stage.physicalId,
      account,
      region,
      methods: of('Method', id)
        .filter(({ properties: p }) => objectOf(p['Integration'])['Type'] !== 'MOCK')
        .map((method) => readMethod(method, context)),
      responses: new Map(of('GatewayResponse', id).map(readResponse)),
      binary: stringsOf(properties['BinaryMediaTypes']).includes('*/*'),
      ...(throttle === undefined ? {} : { throttle }),
    };
  });
}

/** Paths by resource id; the root resource has no entry and is `/`. */
function readPaths(resources: readonly ResolvedResource[]): Map<string, string> {
  const byId = new Map(resources.map((resource) => [resource.physicalId, resource]));
  const pathOf = (id: string): string => {
    const resource = byId.get(id);
    if (resource === undefined) return '';
    return `${pathOf(String(resource.properties['ParentId']))}/${String(resource.properties['PathPart'])}`;
  };
  return new Map([...byId.keys()].map((id) => [id, pathOf(id)]));
}

interface MethodContext {
  paths: ReadonlyMap<string, string>;
  authorizers: ReadonlyMap<string, GatewayAuthorizer>;
  /** Ids of request validators that check parameters. */
  validators: ReadonlySet<string>;
}

function readMethod({ properties, physicalId }: ResolvedResource, context: MethodContext): GatewayMethod {
  const resourceId = String(properties['ResourceId']);
  const integration = objectOf(properties['Integration']);
  const [, functionArn, streaming] = INTEGRATION.exec(String(integration['Uri'])) ?? [];
  const streamed = integration['ResponseTransferMode'] === 'STREAM';
  if (integration['Type'] !== 'AWS_PROXY' || functionArn === undefined) {
    throw unsupported(`method ${physicalId}: only Lambda proxy integrations are served`);
  }
  if (streamed !== (streaming !== undefined)) {
    throw unsupported(`method ${physicalId}: its transfer mode and its URI don't agree on streaming`);
  }
  const timeout = integration['TimeoutInMillis'];
  const required = Object.entries(objectOf(properties['RequestParameters']))
    .filter(([, demanded]) => demanded === true)
    .map(([name]) => name.replace(/^method\.request\./, ''))
    .filter((name) => !name.startsWith('path.'));
  return {
    httpMethod: String(properties['HttpMethod']),
    resourcePath: context.paths.get(resourceId) ?? '/',
    resourceId,
    authorization: readAuthorization(properties, context),
    functionArn,
    streamed,
    ...(typeof timeout === 'number' ? { timeout } : {}),
    requiredParameters: context.validators.has(String(properties['RequestValidatorId'])) ? required : [],
  };
}

function readAuthorization(
  properties: Readonly<Record<string, unknown>>,
  { authorizers }: MethodContext,
): MethodAuthorization {
  const type = stringOf(properties['AuthorizationType']) ?? 'NONE';
  if (type === 'NONE' || type === 'AWS_IAM') return { type };
  const authorizer = authorizers.get(String(properties['AuthorizerId']));
  if (type !== 'CUSTOM' || authorizer === undefined) throw unsupported(`authorization by ${type}`);
  return { type, authorizer };
}

function readAuthorizer({ physicalId, properties }: ResolvedResource): GatewayAuthorizer {
  const functionArn = INTEGRATION.exec(String(properties['AuthorizerUri']))?.[1];
  const sources = String(properties['IdentitySource'] ?? '')
    .split(',')
    .filter((source) => source !== '');
  const headers = sources.map((source) =>
    /^method\.request\.header\.(.+)$/.exec(source.trim())?.[1]?.toLowerCase(),
  );
  if (properties['Type'] !== 'REQUEST' || functionArn === undefined || headers.includes(undefined)) {
    throw unsupported(`authorizer ${physicalId}: only REQUEST authorizers by headers are`);
  }
  if (properties['AuthorizerResultTtlInSeconds'] !== 0) {
    throw unsupported(`authorizer ${physicalId}: it caches its answers; set its result TTL to 0`);
  }
  return { id: physicalId, functionArn, identityHeaders: headers.filter((name) => name !== undefined) };
}

function readResponse({ properties, physicalId }: ResolvedResource): [string, GatewayResponse] {
  const headers: Record<string, string> = {};
  const authorizerHeaders: Record<string, string> = {};
  for (const [name, value] of Object.entries(objectOf(properties['ResponseParameters']))) {
    const header = /^gatewayresponse\.header\.(.+)$/.exec(name)?.[1];
    const [, text, key] = /^(?:'(.*)'|context\.authorizer\.(\w+))$/.exec(String(value)) ?? [];
    if (header !== undefined && text !== undefined) headers[header] = text;
    else if (header !== undefined && key !== undefined) authorizerHeaders[header] = key;
    else throw unsupported(`gateway response ${physicalId} with ${name} from ${String(value)}`);
  }
  const template = stringOf(objectOf(properties['ResponseTemplates'])['application/json']);
  const status = Number(properties['StatusCode'] ?? Number.NaN);
  const response = {
    ...{ headers, authorizerHeaders },
    ...(Number.isInteger(status) ? { status } : {}),
    ...(template === undefined ? {} : { template }),
  };
  return [String(properties['ResponseType']), response];
}

function readThrottle({ properties }: ResolvedResource): { rate: number; burst: number } | undefined {
  const all = listOf(properties['MethodSettings'])
    .map(objectOf)
    .find((settings) => settings['HttpMethod'] === '*' && settings['ResourcePath'] === '/*');
  const [rate, burst] = [all?.['ThrottlingRateLimit'], all?.['ThrottlingBurstLimit']];
  return typeof rate === 'number' && typeof burst === 'number' ? { rate, burst } : undefined;
}

function unsupported(what: string): ZonesError {
  return new ZonesError('assembly_invalid', `The local system can't serve ${what}.`);
}
