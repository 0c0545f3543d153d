import { integratedFunction, pathsOf } from '../../../infra/proof/assembly/apis.ts';
import { objectOf, stringOf, stringsOf } from '../../../infra/proof/assembly/json.ts';
import type { ResolvedAssembly, ResolvedResource } from '../../../infra/proof/assembly/resolve.ts';
import { numberOf, read, textOf, unsupported } from './properties.ts';

/**
 * The REST APIs of the template, each with its one stage.
 * @throws {ZonesError} assembly_invalid: what the local gateway can't serve
 */
export function readGateways(assembly: ResolvedAssembly) {
  return read(assembly, 'AWS::ApiGateway::RestApi').map(
    ({ physicalId: id, properties, account, region, zone }) => {
      const of = (type: 'Authorizer' | 'GatewayResponse' | 'Method' | 'Stage') =>
        read(assembly, `AWS::ApiGateway::${type}`).filter((part) => part.properties.RestApiId === id);
      const [stage, ...others] = of('Stage');
      if (stage === undefined || others.length > 0)
        throw unsupported(`API ${id}: it needs exactly one stage`);
      const authorizers = of('Authorizer').map(readAuthorizer);
      const context = { paths: pathsOf(assembly), authorizers };
      return {
        id,
        account,
        region,
        zone,
        name: stringOf(properties.Name) ?? id,
        stage: stringOf(stage.properties.StageName) ?? stage.physicalId,
        methods: of('Method')
          .filter((method) => objectOf(method.properties.Integration).Type !== 'MOCK')
          .map((method) => readMethod(method, context)),
        responses: new Map(of('GatewayResponse').map(readResponse)),
        binary: stringsOf(properties.BinaryMediaTypes).includes('*/*'),
      };
    },
  );
}

/** One REST API with its one stage. */
export type GatewayApi = ReturnType<typeof readGateways>[number];

interface MethodContext {
  paths: ReadonlyMap<string, string>;
  authorizers: readonly GatewayAuthorizer[];
}

/** A method with a Lambda proxy integration. */
export type GatewayMethod = ReturnType<typeof readMethod>;

function readMethod({ properties, physicalId }: ResolvedResource, context: MethodContext) {
  const integration = objectOf(properties.Integration);
  const resourceId = textOf(properties.ResourceId);
  const { arn: functionArn, streams } = integratedFunction(integration.Uri) ?? {};
  const streamed = integration.ResponseTransferMode === 'STREAM';
  if (integration.Type !== 'AWS_PROXY' || functionArn === undefined)
    throw unsupported(`method ${physicalId}: only Lambda proxy integrations are served`);
  if (streamed !== streams)
    throw unsupported(`method ${physicalId}: its transfer mode and its URI don't agree on streaming`);
  const parameters = Object.keys(objectOf(properties.RequestParameters));
  const demanded = parameters.filter((name) => !name.startsWith('method.request.path.'));
  if (demanded.length > 0) throw unsupported(`method ${physicalId}: it demands ${demanded.join(', ')}`);
  return {
    /** Upper-case, or `ANY`. */
    httpMethod: textOf(properties.HttpMethod),
    resourceId,
    functionArn,
    /** Whether the answer is passed on as it comes (ResponseTransferMode STREAM). */
    streamed,
    /** As in the template: `/summaries/{id}`. */
    resourcePath: context.paths.get(resourceId) ?? '/',
    authorization: readAuthorization(properties, context),
    /** Milliseconds before a 504; undefined: 29 s. */
    timeout: numberOf(integration.TimeoutInMillis, undefined),
  };
}

function readAuthorization(properties: ResolvedResource['properties'], { authorizers }: MethodContext) {
  const { AuthorizationType: type = 'NONE', AuthorizerId } = properties;
  if (type === 'NONE' || type === 'AWS_IAM') return { type } as const;
  const authorizer = authorizers.find(({ id }) => id === AuthorizerId);
  if (type !== 'CUSTOM' || authorizer === undefined) throw unsupported(`authorization by ${type}`);
  return { type, authorizer } as const;
}

/** A REQUEST authorizer whose answers are not cached, and the headers, lower-case, that must be there. */
export type GatewayAuthorizer = ReturnType<typeof readAuthorizer>;

function readAuthorizer({ physicalId: id, properties }: ResolvedResource) {
  const functionArn = integratedFunction(properties.AuthorizerUri)?.arn;
  const sources = (stringOf(properties.IdentitySource) ?? '').split(',').filter((source) => source !== '');
  const identityHeaders = sources.flatMap(
    (source) => /^method\.request\.header\.(.+)$/.exec(source.trim())?.[1]?.toLowerCase() ?? [],
  );
  if (properties.Type !== 'REQUEST' || functionArn === undefined || identityHeaders.length < sources.length)
    throw unsupported(`authorizer ${id}: only REQUEST authorizers by headers are`);
  if (numberOf(properties.AuthorizerResultTtlInSeconds, undefined) !== 0)
    throw unsupported(`authorizer ${id}: it caches its answers; set its result TTL to 0`);
  return { id, functionArn, identityHeaders };
}

/** How API Gateway answers what it refuses itself, by response type. */
function readResponse({ properties, physicalId }: ResolvedResource) {
  const headers: Record<string, string> = {};
  /** Those that are taken from what the authorizer returned in `context`: header to name there. */
  const authorizerHeaders: Record<string, string> = {};
  for (const [name, value] of Object.entries(objectOf(properties.ResponseParameters))) {
    const header = /^gatewayresponse\.header\.(.+)$/.exec(name)?.[1];
    const [, text, key] = /^(?:'(.*)'|context\.authorizer\.(\w+))$/.exec(String(value)) ?? [];
    if (header !== undefined && text !== undefined) headers[header] = text;
    else if (header !== undefined && key !== undefined) authorizerHeaders[header] = key;
    else throw unsupported(`gateway response ${physicalId} with ${name} from ${String(value)}`);
  }
  const template = stringOf(objectOf(properties.ResponseTemplates)['application/json']);
  const status = numberOf(properties.StatusCode, undefined);
  return [textOf(properties.ResponseType), { headers, authorizerHeaders, status, template }] as const;
}
