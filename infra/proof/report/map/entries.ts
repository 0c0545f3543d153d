import type { LoginFunction } from '@helseid-zones/protocol/login-routes';
import { integratedFunction, pathsOf } from '../../assembly/apis.ts';
import { listOf, objectOf, stringOf, stringsOf } from '../../assembly/json.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { decide, type World } from '../../policy/index.ts';
import { isGuarded } from '../../rules/targets.ts';
import type { MapCall, NodeKind } from './model.ts';

/** A way into a zone: what comes in, and the functions that it starts. */
export interface Entry {
  id: string;
  kind: Extract<NodeKind, 'route' | 'events' | 'schedule' | 'queue'>;
  stack: string;
  label: string;
  notes: readonly string[];
  resources: readonly string[];
  /** ARNs of the functions it starts. */
  functions: readonly string[];
  /** The service that starts them, as a principal; undefined where the function itself fetches. */
  service: string | undefined;
}

/** Everything that starts a function: API routes, events through a queue, other queues, schedules, the rotation of a secret. */
export function readEntries(assembly: ResolvedAssembly): Entry[] {
  return [
    ...readRoutes(assembly),
    ...resourcesOfType(assembly, 'AWS::Events::Rule').map((rule) => readRule(rule, assembly)),
    ...readQueues(assembly),
    ...resourcesOfType(assembly, 'AWS::SecretsManager::RotationSchedule').map(readRotation),
  ];
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
  const login = Object.entries(LOGIN_CALLERS).find(([name]) => target.endsWith(`-${name}`));
  if (authorization === 'NONE' && login === undefined && isGuarded(target, assembly))
    return 'webhooks signed by HMAC';
  if (authorization === 'NONE') return login?.[1] ?? 'anybody: no authorizer';
  return CALLERS[authorization] ?? `authorized by ${authorization}`;
}

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
      {
        id: `route:${String(RestApiId)} ${label}`,
        kind: 'route',
        stack: method.stack,
        label,
        notes: [callersOf(String(AuthorizationType), target, assembly)],
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
  return whole(`${method} ${path}`);
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
      ...{ label: whole(schedule), notes: [] },
      resources: [rule.constructPath],
      functions: targets.filter(isFunction),
      service: 'events.amazonaws.com',
    };
  const { source, 'detail-type': detailType, detail } = objectOf(EventPattern);
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
      ...(detail === undefined ? [] : [`of a certain ${Object.keys(objectOf(detail)).join(', ')}`]),
      ...(mappings.length > 0 ? ['through a queue'] : []),
    ],
    resources: [rule, ...mappings].map(({ constructPath }) => constructPath),
    functions: [...direct, ...mappings.map(({ properties }) => functionArn(properties.FunctionName, rule))],
    service: direct.length > 0 ? 'events.amazonaws.com' : undefined,
  };
}

/** Queues that functions read and no rule fills. */
function readQueues(assembly: ResolvedAssembly): Entry[] {
  const filled = resourcesOfType(assembly, 'AWS::Events::Rule').flatMap(({ properties }) =>
    listOf(properties.Targets).map((target) => objectOf(target).Arn),
  );
  return resourcesOfType(assembly, 'AWS::Lambda::EventSourceMapping')
    .filter(({ properties }) => !filled.includes(properties.EventSourceArn))
    .map((mapping) => {
      const { EventSourceArn, FunctionName } = mapping.properties;
      const queue = String(EventSourceArn);
      return {
        ...{ id: queue, kind: 'queue', stack: mapping.stack, resources: [mapping.constructPath] },
        label: queue.split(':').at(-1)?.split('-').slice(2).join('-') ?? queue,
        notes: ['queue of the zone'],
        functions: [functionArn(FunctionName, mapping)],
        service: undefined,
      };
    });
}

function readRotation({ properties, stack, constructPath, logicalId }: ResolvedResource): Entry {
  const rules = objectOf(properties.RotationRules);
  const name = /:secret:(.+)-[A-Za-z0-9]{6}$/.exec(String(properties.SecretId))?.[1];
  return {
    id: `rotation:${stack}/${logicalId}`,
    kind: 'schedule',
    stack,
    label: `rotation of ${name ?? 'a record'}`,
    notes: [
      whole(stringOf(rules.ScheduleExpression) ?? `rate(${String(rules.AutomaticallyAfterDays)} days)`),
    ],
    resources: [constructPath],
    functions: stringsOf(properties.RotationLambdaARN),
    service: 'secretsmanager.amazonaws.com',
  };
}

/** A text that is not broken at its blanks. */
function whole(text: string): string {
  return text.replaceAll(' ', '\u00a0');
}

function isFunction(arn: string): boolean {
  return arn.split(':')[2] === 'lambda';
}

function functionArn(name: unknown, { account, region }: ResolvedResource): string {
  const text = String(name);
  return text.startsWith('arn:') ? text : `arn:aws:lambda:${region}:${account}:function:${text}`;
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
