import type { Assumption } from '../../../declaration/assumptions.ts';
import type { Finding } from '../../rules/rule.ts';

/** What a node of the map is. */
export type NodeKind =
  | 'route'
  | 'events'
  | 'schedule'
  | 'function'
  | 'signer'
  | 'key'
  | 'record'
  | 'table'
  | 'queue'
  | 'secret'
  | 'host';

/** The name of the zone that hosts of the internet are put under. */
export const INTERNET = 'internet';

/** The name of the zone that other networks are put under. */
export const NETWORKS = 'other networks';

/** The zone of what no stack of a zone owns. */
export const OUTSIDE = 'outside';

/** Something that the map draws. */
export interface MapNode {
  /** ARN, or `<kind>:<what>` for what has none; unique in a map. */
  id: string;
  kind: NodeKind;
  zone: string;
  /** Short name, e.g. `summary`. */
  label: string;
  /** One line each: what it is, what it may sign, who may enter. */
  notes: readonly string[];
  /** Construct paths of what it is made of; none for hosts. */
  resources: readonly string[];
  violated: boolean;
}

/** A call that the assembly permits; under which conditions, the capability matrix says. */
export interface MapCall {
  from: string;
  to: string;
  /** What may be done: `invoke`, `sign with`. Connections `open`, and what enters a zone may `start` its functions. */
  verb: string;
  /** What it goes through: the service of its zone's own endpoint, the service that starts it, else a way in a word or two. */
  through: string;
  violated: boolean;
}

/** A zone with what its network lets through. */
export interface MapZone {
  name: string;
  signing: boolean;
  cidr: string;
  /** Addresses of the internet that some function of the zone reaches. */
  internet: 'none' | 'https' | 'any';
  violated: boolean;
}

/** Everything that the map shows. */
export interface ZoneMap {
  system: string;
  /** Those of the declaration, in its order but the admin zone last, then the signing zone. */
  zones: readonly MapZone[];
  nodes: readonly MapNode[];
  calls: readonly MapCall[];
  findings: readonly Finding[];
  assumptions: readonly Assumption[];
}

/** Whether anything is drawn in red. */
export function hasViolations({ zones, nodes, calls, findings }: ZoneMap): boolean {
  return findings.length > 0 || [...zones, ...nodes, ...calls].some(({ violated }) => violated);
}

/** A zone's name for people. */
export function zoneTitle(name: string): string {
  if (name === 'signing') return 'the signing zone';
  return name === OUTSIDE ? 'no zone' : `zone ${name}`;
}

/** How many there are of something. */
export const counted = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`;

/** Whether a node is a key or a record, of which only the signing zone has any. */
const isKept = ({ kind }: Pick<MapNode, 'kind'>): boolean => kind === 'key' || kind === 'record';

/**
 * What a node is called in the drawing's `data-` attributes: by zone, kind and what is written on it, and by nothing that a
 * template names, so that the drawing stays the same when a construct is renamed.
 */
export function elementId(node: MapNode): string {
  const { zone, kind, label, notes } = node;
  return [zone, kind, label, ...(isKept(node) ? notes.slice(0, 1) : [])]
    .join('/')
    .replaceAll(/[ \u00a0]/g, '%20');
}

/** A node's name where its notes are not shown. */
export function nameOf({ kind, label, notes }: MapNode): string {
  return isKept({ kind }) ? `the ${label} ${notes[0]}` : label;
}

/** The whole map in a sentence or two, for those who do not see it. */
export function summarize(map: ZoneMap): string {
  const { zones, nodes, calls } = map;
  const count = (kind: MapNode['kind'], noun: string) =>
    counted(nodes.filter((node) => node.kind === kind).length, noun);
  const names = zones.filter(({ signing }) => !signing).map(({ name }) => name);
  return `Zones ${names.join(', ')} and the signing zone of ${map.system}: ${count('function', 'function')}, ${count('signer', 'signer')}, ${count('key', 'client key')}, ${calls.length} permitted calls. ${verdict(map)}`;
}

/** Whether anything violates a boundary, in a sentence. */
export function verdict({ findings, calls, assumptions }: ZoneMap): string {
  const count = Math.max(findings.length, calls.filter(({ violated }) => violated).length);
  const assumed = assumptions.map(({ kind, name, assumes }) => ` ${kind} ${name}: ${assumes}.`);
  if (count === 0 && assumed.length > 0)
    return `No violation of a boundary, assuming what no template shows:${assumed.join('')}`;
  if (count === 0) return 'No violation of a boundary.';
  return `${counted(count, 'violation')} of boundaries, in red.`;
}
