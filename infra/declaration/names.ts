import { ADMIN_FUNCTIONS, AUTHORIZER_FUNCTION, LOGIN_FUNCTIONS } from './fields.ts';
import type { SystemDeclaration, ZoneDeclaration } from './schema.ts';

/** The tag that says which zone a resource belongs to, on what every zone has: VPC, roles, functions, keys and tables. */
export const ZONE_TAG = 'helseid-zones:zone';

/** The value of {@link ZONE_TAG} in the signing zone. */
export const SIGNING_ZONE = 'signing';

/** AWS's limit for role and function names. */
export const MAX_PHYSICAL_NAME = 64;

/** Name of the signer function of one grant; its role has the same name. */
export function signerName(system: string, client: string, zone: string): string {
  return `${system}-signer-${client}-${zone}`;
}

/** Name of a zone function; its role has the same name. */
export function functionName(system: string, zone: string, name: string): string {
  return `${system}-${zone}-${name}`;
}

/** Physical names of a zone's event entry; fixed, since key, queue and role each name the others. */
export interface EventNames {
  bus: string;
  rule: string;
  /** Read by the function. */
  queue: string;
  /** What the function failed with, too often. */
  deadLetters: string;
  /** What EventBridge could not put into the queue. */
  undelivered: string;
}

/** See {@link EventNames}. */
export function eventNames(system: string, zone: string): EventNames {
  const prefix = `${system}-${zone}`;
  return {
    bus: prefix,
    rule: `${prefix}-events`,
    queue: `${prefix}-events`,
    deadLetters: `${prefix}-events-dead`,
    undelivered: `${prefix}-events-undelivered`,
  };
}

/** Name of the secret that holds a client's record. */
export function recordName(system: string, client: string): string {
  return `${system}/client/${client}`;
}

/**
 * Name of the permissions boundary of a role: its zone's (`signing` names that of the signers), but for the admin zone's functions,
 * which have one each: together they would outgrow what IAM takes (6,144 characters).
 */
export function boundaryName(system: string, zone: string, role?: string): string {
  const own = ADMIN_FUNCTIONS.find((name) => role === functionName(system, zone, name));
  return `${system}-boundary-${zone}${own ? `-${own}` : ''}`;
}

/** Name of a zone's stack. */
export function zoneStackName(system: string, zone: string): string {
  return `${system}-zone-${zone}`;
}

/** Names of the stacks that no zone owns. */
export function sharedStackNames(system: string): { signing: string; gateway: string } {
  return {
    signing: `${system}-signing`,
    gateway: `${system}-gateway-account`,
  };
}

/** The functions a zone runs: those of its entries, of login, of the authorizer, of administration. Sorted, each once. */
export function zoneFunctions(zone: ZoneDeclaration): string[] {
  const routes = zone.gateway?.routes ?? [];
  const names = new Set<string>(routes.map((route) => route.function));
  if (routes.some((route) => route.authorize === 'helseid')) names.add(AUTHORIZER_FUNCTION);
  if (zone.gateway?.login) for (const name of LOGIN_FUNCTIONS) names.add(name);
  if (zone.events) names.add(zone.events.function);
  if (zone.admin) for (const name of ADMIN_FUNCTIONS) names.add(name);
  return [...names].sort();
}

/** The functions of a zone that ask its signers: all but the authorizer, which only validates. None where it has no signer. Sorted. */
export function askingFunctions(zone: ZoneDeclaration): string[] {
  if (!zone.admin && zone.grants.length === 0) return [];
  return zoneFunctions(zone).filter((name) => name !== AUTHORIZER_FUNCTION);
}

/** The clients a zone has signers for: those of its grants, or every client in the admin zone. In the declaration's order. */
export function zoneClients(system: SystemDeclaration, zone: ZoneDeclaration): string[] {
  return zone.admin ? Object.keys(system.clients) : zone.grants.map((grant) => grant.client);
}

/** A physical name, the kind of thing it names (names of different kinds may be equal), and the field it comes from. */
export interface PhysicalName {
  kind: 'function' | 'secret' | 'boundary' | 'stack';
  name: string;
  field: string;
}

/** Every physical name that the declaration fixes. Names that CloudFormation makes up are not among them. */
export function physicalNames(system: SystemDeclaration): PhysicalName[] {
  const { name: prefix, clients, zones } = system;
  const names: PhysicalName[] = [];
  const add = (kind: PhysicalName['kind'], name: string, field: string) => names.push({ kind, name, field });
  for (const name of Object.values(sharedStackNames(prefix))) add('stack', name, 'name');
  add('boundary', boundaryName(prefix, SIGNING_ZONE), 'signing');
  for (const client of Object.keys(clients)) add('secret', recordName(prefix, client), `clients.${client}`);
  for (const [zone, declared] of Object.entries(zones)) {
    const field = `zones.${zone}`;
    add('stack', zoneStackName(prefix, zone), field);
    add('boundary', boundaryName(prefix, zone), field);
    if (declared.admin)
      for (const name of ADMIN_FUNCTIONS)
        add('boundary', boundaryName(prefix, zone, functionName(prefix, zone, name)), field);
    for (const client of zoneClients(system, declared))
      add('function', signerName(prefix, client, zone), field);
    for (const name of zoneFunctions(declared)) add('function', functionName(prefix, zone, name), field);
  }
  return names;
}
