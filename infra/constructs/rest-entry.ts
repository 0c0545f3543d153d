import { type LoginRoute, loginRoutes, STREAM_SECONDS } from '@helseid-zones/protocol/login-routes';
import { required } from '@helseid-zones/protocol/values';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AccessLogField,
  AccessLogFormat,
  AuthorizationType,
  CfnRestApi,
  EndpointType,
  IdentitySource,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  type MethodOptions,
  RequestAuthorizer,
  ResponseTransferMode,
  ResponseType,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { GENERAL_CHALLENGE } from '../../functions/authorizer/challenge.ts';
import { renderAnswer, renderPage } from '../../functions/login-common/answer.ts';
import { AUTHORIZER_FUNCTION } from '../declaration/fields.ts';
import type { GatewayDeclaration } from '../declaration/schema.ts';
import type { ZoneRuntime } from './zone-function.ts';

/** Name of the one stage, the first part of every path. */
const STAGE = 'live';

/** Log groups that API Gateway names itself; the zone's key lets them in. */
export const EXECUTION_LOG_PREFIX = 'API-Gateway-Execution-Logs_';

/**
 * TLS 1.2 or newer with forward secrecy and nothing else; without a policy a Regional endpoint takes TLS 1.0.
 * {@link https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html}
 */
const SECURITY_POLICY = 'SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09';

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

/** Lambda invoked with a response stream, and as long as a streamed answer may take. */
const STREAMED = {
  responseTransferMode: ResponseTransferMode.STREAM,
  timeout: Duration.seconds(STREAM_SECONDS),
};

/** What a REST entry is made from. */
export interface RestEntryProps extends Pick<ZoneRuntime, 'logPrefix' | 'key'> {
  name: string;
  gateway: GatewayDeclaration;
}

/** A zone's REST API, throttled and logged. It has no routes before {@link addRoutes}, whose functions know its URL. */
export class RestEntry extends Construct {
  /** The URL of the stage, known before the stage is made, so that functions behind it can be told. */
  readonly url: string;
  /** Dimensions of API Gateway's metrics of the stage. */
  readonly dimensions: { ApiName: string; Stage: string };
  private readonly api: RestApi;
  private readonly gateway: GatewayDeclaration;

  constructor(scope: Construct, id: string, { name, logPrefix, key, gateway }: RestEntryProps) {
    super(scope, id);
    const settings = { retention: RetentionDays.THREE_MONTHS, removalPolicy: RemovalPolicy.DESTROY };
    const addLog = (id: string, logGroupName: string) =>
      new LogGroup(this, id, { logGroupName, encryptionKey: key, ...settings });
    const accessLog = addLog('AccessLog', `${logPrefix}/gateway`);
    this.api = new RestApi(this, 'Api', {
      restApiName: name,
      endpointTypes: [EndpointType.REGIONAL],
      // A stack of its own sets the account's role: CDK would do it here, for every API anew.
      cloudWatchRole: false,
      // Answers may be bytes: a forwarded API's.
      ...(gateway.login ? { binaryMediaTypes: ['*/*'] } : {}),
      deployOptions: {
        stageName: STAGE,
        accessLogDestination: new LogGroupLogDestination(accessLog),
        accessLogFormat: ACCESS_LOG_FORMAT,
        // Errors only, never bodies: the log would hold what no log may.
        loggingLevel: MethodLoggingLevel.ERROR,
        dataTraceEnabled: false,
        metricsEnabled: true,
        // X-Ray would keep each URL, with the path and the query, and the address of who asked.
        tracingEnabled: false,
        ...THROTTLE,
      },
    });
    const { defaultChild } = this.api.node;
    if (defaultChild instanceof CfnRestApi) {
      defaultChild.securityPolicy = SECURITY_POLICY;
      // A custom domain of another kind, or a name that differs from the one in TLS, would be refused by STRICT.
      defaultChild.endpointAccessMode = gateway.endpointAccessMode;
    }
    // API Gateway would make this one itself, without a key and without an end.
    const executionLog = addLog('ExecutionLog', `${EXECUTION_LOG_PREFIX}${this.api.restApiId}/${STAGE}`);
    this.api.deploymentStage.node.addDependency(executionLog);
    answerWithProblem(this.api, 'Refused', ResponseType.DEFAULT_4XX);
    answerWithProblem(this.api, 'Failed', ResponseType.DEFAULT_5XX);
    this.gateway = gateway;
    this.dimensions = { ApiName: name, Stage: STAGE };
    this.url = `https://${this.api.restApiId}.execute-api.${Stack.of(this).region}.amazonaws.com/${STAGE}`;
  }

  /**
   * Adds the routes: the declared ones, authorised by SigV4, by the shipped authorizer or by the guard before the function's code, and
   * those of user login, which browsers call and whose functions check session, state or logout token (docs/decisions/login-routes.md). API Gateway checks that path
   * parameters are there.
   */
  addRoutes(functions: ReadonlyMap<string, IFunction>): void {
    const { routes, login } = this.gateway;
    const requestValidator = this.api.addRequestValidator('Parameters', {
      requestValidatorName: 'parameters',
      validateRequestParameters: true,
      validateRequestBody: true,
    });
    const validator = functions.get(AUTHORIZER_FUNCTION);
    const helseid = validator && {
      authorizationType: AuthorizationType.CUSTOM,
      authorizer: new RequestAuthorizer(this, 'Authorizer', {
        handler: validator,
        identitySources: [IdentitySource.header('Authorization')],
        // A cached answer would let a stolen token pass without a proof.
        resultsCacheTtl: Duration.seconds(0),
      }),
    };
    if (helseid) challengeCallers(this.api);
    if (login) answerWithPage(this.api);
    const add = (
      route: Omit<LoginRoute, 'function'> & { function: string },
      authorization: MethodOptions,
    ) => {
      const handler = required(functions.get(route.function), `The function ${route.function}`);
      const integration = new LambdaIntegration(handler, {
        allowTestInvoke: false,
        ...(route.streamed ? STREAMED : {}),
      });
      this.api.root.resourceForPath(route.path).addMethod(route.method, integration, {
        ...authorization,
        requestValidator,
        requestParameters: pathParameters(route.path),
      });
    };
    const sigV4 = { authorizationType: AuthorizationType.IAM };
    const open = { authorizationType: AuthorizationType.NONE };
    for (const route of routes) {
      const byAuthorizer = () => required(helseid, `The authorizer of ${route.path}`);
      add(route, { iam: () => sigV4, webhook: () => open, helseid: byAuthorizer }[route.authorize]());
    }
    for (const route of login ? loginRoutes(login) : []) add(route, open);
  }
}

function pathParameters(path: string): Record<string, boolean> {
  return Object.fromEntries(
    [...path.matchAll(/\{(\w+)\+?\}/g)].map(([, name]) => [`method.request.path.${name}`, true]),
  );
}

/** What API Gateway itself refuses is answered as problem+json (RFC 9457), like everything the functions refuse. */
function answerWithProblem(api: RestApi, id: string, type: ResponseType, headers = {}): void {
  const problem = { 'Content-Type': "'application/problem+json'", 'Cache-Control': "'no-store'" };
  api.addGatewayResponse(id, {
    type,
    responseHeaders: { ...problem, ...headers },
    templates: { 'application/json': '{"type":"about:blank","title":$context.error.messageString}' },
  });
}

/**
 * Says how to authenticate where the shipped authorizer refuses (RFC 9449 7.1): a general challenge with a 401, and with a
 * 403 the one it made for the request.
 */
export function challengeCallers(api: RestApi): void {
  const challenge = (value: string) => ({ 'WWW-Authenticate': value });
  answerWithProblem(api, 'Unauthorized', ResponseType.UNAUTHORIZED, challenge(`'${GENERAL_CHALLENGE}'`));
  answerWithProblem(api, 'Denied', ResponseType.ACCESS_DENIED, challenge('context.authorizer.challenge'));
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
