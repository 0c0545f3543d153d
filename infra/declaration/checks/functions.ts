import { ownVariable } from '@helseid-zones/protocol/names';
import { functionOf, isShared } from '../function-resources.ts';
import { REQUEST_TIMEOUT_SECONDS } from '../function-schema.ts';
import { takesWebhooks } from '../names.ts';
import { type Problem, problemsOf, repeated } from '../problem.ts';
import { apiVariables, foreignCode } from '../runtimes.ts';
import type { FunctionDeclaration, SystemDeclaration, ZoneDeclaration } from '../schema.ts';

/** What functions have of their own belongs to functions that are started, and names what is there. */
export function checkFunctions(system: SystemDeclaration): Problem[] {
  return Object.entries(system.zones).flatMap(([zone, declared]) =>
    Object.entries(declared.functions).flatMap(([name, of]) => {
      const field = `zones.${zone}.functions.${name}`;
      return [
        ...problemsOf({
          [field]:
            declared.admin &&
            'is in the admin zone, whose functions the system places: declare it in another zone',
        }),
        ...checkCode(field, declared, name, of),
        ...checkStart(field, declared, name, of),
        ...checkTables(field, declared, name, of),
        ...checkQueues(field, declared, of),
        ...checkVariables(`${field}.environment`, of, Object.keys(apiVariables(system, declared, name))),
      ];
    }),
  );
}

function checkCode(field: string, zone: ZoneDeclaration, name: string, of: FunctionDeclaration): Problem[] {
  const { runtime, code, handler } = of;
  const ofOthers =
    !runtime &&
    `is for functions in other languages: name their runtime too, or leave it out, for functions/${name}/handler.ts is compiled`;
  const example = runtime?.startsWith('java')
    ? 'example.Handler::handleRequest'
    : 'Assembly::Namespace.Class::Method';
  return problemsOf({
    [`${field}.code`]: code && ofOthers,
    [`${field}.handler`]:
      (handler && ofOthers) ||
      (foreignCode(zone, name)?.handler === '' &&
        `is missing, and ${runtime} has none by itself: write ${example}, as Lambda names it`),
    [`${field}.runtime`]:
      runtime &&
      takesWebhooks(zone, name) &&
      `is ${runtime}, and a route with authorize: 'webhook' leads to ${name}, whose guard is compiled with a handler.ts: leave the route to such a function`,
  });
}

/** Whichever functions routes and the zone's events name that have nothing of their own: one may be misspelt. */
function startedBesides({ gateway, events, functions }: ZoneDeclaration): string {
  const named = [...(gateway?.routes ?? []), ...(events ? [events] : [])].map((one) => one.function);
  const others = named.filter((name) => !Object.hasOwn(functions, name));
  return others.length > 0 ? ` (they start ${others.join(', ')}: is that its name?)` : '';
}

function checkStart(field: string, zone: ZoneDeclaration, name: string, of: FunctionDeclaration): Problem[] {
  const { schedules, events, reads, timeout = 0 } = of;
  const routed = zone.gateway?.routes.some((route) => route.function === name);
  const takesEvents = zone.events?.function === name;
  const started = routed || takesEvents || events || reads.length > 0 || Object.keys(schedules).length > 0;
  return problemsOf({
    [field]:
      !started &&
      `is started by nothing: give it schedules, events or reads, or a route in gateway.routes${startedBesides(zone)}`,
    [`${field}.events`]:
      events && takesEvents && `is there and so is the zone's own events for ${name}: put both into one`,
    [`${field}.timeout`]:
      routed &&
      timeout > REQUEST_TIMEOUT_SECONDS &&
      `must be at most ${REQUEST_TIMEOUT_SECONDS} seconds, since a route leads to it and API Gateway waits 29: leave longer work to a function with events or reads`,
  });
}

function checkTables(field: string, zone: ZoneDeclaration, name: string, { tables }: FunctionDeclaration) {
  const each = Object.entries(tables).flatMap(([table, declared]) => {
    const at = `${field}.tables.${table}`;
    if (declared === 'cdk') return [];
    if (isShared(declared)) {
      const owned = functionOf(zone, declared.of)?.tables[table];
      return problemsOf({
        [`${at}.of`]:
          (!owned || isShared(owned)) &&
          `is ${declared.of}, which has no table ${table}: name the function of this zone that declares its keys`,
      });
    }
    const { partitionKey, sortKey, ttl } = declared;
    const names = [partitionKey.name, sortKey?.name, ttl].filter((one) => one !== undefined);
    return repeated(names).map((index) => ({
      field: at,
      message: `has ${names[index]} twice; partitionKey, sortKey and ttl are different attributes`,
    }));
  });
  const own = problemsOf({
    [`${field}.tables.idempotency`]:
      zone.events?.function === name &&
      Object.hasOwn(tables, 'idempotency') &&
      "is there already, for the zone's events: leave it out, IDEMPOTENCY_TABLE names it",
  });
  return [...each, ...own];
}

function checkQueues(field: string, { functions }: ZoneDeclaration, of: FunctionDeclaration): Problem[] {
  const { queues, reads, secrets } = of;
  const all = Object.values(functions);
  const twice = Object.entries({ queues, reads, secrets }).flatMap(([what, list]) =>
    repeated(list).map((index) => ({ field: `${field}.${what}[${index}]`, message: 'is named twice' })),
  );
  const sent = queues.flatMap((queue, index) => {
    const readers = all.filter((other) => other.reads.includes(queue)).length;
    return problemsOf({
      [`${field}.queues[${index}]`]: [
        readers === 0 &&
          `is read by nothing, so what is sent to it would lie there: add reads: ['${queue}'] to a function of the zone`,
        readers > 1 && `is read by ${readers} functions, each of which would get a part: leave one`,
      ],
    });
  });
  const read = reads.flatMap((queue, index) =>
    problemsOf({
      [`${field}.reads[${index}]`]:
        !all.some((other) => other.queues.includes(queue)) &&
        `is a queue that nothing sends to: add queues: ['${queue}'] to a function of the zone`,
    }),
  );
  return [...twice, ...sent, ...read];
}

function checkVariables(field: string, of: FunctionDeclaration, apis: readonly string[]): Problem[] {
  const { environment, tables, queues, secrets, clientKeys } = of;
  const own = new Map([
    ...apis.map((name) => [name, 'an API of its grants'] as const),
    ...Object.keys(tables).map((name) => [ownVariable('table', name), `tables.${name}`] as const),
    ...queues.map((name) => [ownVariable('queue', name), `queues (${name})`] as const),
    ...secrets.map((name) => [ownVariable('secret', name), `secrets (${name})`] as const),
    ...Object.keys(clientKeys).map(
      (name) => [ownVariable('client-keys', name), `clientKeys.${name}`] as const,
    ),
  ]);
  return Object.keys(environment).flatMap((name) => {
    const thing = own.get(name);
    const message = thing && `is the variable of ${thing}: choose another name`;
    return problemsOf({ [`${field}.${name}`]: message });
  });
}
