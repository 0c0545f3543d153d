import { TOKENS_FUNCTION } from '../../declaration/fields.ts';
import { ownSecrets, zoneTables } from '../../declaration/function-resources.ts';
import { type CallTarget, functionName, recordName, signerName } from '../../declaration/names.ts';
import { readAsset } from '../assembly/contents/read-asset.ts';
import { type JsonObject, objectOf } from '../assembly/json.ts';
import { SIGNING } from '../assembly/network.ts';
import { functionArn } from '../assembly/physical.ts';
import type { ResolvedAssembly, ResolvedResource } from '../assembly/resolve.ts';
import { resourceByArn, resourcesOfType } from '../assembly/resolve.ts';
import { virtualKeyArn } from '../policy/world/virtual-keys.ts';
import type { Actor } from './actors.ts';
import type { ProofInput } from './rule.ts';

/** A pattern of every resource of a service, anywhere. */
export function everyOf(service: string): string {
  return `arn:aws:${service}:*:*:*`;
}

/** An ARN, and the pattern of what lies below it: a bucket’s objects, a table’s indexes, an API’s methods, a function’s versions, a group’s streams. */
export function withParts(arn: string): string[] {
  const [, , service = ''] = arn.split(':', 3);
  const below = ['lambda', 'logs'].includes(service) ? `${arn}:*` : `${arn}/*`;
  return HAVE_PARTS.includes(service) && !arn.endsWith('*') ? [arn, below] : [arn];
}

const HAVE_PARTS = ['apigateway', 'dynamodb', 'execute-api', 'lambda', 'logs', 's3'];

/** Account and region of the signing zone. */
export function signingPlace({ assembly }: ProofInput): { account: string; region: string } {
  return assembly.stacks.find(({ zone }) => zone === SIGNING) ?? assembly;
}

/** The ARN that stands for the keys of `client`. */
export function clientKeyArn(input: ProofInput, client: string): string {
  const { account, region } = signingPlace(input);
  return virtualKeyArn(client, account, region);
}

/** The ARNs that stand for the keys of all clients. */
export function clientKeyArns(input: ProofInput): string[] {
  return Object.keys(input.declaration.clients).map((client) => clientKeyArn(input, client));
}

/** The secret of that name. */
export function secretNamed({ assembly }: ProofInput, name: string): ResolvedResource | undefined {
  return resourcesOfType(assembly, 'AWS::SecretsManager::Secret').find((of) => of.properties.Name === name);
}

/** The secret that holds the record of `client`. */
export function recordOf(input: ProofInput, client: string): ResolvedResource | undefined {
  return secretNamed(input, recordName(input.declaration.name, client));
}

/** ARN of the record of `client`; a name that nothing has where the templates lack it. */
export function recordArn(input: ProofInput, client: string): string {
  return recordOf(input, client)?.arn ?? `arn:aws:secretsmanager:::secret:no-record-of-${client}`;
}

/** ARNs of the records of all clients. */
export function recordArns(input: ProofInput): string[] {
  return Object.keys(input.declaration.clients).map((client) => recordArn(input, client));
}

/** ARNs of the signers that a zone may ask, unqualified. */
export function signersOfZone(input: ProofInput, zone: string): string[] {
  const { declaration } = input;
  const { admin = false, grants = [] } = declaration.zones[zone] ?? {};
  const clients = admin ? Object.keys(declaration.clients) : grants.map(({ client }) => client);
  return clients.map((client) =>
    functionArn(signingPlace(input), signerName(declaration.name, client, zone)),
  );
}

/** ARNs of the functions that a zone asks, unqualified: its signers, or its tokens function, if it has one. */
export function askedOfZone(input: ProofInput, zone: string, asked: CallTarget): string[] {
  if (asked === 'signers') return signersOfZone(input, zone);
  const { assembly, declaration } = input;
  if (declaration.zones[zone]?.tokens !== 'function') return [];
  const place = assembly.stacks.find((stack) => stack.zone === zone) ?? assembly;
  return [functionArn(place, functionName(declaration.name, zone, TOKENS_FUNCTION))];
}

/** Id of the endpoint for a service in the actor's zone; a name that no request has where there is none. */
export function ownEndpoint({ view }: Actor, service: string): string {
  const found = [...view.endpoints.values()].find((endpoint) => endpoint.service === service);
  return found?.id ?? `no ${service} endpoint`;
}

/** ARN of the rotation function, for a role of its zone. */
export function rotationArn({ region, role, zone }: Actor, { declaration }: ProofInput): string {
  return functionArn({ account: role.account, region }, functionName(declaration.name, zone, 'rotation'));
}

/** The function that makes keys and writes records, as the templates have it. */
export function rotationOf({ assembly, declaration }: ProofInput): ResolvedResource | undefined {
  const admin = Object.keys(declaration.zones).find((zone) => declaration.zones[zone]?.admin) ?? '';
  const name = functionName(declaration.name, admin, 'rotation');
  return resourcesOfType(assembly, 'AWS::Lambda::Function').find(({ physicalId }) => physicalId === name);
}

/** The key of the resource's own stack that `named`, an id or ARN, is. */
export function ownKey({ stack }: ResolvedResource, named: unknown, { assembly }: ProofInput) {
  return resourcesOfType(assembly, 'AWS::KMS::Key').find(
    ({ arn, physicalId, stack: own }) => own === stack && (named === arn || named === physicalId),
  );
}

/** The environment of a function. */
export function variablesOf({ properties }: ResolvedResource): JsonObject {
  return objectOf(objectOf(properties.Environment).Variables);
}

/** The files of a function's asset by name. */
export function filesOf({ assetPath }: ResolvedResource): ReadonlyMap<string, string> {
  return new Map(assetPath === undefined ? [] : readAsset(assetPath).map(({ name, text }) => [name, text]));
}

/** Whether the guard of webhooks runs before the code of the function with this ARN. */
export function isGuarded(arn: string | undefined, assembly: ResolvedAssembly): boolean {
  const found = resourceByArn(assembly, arn);
  return found !== undefined && filesOf(found).has('own.mjs');
}

/** A value as it is after it has been written as JSON. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** The accounts that the system is in. */
export function accountsOf({ assembly }: ProofInput): string[] {
  return [...new Set(assembly.stacks.map(({ account }) => account))];
}

/** Whether `actor` is the function of the admin zone with this name in the declaration. */
export function isAdmin(actor: Actor, { declaration }: ProofInput, name: string): boolean {
  return actor.admin && actor.name === functionName(declaration.name, actor.zone, name);
}

/** The resources of these types in the stack of a zone, but for those that may never be made: what has their names is another's. */
export function resourcesOfZone({ assembly }: ProofInput, zone: string, types: readonly string[]) {
  return assembly.resources.filter(
    (resource) => resource.certain && types.includes(resource.type) && resource.zone === zone,
  );
}

/** ARNs of the tables or secrets that the declaration gives functions of the actor's zone: the actor's own, and everybody's. `secret` is any, `clientKeys` those with a client's keys alone. */
export function ownedIn(input: ProofInput, actor: Actor, kind: 'table' | 'secret' | 'clientKeys') {
  const { zone, name: role } = actor;
  const { name: system, zones } = input.declaration;
  const declared = zones[zone];
  if (declared === undefined) return { own: [], taken: [] };
  const owned: { name: string; users: string[] }[] =
    kind === 'table'
      ? zoneTables(system, zone, declared).map(({ name, actions }) => ({ name, users: Object.keys(actions) }))
      : ownSecrets(system, zone, declared)
          .filter((of) => kind === 'secret' || of.kind === kind)
          .map(({ name, owner }) => ({ name, users: [owner] }));
  const stores = resourcesOfZone(input, zone, ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret']);
  const arns = (names: readonly string[]) =>
    stores.flatMap(({ arn = '', properties: { TableName, Name = TableName } }) =>
      names.includes(String(Name)) ? [arn] : [],
    );
  const mine = owned.filter(({ users }) => users.some((user) => functionName(system, zone, user) === role));
  return { own: arns(mine.map(({ name }) => name)), taken: arns(owned.map(({ name }) => name)) };
}
