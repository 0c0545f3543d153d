import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { createAwsCaller } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/invoke';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import { required } from '@helseid-zones/protocol/values';
import { TOKENS_FUNCTION } from '../../../infra/declaration/fields.ts';
import { hasBus } from '../../../infra/declaration/function-resources.ts';
import { functionName, signerName } from '../../../infra/declaration/names.ts';
import type { ZoneDeclaration } from '../../../infra/declaration/schema.ts';
import type { OperatorFile } from '../../../infra/operator-file.ts';
import { type AwsAccess, callLambda } from '../../aws/aws-client.ts';
import type { TrailLine } from '../../aws/trail.ts';
import { eventEntries, findEntry, makeOrganizationNumber } from '../events.ts';
import type { LocalSystem } from '../system.ts';

/** One step of the whole job. */
export interface Step {
  name: string;
  /** Why the step does not fit a declaration; undefined where it does. */
  unfit(system: LocalSystem): string | undefined;
  /** Does the step and resolves to what it saw, in a line; throws where that is not what must be. */
  run(system: LocalSystem): Promise<string>;
}

/** How a step went, as `--json` prints it. */
export interface StepResult {
  name: string;
  ok: boolean;
  /** Milliseconds. */
  ms: number;
  detail: string;
}

/** Reads what a step needs; throws where the declaration lacks it. */
type Fact<T> = (system: LocalSystem) => T;

/** A step for every declaration that `facts` can be read of. It is run with what they read. */
export function step<const Facts extends readonly Fact<unknown>[]>(
  name: string,
  facts: Facts,
  run: (system: LocalSystem, ...read: ReadBy<Facts>) => Promise<string>,
): Step {
  const read = (system: LocalSystem) => facts.map((fact) => fact(system)) as ReadBy<Facts>;
  return { name, unfit: needsEntries(read), run: async (system) => run(system, ...read(system)) };
}

type ReadBy<Facts extends readonly Fact<unknown>[]> = {
  -readonly [At in keyof Facts]: ReturnType<Facts[At]>;
};

/** A step that finds, while it runs, that the declaration has nothing for it: what a function does, none says. */
export function stepUnfit(what: string): Error {
  return Object.assign(new Error(what), { name: 'StepUnfit' });
}

/** The grant of a zone that something was signed for, as lines of its signers tell; none where nothing was. */
export function grantUsed({ declaration }: LocalSystem, facts: ZoneFacts, lines: readonly TrailLine[]) {
  const { zone, declared } = facts;
  const signers = new Set(lines.map(({ function: name }) => name));
  return declared.grants.find(({ client }) => signers.has(signerName(declaration.name, client, zone)));
}

/** Waits until there is something, for half a minute; resolves to it. Throws where it does not come. */
export async function until<T>(look: () => T | Promise<T>, otherwise: string): Promise<NonNullable<T>> {
  for (const end = Date.now() + 30_000; ; await wait(50)) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) assert.fail(`${otherwise} within 30 s`);
  }
}

/** The lines of the trail while something is done, beside what it resolves to. */
export async function linesDuring<T>({ trail }: Pick<LocalSystem, 'trail'>, run: () => Promise<T>) {
  const lines: TrailLine[] = [];
  const result = await run().finally(trail.subscribe((line) => lines.push(line)));
  return { lines, result };
}

/** A zone of the running system with what most steps ask of it. */
type ZoneFacts = ReturnType<typeof zoneWhere>;

/** A function of the zone that may call an API: one that takes events, where there is one, or one that somebody calls, or else any of its own. */
function callerOf({ events, gateway, functions }: ZoneDeclaration): string | undefined {
  const own = Object.entries(functions);
  const [taking] = own.find(([, of]) => of.events) ?? [];
  const called = gateway?.routes[0]?.function ?? (gateway?.login && 'api');
  return events?.function ?? taking ?? called ?? own[0]?.[0];
}

/** A function of the zone that may ask its signer: its tokens function, where it has one, or {@link callerOf}. */
function askerOf(declared: ZoneDeclaration): string | undefined {
  return declared.tokens === 'function' ? TOKENS_FUNCTION : callerOf(declared);
}

/** The zone whose tokens a function has. Throws as {@link callingZone}. */
export function tokensZone(system: LocalSystem): ZoneFacts {
  return zoneWhere(system, 'that calls an API has its tokens from a function', (declared) =>
    declared.tokens === 'function' ? callerOf(declared) : undefined,
  );
}

/** A zone that calls an API: the one entered by events, where there is one. Throws a `TypeError` where there is none: a step's `unfit` says so before. */
export function callingZone(system: LocalSystem): ZoneFacts {
  return zoneWhere(system, 'calls an API', callerOf, hasBus);
}

/** Another zone that calls an API: one with a route that IAM authorises, where there is one. Throws as {@link callingZone}. */
export function otherZone(system: LocalSystem): ZoneFacts {
  const { zone: first } = callingZone(system);
  return zoneWhere(
    system,
    `but ${first} calls an API`,
    (declared, zone) => (zone === first ? undefined : callerOf(declared)),
    ({ gateway }) => gateway?.routes.some(({ authorize }) => authorize === 'iam') ?? false,
  );
}

/** The zone that takes the first sample event that any takes, with that event. Throws as {@link callingZone}. */
export function sampleZone(system: LocalSystem) {
  for (const { file, event } of system.samples) {
    const entry = findEntry(system.declaration, event);
    if (entry === undefined) continue;
    const facts = zoneWhere(system, `${entry.zone} calls an API`, (_, zone) =>
      zone === entry.zone ? entry.function : undefined,
    );
    return { ...facts, event, file };
  }
  const wanted = eventEntries(system.declaration).flatMap(({ detailTypes }) => detailTypes);
  if (wanted.length === 0) return lacks('no zone is entered by events');
  return lacks(`there is no sample event of ${wanted.join(' or ')} in ${system.examples}`);
}

/** Throws what {@link needsEntries} tells. */
export function lacks(what: string): never {
  throw new TypeError(what);
}

/** The zone with a GET route that IAM authorises. Throws as {@link callingZone}. */
export function gatewayZone(system: LocalSystem): ZoneFacts {
  const routeOf = ({ gateway }: ZoneDeclaration) => gateway?.routes.find(isReadByIam)?.function;
  return zoneWhere(system, 'has a GET route that IAM authorises', routeOf);
}

/** Whether a route is one that the operator may read, with SigV4. */
export function isReadByIam({ authorize, method }: { authorize: string; method: string }): boolean {
  return authorize === 'iam' && method === 'GET';
}

/** Says what the declaration lacks for something: what the fact throws. */
export function needsEntries(fact: Fact<unknown>) {
  return (system: LocalSystem): string | undefined => {
    try {
      fact(system);
      return undefined;
    } catch (cause) {
      return (cause as Error).message;
    }
  };
}

/** The stand-ins, of a step that does something for them only. */
export function forStandIn(what: string) {
  return ({ standIns }: LocalSystem) => standIns ?? lacks(`it ${what}, which is for the stand-in only`);
}

/** The zone with an entry and a grant to call an API: the first `preferred` one, or the first. */
function zoneWhere(
  system: LocalSystem,
  what: string,
  entry: (declared: ZoneDeclaration, zone: string) => string | undefined,
  preferred: (declared: ZoneDeclaration) => boolean = () => true,
) {
  const { declaration, aws } = system;
  const fitting = Object.entries(declaration.zones).flatMap(([zone, declared]) => {
    const name = entry(declared, zone);
    const grant = declared.grants.find(({ apis }) => apis.length > 0);
    if (name === undefined || grant === undefined) return [];
    return [{ zone, declared, name, grant }];
  });
  const { zone, declared, name, grant } =
    fitting.find((one) => preferred(one.declared)) ?? fitting[0] ?? lacks(`no zone ${what}`);
  const signer = signerName(declaration.name, grant.client, zone);
  const own = functionName(declaration.name, zone, name);
  // Who asks its signer: the function itself, or the zone's tokens function.
  const asker = functionName(declaration.name, zone, askerOf(declared) ?? name);
  const client = required(declaration.clients[grant.client], `Client ${grant.client}`);
  return {
    zone,
    declared,
    grant,
    client,
    functionName: own,
    askerName: asker,
    signerName: signer,
    /** What its signer is asked for a client assertion by. */
    intent: { kind: 'client_assertion', client: grant.client, issuer: client.issuer },
    /** AWS as they call it, see {@link accessOf}. */
    own: (service?: string) => accessOf(system, own, service),
    asker: (service?: string) => accessOf(system, asker, service),
    signer: (service?: string) => accessOf(system, signer, service),
    /** Asks the signer for that grant, as somebody. */
    askSigner: (as: AwsAccess, intent: object) => callLambda(as, arnOf(aws, signer), { intents: [intent] }),
    /** The key that the client signs with. */
    key: () =>
      system.keys.find((key) => key.client === grant.client) ?? lacks(`client ${grant.client} has no key`),
    /** A call of an API that the grant allows, with its wildcards filled in. */
    apiCall() {
      const { api: name, methods, paths } = required(grant.apis[0], 'An API of the grant');
      const api = required(declaration.apis[name], name);
      const [method = 'GET', path = '/'] = [methods[0], paths[0]];
      return { name, api, method, url: `${api.baseUrl}${path.replaceAll('*', '17')}` };
    },
  };
}

/** An organisation detail that a grant allows, for `child`; none where it allows none of that type. */
export function sampleDetails({ grant: { details } }: Pick<ZoneFacts, 'grant'>, child: string) {
  const type = 'helseid_authorization';
  const allowed = Array.isArray(details) ? details.find((one) => one.type === type) : undefined;
  if (allowed?.type !== type) return [];
  const number = (pattern: string | undefined, made: string) => (pattern === '*' ? made : pattern);
  const [parent, of] = [number(allowed.parent, makeOrganizationNumber()), number(allowed.child, child)];
  return [{ type, ...(parent ? { parent } : {}), ...(of ? { child: of } : {}) } as const];
}

/**
 * AWS as a function's code would call it: with its role's credentials, by its VPC's endpoint where it has one for the service. Without
 * a service by the public endpoints, as if the credentials had been stolen.
 */
function accessOf({ aws }: LocalSystem, name: string, service?: string): AwsAccess {
  const of = aws.functions.find((candidate) => candidate.name === name);
  const own = aws.endpoints.find((endpoint) => endpoint.zone === of?.zone && endpoint.service === service);
  return { url: own?.url ?? aws.publicUrl, region: aws.region, credentials: aws.credentialsOf(name) };
}

/** Somebody who may ask a zone's signer: its function's credentials, and the way that they take. */
type Caller = OperatorFile['callers'][number];

/** Who asks a client's signer for a zone; undefined where no function of the zone calls an API. */
export function callerOfClient(system: LocalSystem, zone: string, client: string): Caller | undefined {
  const { aws, declaration } = system;
  const { name, zones } = declaration;
  const asker = askerOf(required(zones[zone], zone));
  if (asker === undefined) return undefined;
  const { url: lambdaUrl, credentials } = accessOf(system, functionName(name, zone, asker), 'lambda');
  return { zone, client, signerArn: arnOf(aws, signerName(name, client, zone)), lambdaUrl, credentials };
}

/** A token client as a function of the zone has it: its signer through its own network's endpoint, with its role's credentials. */
export function callerClient(
  { region, declaration }: Pick<OperatorFile, 'region' | 'declaration'>,
  { client, lambdaUrl, credentials, signerArn }: Caller,
): TokenClient {
  const aws = createAwsCaller({ region, credentials, endpoints: { lambda: lambdaUrl } });
  const { clientId, issuer, profile } = required(declaration.clients[client], client);
  const signer = createRemoteSigner({ aws, functionArn: signerArn });
  return createTokenClient({ client, clientId, issuer, profile, signer, fetch });
}

/** ARN of a function, by its name on AWS. */
export function arnOf({ functions }: LocalSystem['aws'], name: string): string {
  return required(functions.find((of) => of.name === name)?.arn, name);
}

/** The operator at AWS's public endpoints. */
export function operatorAccess({ aws }: LocalSystem): AwsAccess {
  return { url: aws.publicUrl, region: aws.region, credentials: aws.operator };
}

/** A route's path as a request has it. */
export function samplePath(path: string): string {
  return path.replaceAll(/\{[^}]+\}/g, '17');
}
