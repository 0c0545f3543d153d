import { hasBus, ownSecrets, ownTables, zoneQueues } from './function-resources.ts';
import {
  boundaryGroup,
  boundaryName,
  eventNames,
  functionName,
  recordName,
  SIGNING_ZONE,
  scheduleName,
  sharedStackNames,
  signerName,
  zoneClients,
  zoneFunctions,
  zoneStackName,
} from './names.ts';
import type { SystemDeclaration, ZoneDeclaration } from './schema.ts';

/** AWS's limits for names, by kind. */
export const MAX_PHYSICAL_NAME = {
  function: 64,
  boundary: 64,
  stack: 64,
  rule: 64,
  queue: 80,
  table: 255,
  secret: 512,
  'logical id': 255,
} as const;

/** A physical name, the kind of thing it names (names of different kinds may be equal), and the field it comes from. */
export interface PhysicalName {
  kind: keyof typeof MAX_PHYSICAL_NAME;
  name: string;
  field: string;
}

/** The id in its zone's template that CDK gives to what lies there directly, which leaves hyphens out: two names may have one. */
const logicalId = (zone: string, ...parts: string[]) => `${zone}.${parts.join('').replaceAll('-', '')}`;

type Add = (kind: PhysicalName['kind'], name: string, field: string) => void;

/** Every physical name that the declaration fixes, and the ids in templates that two names could share. Names that CloudFormation makes up are not among them. */
export function physicalNames(system: SystemDeclaration): PhysicalName[] {
  const { name: prefix, clients, zones } = system;
  const names: PhysicalName[] = [];
  const add: Add = (kind, name, field) => names.push({ kind, name, field });
  for (const name of Object.values(sharedStackNames(prefix))) add('stack', name, 'name');
  add('boundary', boundaryName(prefix, SIGNING_ZONE), 'signing');
  for (const client of Object.keys(clients)) add('secret', recordName(prefix, client), `clients.${client}`);
  for (const [zone, declared] of Object.entries(zones)) {
    const field = `zones.${zone}`;
    add('stack', zoneStackName(prefix, zone), field);
    add('boundary', boundaryName(prefix, zone), field);
    for (const group of new Set(zoneFunctions(declared).map((name) => boundaryGroup(declared, name))))
      if (group) add('boundary', boundaryName(prefix, zone, group), field);
    for (const client of zoneClients(system, declared))
      add('function', signerName(prefix, client, zone), field);
    for (const name of zoneFunctions(declared)) add('function', functionName(prefix, zone, name), field);
    addOwn(prefix, zone, declared, add);
  }
  return names;
}

/** The names of what functions have, and of the queues and rules of events. */
function addOwn(system: string, zone: string, declared: ZoneDeclaration, add: Add): void {
  const fieldOf = (owner: string, of: string) => `zones.${zone}.functions.${owner}.${of}`;
  if (hasBus(declared)) add('queue', eventNames(system, zone).undelivered, `zones.${zone}.events`);
  for (const { name, owner, table } of ownTables(system, zone, declared))
    add('table', name, fieldOf(owner, `tables.${table}`));
  for (const { queue, deadLetters, reader, rule } of zoneQueues(system, zone, declared)) {
    const ofZone = rule !== undefined && reader === declared.events?.function;
    const field = ofZone ? `zones.${zone}.events` : fieldOf(reader, rule ? 'events' : 'reads');
    for (const name of [queue, deadLetters]) add('queue', name, field);
    add('logical id', logicalId(zone, 'DeadLetterQueue', queue), field);
    if (rule) add('rule', rule.name, field);
  }
  for (const { kind, name, owner, secret } of ownSecrets(system, zone, declared)) {
    add('secret', name, fieldOf(owner, kind));
    add('logical id', logicalId(zone, kind, owner, secret), fieldOf(owner, kind));
  }
  for (const [owner, { schedules }] of Object.entries(declared.functions))
    for (const schedule of Object.keys(schedules)) {
      const field = fieldOf(owner, `schedules.${schedule}`);
      add('rule', scheduleName(system, zone, owner, schedule), field);
      add('logical id', logicalId(zone, 'Schedule', owner, schedule), field);
    }
}
