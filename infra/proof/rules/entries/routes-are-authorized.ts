import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import { functionName } from '../../../declaration/names.ts';
import type { ZoneDeclaration } from '../../../declaration/schema.ts';
import { integratedFunction, pathsOf } from '../../assembly/apis.ts';
import { type JsonObject, objectOf } from '../../assembly/json.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { namedActions } from '../../assembly/roles.ts';
import { hasUnknown } from '../../assembly/unknown.ts';
import { type Problems, type ProofInput, type Rule, resourceRule } from '../rule.ts';
import { isGuarded } from '../targets.ts';

/** Every method of an API is a declared route, authorised as declared, to the declared function; API Gateway answers preflights itself, but for open routes. */
export const routesAreAuthorized: Rule = resourceRule({
  name: 'routes-are-authorized',
  invariant: 'I8',
  title:
    'Every method of an API is a declared route, authorised as declared, to the declared function, or answers a preflight (CORS) beside closed routes, without cookies; an authorizer is a function of its own zone.',
  of: ['AWS::ApiGateway::Method', 'AWS::ApiGateway::Authorizer', 'AWS::ApiGateway::RestApi'],
  problems: (resource, input) => {
    const { type, properties, stack } = resource;
    if (type === 'AWS::ApiGateway::Method') return routeProblems(resource, input);
    const { AuthorizerUri, Policy } = properties;
    return type === 'AWS::ApiGateway::Authorizer'
      ? [
          !ownFunction(AuthorizerUri, stack, input) &&
            `asks ${String(AuthorizerUri)}, which is not of its own zone`,
        ]
      : [Policy !== undefined && namedActions(Policy).length > 0 && 'has a policy that lets somebody in'];
  },
  subject: ({ constructPath }) => `${constructPath}:`,
  path: ({ constructPath, stack }) => ['whoever calls the API', constructPath, stack],
  remedy: 'Declare the route in zones.ts, with authorize iam or helseid, or as a route of user login.',
});

function routeProblems({ properties, zone, stack }: ResolvedResource, input: ProofInput): Problems {
  const { HttpMethod, AuthorizationType, ResourceId, AuthorizerId, Integration } = properties;
  const path = pathsOf(input.assembly).get(String(ResourceId)) ?? '';
  const route = `${String(HttpMethod)} ${path || '/'}`;
  const here = routesOf(input.declaration.zones[zone ?? '']).filter((declared) => declared.path === path);
  // API Gateway answers a preflight (CORS) itself.
  if (HttpMethod === 'OPTIONS' && objectOf(Integration).Type === 'MOCK')
    return [
      here.some(({ type }) => type === 'NONE') &&
        `${route} answers a preflight of a route that is open, and may let pages of other origins call it`,
      grantsCredentials(properties) && `${route} may let pages of other origins send cookies, or set one`,
    ];
  const expected = here.find((declared) => declared.method === HttpMethod);
  if (expected === undefined) return [`${route} is not a declared route`];
  const { type, authorize } = expected;
  const handler = functionName(input.declaration.name, zone ?? '', expected.function);
  const { Type: kind, Uri } = objectOf(Integration);
  // Of another type API Gateway may answer itself, whatever function is named.
  const called = kind === 'AWS_PROXY' ? ownFunction(Uri, stack, input) : undefined;
  const own = resourcesOfType(input.assembly, 'AWS::ApiGateway::Authorizer').some(
    (authorizer) => authorizer.physicalId === AuthorizerId && authorizer.stack === stack,
  );
  return [
    AuthorizationType !== type && `${route} is authorised by ${String(AuthorizationType)}, not by ${type}`,
    called?.physicalId !== handler &&
      `${route} is answered by ${called?.physicalId ?? 'no function of its zone'}, not by ${handler}`,
    authorize === 'webhook' &&
      !isGuarded(called?.arn, input.assembly) &&
      `${route} is open and leads to a function without the guard of webhooks`,
    type === 'CUSTOM' && !own && `${route} asks another authorizer than its zone’s`,
  ];
}

/** Whether the answer to a preflight lets cookies be sent, or may: by a header, or a template that writes other headers than the CDK's. */
function grantsCredentials(properties: JsonObject): boolean {
  const text = JSON.stringify(properties).replaceAll(
    '$context.responseOverride.header.Access-Control-Allow-Origin',
    '',
  );
  return /allow-credentials|set-cookie|\$!?\{?context/i.test(text) || hasUnknown(text);
}

/** The function of the same stack that the URI of an integration or authorizer leads to. */
function ownFunction(uri: unknown, stack: string, { assembly }: ProofInput): ResolvedResource | undefined {
  const arn = integratedFunction(uri)?.arn;
  return resourcesOfType(assembly, 'AWS::Lambda::Function').find(
    (fn) => fn.arn === arn && fn.stack === stack,
  );
}

/**
 * Open are the routes of user login, whose functions check the cookie, and of webhooks, which a guard checks before the function:
 * whatever else a declaration says of a route, it is closed.
 */
function routesOf(zone: ZoneDeclaration | undefined) {
  const { routes = [], login } = zone?.gateway ?? {};
  const closed = routes.map((route) => ({
    ...route,
    type: { helseid: 'CUSTOM', webhook: 'NONE' }[String(route.authorize)] ?? 'AWS_IAM',
  }));
  const open =
    login === undefined
      ? []
      : loginRoutes(login).map((route) => ({ ...route, type: 'NONE', authorize: 'login' }));
  return [...closed, ...open].map((route) => ({ ...route, method: String(route.method) }));
}
