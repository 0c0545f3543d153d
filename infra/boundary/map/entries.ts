import { listOf, objectOf, stringOf, stringsOf } from '../json.ts';
import { decide, type World } from '../policy/index.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../resolve.ts';
import type { MapCall, NodeKind } from './model.ts';

/** A way into a zone: what comes in, and the functions that it starts. */
export interface Entry {
  id: string;
  kind: Extract<NodeKind, 'route' | 'events' | 'schedule'>;
  stack: string;
  label: string;
  notes: readonly string[];
  resources: readonly string[];
  /** ARNs of the functions it starts. */
  functions: readonly string[];
  /** The service that starts them, as a principal; undefined where the function itself fetches. */
  service: string | undefined;
}

/** Everything that starts a function: API routes, events through a queue, schedules, the rotation of a secret. */
export function readEntries(assembly: ResolvedAssembly): Entry[] {
  return [
    ...readRoutes(assembly),
    ...resourcesOfType(assembly, 'AWS::Events::Rule').map((rule) => readRule(rule, assembly)),
    ...resourcesOfType(assembly, 'AWS::SecretsManager::RotationSchedule').map(readRotation),
  ];
}

const INTEGRATION = /\/functions\/(arn:[^/]+)\/(?:response-streaming-)?invocations$/;

/** Who may call a route, by its authorization. */
const CALLERS: Readonly<Record<string, string>> = {
  NONE: 'open to browsers',
  AWS_IAM: 'callers signed with IAM',
  CUSTOM: 'access token and DPoP proof',
};

function readRoutes(assembly: ResolvedAssembly): Entry[] {
  const parts = new Map(
    resourcesOfType(assembly, 'AWS::ApiGateway::Resource').map((part) => [part.physicalId, part]),
  );
  const authorizers = new Map(
    resourcesOfType(assembly, 'AWS::ApiGateway::Authorizer').map((authorizer) => [
      authorizer.physicalId,
      INTEGRATION.exec(String(authorizer.properties.AuthorizerUri))?.[1],
    ]),
  );
  const pathOf = (id: string): string => {
    const part = parts.get(id);
    return part === undefined
      ? ''
      : `${pathOf(String(part.properties.ParentId))}/${String(part.properties.PathPart)}`;
  };
  const routes = resourcesOfType(assembly, 'AWS::ApiGateway::Method').flatMap((method): Entry[] => {
    const { HttpMethod, ResourceId, RestApiId, AuthorizationType, AuthorizerId, Integration } =
      method.properties;
    const target = INTEGRATION.exec(String(objectOf(Integration).Uri))?.[1];
    if (target === undefined) return [];
    const label = routeLabel(String(HttpMethod), pathOf(String(ResourceId)) || '/');
    const authorization = String(AuthorizationType);
    return [
      {
        id: `route:${String(RestApiId)} ${label}`,
        kind: 'route',
        stack: method.stack,
        label,
        notes: [CALLERS[authorization] ?? `authorized by ${authorization}`],
        resources: [method.constructPath],
        functions: [target, ...stringsOf(authorizers.get(String(AuthorizerId)))],
        service: 'apigateway.amazonaws.com',
      },
    ];
  });
  return joinRoutes(routes);
}

/** How a route is written: the blank does not break. */
export function routeLabel(method: string, path: string): string {
  return `${method}\u00a0${path}`;
}

/** Joins the routes that lead to the same functions under the same authorization: one way in, with several names. */
function joinRoutes(routes: readonly Entry[]): Entry[] {
  const groups = Map.groupBy(routes, ({ stack, functions, notes }) =>
    [stack, ...functions, ...notes].join(' '),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const label = group.map((route) => route.label).join(', ');
    return [{ ...first, label, resources: group.flatMap(({ resources }) => resources) }];
  });
}

function readRule(rule: ResolvedResource, assembly: ResolvedAssembly): Entry {
  const { EventPattern, ScheduleExpression, Targets } = rule.properties;
  const targets = listOf(Targets).map((target) => String(objectOf(target).Arn));
  const schedule = stringOf(ScheduleExpression);
  const common = { id: `rule:${rule.arn ?? rule.physicalId}`, stack: rule.stack };
  if (schedule !== undefined)
    return {
      ...common,
      kind: 'schedule',
      label: schedule,
      notes: ['schedule'],
      resources: [rule.constructPath],
      functions: targets.filter(isFunction),
      service: 'events.amazonaws.com',
    };
  const { source, 'detail-type': detailType } = objectOf(EventPattern);
  const mappings = resourcesOfType(assembly, 'AWS::Lambda::EventSourceMapping').filter(({ properties }) =>
    targets.includes(String(properties.EventSourceArn)),
  );
  const direct = targets.filter(isFunction);
  return {
    ...common,
    kind: 'events',
    label: stringsOf(detailType).join(', ') || 'events',
    notes: [
      `events from ${stringsOf(source).join(', ') || 'any source'}`,
      ...(mappings.length > 0 ? ['through a queue'] : []),
    ],
    resources: [rule, ...mappings].map(({ constructPath }) => constructPath),
    functions: [...direct, ...mappings.map(({ properties }) => functionArn(properties.FunctionName, rule))],
    service: direct.length > 0 ? 'events.amazonaws.com' : undefined,
  };
}

function readRotation({ properties, stack, constructPath, logicalId }: ResolvedResource): Entry {
  const rules = objectOf(properties.RotationRules);
  const name = /:secret:(.+)-[A-Za-z0-9]{6}$/.exec(String(properties.SecretId))?.[1];
  return {
    id: `rotation:${stack}/${logicalId}`,
    kind: 'schedule',
    stack,
    label: `rotation of ${name ?? 'a record'}`,
    notes: [stringOf(rules.ScheduleExpression) ?? `every ${String(rules.AutomaticallyAfterDays)} days`],
    resources: [constructPath],
    functions: stringsOf(properties.RotationLambdaARN),
    service: 'secretsmanager.amazonaws.com',
  };
}

function isFunction(arn: string): boolean {
  return arn.split(':')[2] === 'lambda';
}

function functionArn(name: unknown, { account, region }: ResolvedResource): string {
  const text = String(name);
  return text.startsWith('arn:') ? text : `arn:aws:lambda:${region}:${account}:function:${text}`;
}

/** The starts that the functions' own policies, or for what they fetch themselves the mapping, permit. */
export function startCalls({ id, functions, service, notes }: Entry, world: World): MapCall[] {
  return functions.flatMap((to): MapCall[] => {
    const action = 'lambda:InvokeFunction';
    const permitted =
      service === undefined ||
      decide({ principal: { kind: 'service', service }, action, resource: to }, world).verdict !== 'never';
    if (!permitted) return [];
    return [
      {
        ...{ from: id, to, verb: 'start', actions: service === undefined ? [] : [action] },
        ...{ through: service ?? 'a queue', endpoint: undefined, when: notes[0] ?? '', violated: false },
      },
    ];
  });
}
