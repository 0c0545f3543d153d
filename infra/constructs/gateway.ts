import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  AccessLogField,
  AccessLogFormat,
  AuthorizationType,
  EndpointType,
  type IAuthorizer,
  IdentitySource,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  type MethodOptions,
  RequestAuthorizer,
  ResponseType,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { ZonesError } from '../../client/errors.ts';
import { AUTHORIZER_FUNCTION } from '../declaration/names.ts';
import type { Route, ZoneDeclaration } from '../declaration/types.ts';

/** Name of the one stage, the first part of every path. */
export const STAGE = 'live';

/** Log groups that API Gateway names itself; the zone's key lets them in. */
export const EXECUTION_LOG_PREFIX = 'API-Gateway-Execution-Logs_';

/** Requests a second, and how many at once above that, for the whole stage. */
const THROTTLE = { throttlingRateLimit: 50, throttlingBurstLimit: 100 };

/** What a request leaves in the access log: no path with ids in it, no address, no header. */
const ACCESS_LOG_FORMAT = AccessLogFormat.custom(
  JSON.stringify({
    requestId: AccessLogField.contextRequestId(),
    time: AccessLogField.contextRequestTimeEpoch(),
    method: AccessLogField.contextHttpMethod(),
    route: AccessLogField.contextResourcePath(),
    status: AccessLogField.contextStatus(),
    latency: AccessLogField.contextResponseLatency(),
    caller: AccessLogField.contextCallerAccountId(),
    error: AccessLogField.contextErrorResponseType(),
    integration: AccessLogField.contextIntegrationStatus(),
  }),
);

/**
 * A zone's entry by HTTPS: one REST API, its routes authorised by SigV4 or by the shipped authorizer, parameters validated,
 * throttled, logged. No route is open.
 */
export function createGateway(
  scope: Construct,
  props: {
    name: string;
    logPrefix: string;
    gateway: NonNullable<ZoneDeclaration['gateway']>;
    functions: ReadonlyMap<string, IFunction>;
    key: IKey;
  },
): RestApi {
  const accessLog = new LogGroup(scope, 'AccessLog', {
    logGroupName: `${props.logPrefix}/gateway`,
    retention: RetentionDays.THREE_MONTHS,
    encryptionKey: props.key,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const api = new RestApi(scope, 'Api', {
    restApiName: props.name,
    endpointTypes: [EndpointType.REGIONAL],
    // A stack of its own sets the account's role: CDK would do it here, for every API anew.
    cloudWatchRole: false,
    deployOptions: {
      stageName: STAGE,
      accessLogDestination: new LogGroupLogDestination(accessLog),
      accessLogFormat: ACCESS_LOG_FORMAT,
      // Errors only, never bodies: the log would hold what no log may.
      loggingLevel: MethodLoggingLevel.ERROR,
      dataTraceEnabled: false,
      metricsEnabled: true,
      tracingEnabled: true,
      ...THROTTLE,
    },
  });
  const executionLog = new LogGroup(scope, 'ExecutionLog', {
    logGroupName: `${EXECUTION_LOG_PREFIX}${api.restApiId}/${STAGE}`,
    retention: RetentionDays.THREE_MONTHS,
    encryptionKey: props.key,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  api.deploymentStage.node.addDependency(executionLog);
  const validator = api.addRequestValidator('Parameters', {
    requestValidatorName: 'parameters',
    validateRequestParameters: true,
    validateRequestBody: true,
  });
  const authorizer = createAuthorizer(scope, props.functions.get(AUTHORIZER_FUNCTION));
  for (const route of props.gateway.routes) {
    const integration = new LambdaIntegration(pickFunction(props.functions, route), {
      allowTestInvoke: false,
    });
    api.root.resourceForPath(route.path).addMethod(route.method, integration, {
      ...authorization(route, authorizer),
      requestValidator: validator,
      requestParameters: pathParameters(route.path),
    });
  }
  answerWithProblems(api);
  new CfnOutput(scope, 'GatewayUrl', { value: api.url, description: 'Where the routes of this zone are.' });
  return api;
}

function pickFunction(functions: ReadonlyMap<string, IFunction>, route: Route): IFunction {
  const found = functions.get(route.function);
  if (!found)
    throw new ZonesError(
      'declaration_invalid',
      `Route ${route.path}: the zone has no function ${route.function}.`,
    );
  return found;
}

function createAuthorizer(scope: Construct, handler: IFunction | undefined): IAuthorizer | undefined {
  if (!handler) return undefined;
  return new RequestAuthorizer(scope, 'Authorizer', {
    handler,
    identitySources: [IdentitySource.header('Authorization')],
    // A cached answer would let a stolen token pass without a proof.
    resultsCacheTtl: Duration.seconds(0),
  });
}

function authorization(route: Route, authorizer: IAuthorizer | undefined): MethodOptions {
  if (route.authorize === 'helseid' && authorizer)
    return { authorizationType: AuthorizationType.CUSTOM, authorizer };
  return { authorizationType: AuthorizationType.IAM };
}

/** Makes API Gateway refuse a request whose path parameters are missing. */
function pathParameters(path: string): Record<string, boolean> {
  return Object.fromEntries(
    [...path.matchAll(/\{([A-Za-z0-9]+)\+?\}/g)].map(([, name]) => [`method.request.path.${name}`, true]),
  );
}

/** What API Gateway itself refuses is answered as problem+json (RFC 9457), like everything the functions refuse. */
function answerWithProblems(api: RestApi): void {
  for (const [id, type] of [
    ['Refused', ResponseType.DEFAULT_4XX],
    ['Failed', ResponseType.DEFAULT_5XX],
  ] as const)
    api.addGatewayResponse(id, {
      type,
      responseHeaders: {
        'Content-Type': "'application/problem+json'",
        'Cache-Control': "'no-store'",
      },
      templates: {
        'application/json': '{"type":"about:blank","title":$context.error.messageString}',
      },
    });
}
