import { takesWebhooks } from '../names.ts';
import { eventPatternOf, functionOf, isShared, ownVariable, REQUEST_TIMEOUT_SECONDS } from '../own.ts';
import { collect, type Problem, repeated, type Unless } from '../problem.ts';
import { apiVariables, foreignCode } from '../runtimes.ts';
import type { FunctionDeclaration, SystemDeclaration, ZoneDeclaration } from '../schema.ts';

/** What functions have of their own belongs to functions that are started, and names what is there. */
export function checkFunctions(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    for (const [zone, declared] of Object.entries(system.zones))
      for (const [name, of] of Object.entries(declared.functions)) {
        const field = `zones.${zone}.functions.${name}`;
        unless(
          !declared.admin,
          field,
          'is in the admin zone, whose functions the system places: declare it in another zone',
        );
        checkCode(unless, field, declared, name, of);
        checkStart(unless, field, declared, name, of);
        checkTables(unless, field, declared, of);
        checkQueues(unless, field, declared, of);
        checkVariables(unless, field, of, Object.keys(apiVariables(system, declared, name)));
        unless(
          declared.events?.function !== name || !Object.hasOwn(of.tables, 'idempotency'),
          `${field}.tables.idempotency`,
          "is there already, for the zone's events: leave it out, IDEMPOTENCY_TABLE names it",
        );
      }
  });
}

/** What EventBridge takes of a pattern, in characters. */
const MAX_PATTERN = 2048;

function checkCode(
  unless: Unless,
  field: string,
  zone: ZoneDeclaration,
  name: string,
  { runtime, code, handler, events }: FunctionDeclaration,
): void {
  for (const [what, value] of Object.entries({ code, handler }))
    unless(
      value === undefined || runtime !== undefined,
      `${field}.${what}`,
      `is for functions in other languages: name their runtime too, or leave it out, for functions/${name}/handler.ts is compiled`,
    );
  unless(
    foreignCode(zone, name)?.handler !== '',
    `${field}.handler`,
    `is missing, and ${runtime} has none by itself: write ${runtime?.startsWith('java') ? 'example.Handler::handleRequest' : 'Assembly::Namespace.Class::Method'}, as Lambda names it`,
  );
  unless(
    runtime === undefined || !takesWebhooks(zone, name),
    `${field}.runtime`,
    `is ${runtime}, and a route with authorize: 'webhook' leads to ${name}, whose guard is compiled with a handler.ts: leave the route to such a function`,
  );
  unless(
    events === undefined || JSON.stringify(eventPatternOf(events)).length <= MAX_PATTERN,
    `${field}.events`,
    `is a pattern of more than ${MAX_PATTERN} characters, which EventBridge does not take: name fewer values`,
  );
}

function checkStart(
  unless: Unless,
  field: string,
  zone: ZoneDeclaration,
  name: string,
  { schedules, events, reads, timeout }: FunctionDeclaration,
): void {
  const routed = zone.gateway?.routes.some((route) => route.function === name) ?? false;
  const inBatches = events !== undefined || reads.length > 0 || zone.events?.function === name;
  unless(
    routed || inBatches || Object.keys(schedules).length > 0,
    field,
    'is started by nothing: give it schedules, events or reads, or a route in gateway.routes',
  );
  unless(
    events === undefined || zone.events?.function !== name,
    `${field}.events`,
    `is there and so is the zone's own events for ${name}: put both into one`,
  );
  unless(
    !routed || (timeout ?? 0) <= REQUEST_TIMEOUT_SECONDS,
    `${field}.timeout`,
    `must be at most ${REQUEST_TIMEOUT_SECONDS} seconds, since a route leads to it and API Gateway waits 29: leave longer work to a function with events or reads`,
  );
}

function checkTables(
  unless: Unless,
  field: string,
  zone: ZoneDeclaration,
  { tables }: FunctionDeclaration,
): void {
  for (const [table, declared] of Object.entries(tables)) {
    const at = `${field}.tables.${table}`;
    if (declared === 'cdk') continue;
    if (isShared(declared)) {
      const owned = functionOf(zone, declared.of)?.tables[table];
      unless(
        owned !== undefined && !isShared(owned),
        `${at}.of`,
        `is ${declared.of}, which has no table ${table}: name the function of this zone that declares its keys`,
      );
      continue;
    }
    const { partitionKey, sortKey, ttl } = declared;
    const names = [partitionKey.name, ...(sortKey ? [sortKey.name] : []), ...(ttl ? [ttl] : [])];
    for (const index of repeated(names))
      unless(false, at, `has ${names[index]} twice; partitionKey, sortKey and ttl are different attributes`);
  }
}

function checkQueues(
  unless: Unless,
  field: string,
  { functions }: ZoneDeclaration,
  { queues, reads, secrets }: FunctionDeclaration,
): void {
  const all = Object.values(functions);
  for (const [what, list] of Object.entries({ queues, reads, secrets }))
    for (const index of repeated(list)) unless(false, `${field}.${what}[${index}]`, 'is named twice');
  for (const [index, queue] of queues.entries()) {
    const readers = all.filter((other) => other.reads.includes(queue)).length;
    unless(
      readers === 1,
      `${field}.queues[${index}]`,
      readers === 0
        ? `is read by nothing, so what is sent to it would lie there: add reads: ['${queue}'] to a function of the zone`
        : `is read by ${readers} functions, each of which would get a part: leave one`,
    );
  }
  for (const [index, queue] of reads.entries())
    unless(
      all.some((other) => other.queues.includes(queue)),
      `${field}.reads[${index}]`,
      `is a queue that nothing sends to: add queues: ['${queue}'] to a function of the zone`,
    );
}

/** Variables that the runtime, the SDK, the system or Powertools read. */
const TAKEN =
  /^(?:_.*|(?:AWS|AMZN|LAMBDA|NODE|LD|POWERTOOLS|OTEL|LOCAL)_.*|(?:HTTPS?|ALL|NO)_PROXY|TZ|PATH|LANG|SIGNERS|RECORDS|SIGNING_VPC|GATEWAY_URL|TOKENS_FUNCTION|(?:IDEMPOTENCY|SESSION|REPLAY|TOKEN)_TABLE)$/;

/** Names of what nobody may read who may look at a function. */
const SECRET_NAME =
  /SECRET|PASSW|PASSPHRASE|TOKEN|CREDENTIAL|PRIVATE|(?:API|ACCESS|SIGNING|ENCRYPTION|HMAC)_?KEY/;

/** A PEM block, user information in a URL, or a run that nobody writes by hand: 20 characters with both cases and three digits, or 32 of hex. */
const SECRET_VALUE =
  /-----BEGIN |:\/\/[^/\s@]+@|(?<!\w)(?=\w*[a-z])(?=\w*[A-Z])(?=(?:\w*\d){3})\w{20,}|[0-9a-f]{32,}/;

function checkVariables(
  unless: Unless,
  field: string,
  { environment, tables, queues, secrets }: FunctionDeclaration,
  apis: readonly string[],
): void {
  const own = new Map([
    ...apis.map((name) => [name, 'an API of its grants'] as const),
    ...Object.keys(tables).map((name) => [ownVariable('table', name), `tables.${name}`] as const),
    ...queues.map((name) => [ownVariable('queue', name), `queues (${name})`] as const),
    ...secrets.map((name) => [ownVariable('secret', name), `secrets (${name})`] as const),
  ]);
  for (const [name, value] of Object.entries(environment)) {
    const at = `${field}.environment.${name}`;
    unless(
      /^[A-Z][A-Z0-9_]{0,63}$/.test(name),
      at,
      'must be called by capital letters, digits and _, like PAGE_SIZE',
    );
    unless(!TAKEN.test(name), at, 'is set, or read, by the system or the runtime: choose another name');
    const thing = own.get(name);
    unless(thing === undefined, at, `is the variable of ${thing}: choose another name`);
    unless(
      !SECRET_NAME.test(name) && !SECRET_VALUE.test(value),
      at,
      'looks like a secret, and whoever may look at the function sees its settings: name it in secrets, and read it from there',
    );
  }
}
