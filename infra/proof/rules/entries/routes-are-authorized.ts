import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import type { ZoneDeclaration } from '../../../declaration/schema.ts';
import { stringOf } from '../../assembly/json.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import type { ProofInput, Rule } from '../rule.ts';

/** Every method of an API is a declared route, authorised as declared; an authorizer's answer is good for one request. */
export const routesAreAuthorized: Rule = {
  name: 'routes-are-authorized',
  invariant: 'I8',
  title:
    'Every method of an API is a declared route, authorised as declared; an authorizer’s answer is never cached.',
  check: (input) => [
    ...resourcesOfType(input.assembly, 'AWS::ApiGateway::Method').flatMap((method) =>
      routeProblem(method, input).map((problem) => violation(method, problem)),
    ),
    ...resourcesOfType(input.assembly, 'AWS::ApiGateway::Authorizer').flatMap((authorizer) =>
      authorizer.properties.AuthorizerResultTtlInSeconds === 0
        ? []
        : [violation(authorizer, 'is cached, so that a stolen token passes without a proof')],
    ),
    ...resourcesOfType(input.assembly, 'AWS::ApiGateway::RestApi').flatMap((api) =>
      api.properties.Body === undefined &&
      api.properties.BodyS3Location === undefined &&
      api.properties.Policy === undefined
        ? []
        : [violation(api, 'has routes or a policy in a document that the proof does not read')],
    ),
  ],
};

function routeProblem(method: ResolvedResource, input: ProofInput): string[] {
  const { HttpMethod, AuthorizationType, ResourceId, AuthorizerId } = method.properties;
  const path = pathOf(stringOf(ResourceId) ?? '', input);
  const expected = routesOf(input.declaration.zones[method.zone ?? '']).find(
    (route) => route.method === HttpMethod && route.path === path,
  );
  if (expected === undefined) return [`${String(HttpMethod)} ${path || '/'} is not a declared route`];
  const { type } = expected;
  const own = resourcesOfType(input.assembly, 'AWS::ApiGateway::Authorizer').some(
    ({ physicalId, stack }) => physicalId === AuthorizerId && stack === method.stack,
  );
  return [
    ...(AuthorizationType === type
      ? []
      : [`${String(HttpMethod)} ${path} is authorised by ${String(AuthorizationType)}, not by ${type}`]),
    ...(type === 'CUSTOM' && !own
      ? [`${String(HttpMethod)} ${path} asks another authorizer than its zone’s`]
      : []),
  ];
}

/** Open are the routes of user login alone, whose functions check the cookie: whatever else a declaration says of a route, it is closed. */
function routesOf(zone: ZoneDeclaration | undefined) {
  const { routes = [], login } = zone?.gateway ?? {};
  const closed = routes.map((route) => ({
    ...route,
    type: route.authorize === 'helseid' ? 'CUSTOM' : 'AWS_IAM',
  }));
  const open = login === undefined ? [] : loginRoutes(login).map((route) => ({ ...route, type: 'NONE' }));
  return [...closed, ...open].map(({ method, path, type }) => ({ method: String(method), path, type }));
}

function pathOf(id: string, input: ProofInput): string {
  const part = resourcesOfType(input.assembly, 'AWS::ApiGateway::Resource').find(
    ({ physicalId }) => physicalId === id,
  );
  return part === undefined
    ? ''
    : `${pathOf(String(part.properties.ParentId), input)}/${String(part.properties.PathPart)}`;
}

function violation({ constructPath, stack }: ResolvedResource, problem: string) {
  return {
    resource: constructPath,
    message: `${constructPath}: ${problem}.`,
    path: ['whoever calls the API', constructPath, stack],
    remedy: 'Declare the route in zones.ts, with authorize iam or helseid, or as a route of user login.',
  };
}
