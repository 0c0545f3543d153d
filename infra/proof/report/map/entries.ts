import type { LoginFunction } from '@helseid-zones/protocol/login-routes';
import { integratedFunction, pathsOf } from '../../assembly/apis.ts';
import { listOf, objectOf, stringOf, stringsOf } from '../../assembly/json.ts';
import { functionArn } from '../../assembly/physical.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { decide } from '../../policy/decide.ts';
import type { World } from '../../policy/world/world.ts';
import { isGuarded } from '../../rules/targets.ts';
import { type MapCall, type MapNode, OUTSIDE } from './model.ts';

/** A way into a zone: what comes in, and the functions that it starts. */
export interface Entry extends MapNode {
  stack: string;
  /** ARNs of the functions it starts. */
  functions: readonly string[];
  /** The service that starts them, as a principal; undefined where the function itself fetches. */
  service: string | undefined;
}

/** Everything that starts a function: API routes, events through a queue, other queues, schedules, the rotation of a secret. */
export function readEntries(assembly: ResolvedAssembly): Entry[] {
  const mappings = resourcesOfType(assembly, 'AWS::Lambda::EventSourceMapping');
  const rules = resourcesOfType(assembly, 'AWS::Events::Rule');
  const filled = rules.flatMap(targetsOf);
  return [
    ...readRoutes(assembly),
    ...rules.map((rule) => readRule(rule, mappings)),
    ...mappings
      .filter(({ properties }) => !filled.includes(String(properties.EventSourceArn)))
      .map(readQueue),
    ...resourcesOfType(assembly, 'AWS::SecretsManager::RotationSchedule').map(readRotation),
  ];
}

type Given = Pick<Entry, 'id' | 'kind' | 'label' | 'notes' | 'functions' | 'service'>;

/** The entry that a resource, and others beside it, make. */
function entryOf(resource: ResolvedResource, given: Given, others: readonly ResolvedResource[] = []): Entry {
  const { stack, zone = OUTSIDE } = resource;
  const resources = [resource, ...others].map(({ constructPath }) => constructPath);
  return { ...given, stack, zone, resources, violated: false };
}

/** Who may call a route, by its authorization. */
const CALLERS: Readonly<Record<string, string>> = {
  AWS_IAM: 'callers signed with IAM',
  CUSTOM: 'access token and DPoP proof',
};

/** Who gets past the functions of a login, whose routes have no authorizer: they check it themselves. */
const LOGIN_CALLERS: Readonly<Record<LoginFunction, string>> = {
  login: 'any browser',
  callback: 'browsers back from a login',
  session: 'browsers with a session',
  logout: 'browsers, and the issuer',
  api: 'browsers with a session',
};

function callersOf(authorization: string, target: string, assembly: ResolvedAssembly): string {
  if (authorization !== 'NONE') return CALLERS[authorization] ?? `authorized by ${authorization}`;
  const login = Object.entries(LOGIN_CALLERS).find(([name]) => target.endsWith(`-${name}`));
  if (login !== undefined) return login[1];
  return isGuarded(target, assembly) ? 'webhooks signed by HMAC' : 'anybody: no authorizer';
}

/** Routes; those that lead to the same functions under the same authorization are one way in, with several names. */
function readRoutes(assembly: ResolvedAssembly): Entry[] {
  const paths = pathsOf(assembly);
  const authorizers = new Map(
    resourcesOfType(assembly, 'AWS::ApiGateway::Authorizer').map((authorizer) => [
      authorizer.physicalId,
      integratedFunction(authorizer.properties.AuthorizerUri)?.arn,
    ]),
  );
  const routes = resourcesOfType(assembly, 'AWS::ApiGateway::Method').flatMap((method): Entry[] => {
    const { HttpMethod, ResourceId, RestApiId, AuthorizationType, AuthorizerId, Integration } =
      method.properties;
    const target = integratedFunction(objectOf(Integration).Uri)?.arn;
    if (target === undefined) return [];
    const label = routeLabel(String(HttpMethod), paths.get(String(ResourceId)) ?? '/');
    return [
      entryOf(method, {
        id: `route:${String(RestApiId)} ${label}`,
        kind: 'route',
        label,
        notes: [callersOf(String(AuthorizationType), target, assembly)],
        functions: [target, ...stringsOf(authorizers.get(String(AuthorizerId)))],
        service: 'apigateway.amazonaws.com',
      }),
    ];
  });
  const alike = Map.groupBy(routes, (route) => [route.stack, ...route.functions, ...route.notes].join(' '));
  return [...alike.values()].flatMap((group) =>
    group.slice(0, 1).map((first) => ({
      ...first,
      label: group.map(({ label }) => label).join(', '),
      resources: group.flatMap(({ resources }) => resources),
    })),
  );
}

/** How a route is written: the blank does not break. */
export function routeLabel(method: string, path: string): string {
  return whole(`${method} ${path}`);
}

function targetsOf({ properties }: ResolvedResource): string[] {
  return listOf(properties.Targets).map((target) => String(objectOf(target).Arn));
}

function readRule(rule: ResolvedResource, allMappings: readonly ResolvedResource[]): Entry {
  const { EventPattern, ScheduleExpression } = rule.properties;
  const targets = targetsOf(rule);
  const direct = targets.filter((arn) => arn.split(':')[2] === 'lambda');
  const id = `rule:${rule.arn ?? rule.physicalId}`;
  const service = 'events.amazonaws.com';
  if (typeof ScheduleExpression === 'string') {
    const label = whole(ScheduleExpression);
    return entryOf(rule, { id, kind: 'schedule', label, notes: [], functions: direct, service });
  }
  const { source, 'detail-type': detailType, detail } = objectOf(EventPattern);
  const mappings = allMappings.filter(({ properties }) =>
    targets.includes(String(properties.EventSourceArn)),
  );
  const given: Given = {
    id,
    kind: 'events',
    label: stringsOf(detailType).join(', ') || 'events',
    notes: [
      `events from ${stringsOf(source).join(', ') || 'any source'}`,
      ...(detail === undefined ? [] : [`of a certain ${Object.keys(objectOf(detail)).join(', ')}`]),
      ...(mappings.length > 0 ? ['through a queue'] : []),
    ],
    functions: [...direct, ...mappings.map(mappedFunction)],
    service: direct.length > 0 ? service : undefined,
  };
  return entryOf(rule, given, mappings);
}

/** A queue that a function reads and no rule fills. */
function readQueue(mapping: ResolvedResource): Entry {
  const id = String(mapping.properties.EventSourceArn);
  const label = id.split(':').at(-1)?.split('-').slice(2).join('-') ?? id;
  const of = { functions: [mappedFunction(mapping)], service: undefined };
  return entryOf(mapping, { id, kind: 'queue', label, notes: ['queue of the zone'], ...of });
}

function readRotation(rotation: ResolvedResource): Entry {
  const { SecretId, RotationRules, RotationLambdaARN } = rotation.properties;
  const { ScheduleExpression, AutomaticallyAfterDays: days } = objectOf(RotationRules);
  const name = /:secret:(.+)-[A-Za-z0-9]{6}$/.exec(String(SecretId))?.[1];
  return entryOf(rotation, {
    id: `rotation:${rotation.stack}/${rotation.logicalId}`,
    kind: 'schedule',
    label: `rotation of ${name ?? 'a record'}`,
    notes: [whole(stringOf(ScheduleExpression) ?? `rate(${String(days)} days)`)],
    functions: stringsOf(RotationLambdaARN),
    service: 'secretsmanager.amazonaws.com',
  });
}

/** A text that is not broken at its blanks. */
const whole = (text: string): string => text.replaceAll(' ', '\u00a0');

function mappedFunction(mapping: ResolvedResource): string {
  return functionArn(mapping, String(mapping.properties.FunctionName));
}

/** The starts that the functions' own policies, or for what they fetch themselves the mapping, permit. */
export function startCalls({ id, functions, service }: Entry, world: World): MapCall[] {
  const mayStart = (resource: string) =>
    service === undefined ||
    decide({ principal: { kind: 'service', service }, action: 'lambda:InvokeFunction', resource }, world)
      .verdict !== 'never';
  return functions
    .filter(mayStart)
    .map((to) => ({ from: id, to, verb: 'start', through: service ?? 'a queue', violated: false }));
}
