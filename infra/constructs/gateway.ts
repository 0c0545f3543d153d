import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import {
  AccessLogField,
  AccessLogFormat,
  EndpointType,
  LogGroupLogDestination,
  MethodLoggingLevel,
  ResponseType,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { GENERAL_CHALLENGE } from '../../functions/authorizer/challenge.ts';
import { renderAnswer, renderPage } from '../../functions/login-common/answer.ts';
import type { Place } from './arns.ts';

/** Name of the one stage, the first part of every path. */
const STAGE = 'live';

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

/** What a gateway is made from. */
export interface GatewayProps {
  name: string;
  logPrefix: string;
  key: IKey;
  /** Whether answers may be bytes (a forwarded API's may). */
  binary: boolean;
}

/** A zone's REST API, throttled and logged, still without routes. */
export function createGateway(scope: Construct, props: GatewayProps): RestApi {
  const logSettings = {
    retention: RetentionDays.THREE_MONTHS,
    encryptionKey: props.key,
    removalPolicy: RemovalPolicy.DESTROY,
  };
  const accessLog = new LogGroup(scope, 'AccessLog', {
    logGroupName: `${props.logPrefix}/gateway`,
    ...logSettings,
  });
  const api = new RestApi(scope, 'Api', {
    restApiName: props.name,
    endpointTypes: [EndpointType.REGIONAL],
    // A stack of its own sets the account's role: CDK would do it here, for every API anew.
    cloudWatchRole: false,
    ...(props.binary ? { binaryMediaTypes: ['*/*'] } : {}),
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
  // API Gateway would make this one itself, without a key and without an end.
  const executionLog = new LogGroup(scope, 'ExecutionLog', {
    logGroupName: `${EXECUTION_LOG_PREFIX}${api.restApiId}/${STAGE}`,
    ...logSettings,
  });
  api.deploymentStage.node.addDependency(executionLog);
  answerWithProblems(api);
  return api;
}

/** The URL of the stage, known before the stage is made, so that functions behind it can be told. */
export function gatewayUrl(api: RestApi, { region }: Place): string {
  return `https://${api.restApiId}.execute-api.${region}.amazonaws.com/${STAGE}`;
}

/** Says where the gateway is. */
export function describeGateway(scope: Construct, url: string): void {
  new CfnOutput(scope, 'GatewayUrl', { value: url, description: 'Where the routes of this zone are.' });
}

const PROBLEM_HEADERS = { 'Content-Type': "'application/problem+json'", 'Cache-Control': "'no-store'" };
const PROBLEM_TEMPLATES = {
  'application/json': '{"type":"about:blank","title":$context.error.messageString}',
};

/** What API Gateway itself refuses is answered as problem+json (RFC 9457), like everything the functions refuse. */
function answerWithProblems(api: RestApi): void {
  for (const [id, type] of [
    ['Refused', ResponseType.DEFAULT_4XX],
    ['Failed', ResponseType.DEFAULT_5XX],
  ] as const)
    api.addGatewayResponse(id, { type, responseHeaders: PROBLEM_HEADERS, templates: PROBLEM_TEMPLATES });
}

/**
 * Says how to authenticate where the shipped authorizer refuses (RFC 9449 7.1): a general challenge with a 401, and with a
 * 403 the one it made for the request.
 */
export function challengeCallers(api: RestApi): void {
  for (const [id, type, challenge] of [
    ['Unauthorized', ResponseType.UNAUTHORIZED, `'${GENERAL_CHALLENGE}'`],
    ['Denied', ResponseType.ACCESS_DENIED, 'context.authorizer.challenge'],
  ] as const)
    api.addGatewayResponse(id, {
      type,
      responseHeaders: { ...PROBLEM_HEADERS, 'WWW-Authenticate': challenge },
      templates: PROBLEM_TEMPLATES,
    });
}

/** Headers of a page that API Gateway can send: it takes fixed values in single quotes, and a policy has some of its own. */
const PAGE_HEADERS = [
  'Cache-Control',
  'Content-Language',
  'Content-Type',
  'Referrer-Policy',
  'Strict-Transport-Security',
  'X-Content-Type-Options',
  'X-Frame-Options',
];

/**
 * Where people log in, an address without a route gets a page like those of the functions, with API Gateway's status 403. A
 * gateway response can't tell people from programs or one language from another, and an unsigned call of a route with SigV4
 * gets the same one. The page leads nowhere: what lies before the gateway is not known here.
 */
export function answerWithPage(api: RestApi): void {
  const { headers = {}, body } = renderAnswer(renderPage({ status: 403, page: 'nothing', language: 'nb' }));
  api.addGatewayResponse('Nothing', {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    responseHeaders: Object.fromEntries(
      PAGE_HEADERS.map((name) => [name, `'${headers[name.toLowerCase()]}'`]),
    ),
    templates: { 'application/json': body },
  });
}
