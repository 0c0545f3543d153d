import { ZonesError } from '@helseid-zones/protocol/errors';
import { loginRoutes, STREAM_SECONDS } from '@helseid-zones/protocol/login-routes';
import { Duration } from 'aws-cdk-lib';
import {
  AuthorizationType,
  type IAuthorizer,
  IdentitySource,
  LambdaIntegration,
  type MethodOptions,
  RequestAuthorizer,
  ResponseTransferMode,
  type RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { AUTHORIZER_FUNCTION } from '../declaration/fields.ts';
import type { Route, ZoneDeclaration } from '../declaration/schema.ts';
import { answerWithPage, challengeCallers } from './gateway.ts';

/** A route with how it is authorised; `session` is for the function to do, by cookie. */
interface PlannedRoute {
  method: string;
  path: string;
  function: string;
  authorize: Route['authorize'] | 'session';
  streamed?: true;
}

/** Lambda invoked with a response stream, and as long as a streamed answer may take. */
const STREAMED = {
  responseTransferMode: ResponseTransferMode.STREAM,
  timeout: Duration.seconds(STREAM_SECONDS),
};

/**
 * Adds a zone's routes to its API: the declared ones, authorised by SigV4 or by the shipped authorizer, and those of user
 * login, which browsers call and whose functions check session, state or logout token (docs/decisions/login-routes.md). API
 * Gateway checks that path parameters are there.
 */
export function addRoutes(
  scope: Construct,
  api: RestApi,
  gateway: NonNullable<ZoneDeclaration['gateway']>,
  functions: ReadonlyMap<string, IFunction>,
): void {
  const validator = api.addRequestValidator('Parameters', {
    requestValidatorName: 'parameters',
    validateRequestParameters: true,
    validateRequestBody: true,
  });
  const authorizer = createAuthorizer(scope, functions.get(AUTHORIZER_FUNCTION));
  if (authorizer) challengeCallers(api);
  if (gateway.login) answerWithPage(api);
  for (const route of planRoutes(gateway)) {
    const handler = functions.get(route.function);
    if (!handler)
      throw new ZonesError(
        'declaration_invalid',
        `Route ${route.path}: the zone has no function ${route.function}.`,
      );
    const integration = new LambdaIntegration(handler, {
      allowTestInvoke: false,
      ...(route.streamed ? STREAMED : {}),
    });
    api.root.resourceForPath(route.path).addMethod(route.method, integration, {
      ...authorization(route, authorizer),
      requestValidator: validator,
      requestParameters: pathParameters(route.path),
    });
  }
}

function planRoutes({ routes, login }: NonNullable<ZoneDeclaration['gateway']>): PlannedRoute[] {
  const ofLogin = login ? loginRoutes(login) : [];
  const closed = routes.map((route) => ({
    ...route,
    authorize: route.authorize === 'helseid' ? ('helseid' as const) : ('iam' as const),
  }));
  return [...closed, ...ofLogin.map((route) => ({ ...route, authorize: 'session' as const }))];
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

function authorization(route: PlannedRoute, authorizer: IAuthorizer | undefined): MethodOptions {
  if (route.authorize === 'session') return { authorizationType: AuthorizationType.NONE };
  if (route.authorize === 'helseid' && authorizer)
    return { authorizationType: AuthorizationType.CUSTOM, authorizer };
  return { authorizationType: AuthorizationType.IAM };
}

function pathParameters(path: string): Record<string, boolean> {
  return Object.fromEntries(
    [...path.matchAll(/\{(\w+)\+?\}/g)].map(([, name]) => [`method.request.path.${name}`, true]),
  );
}
