import {
  INTERNET,
  isKept,
  type MapCall,
  type MapNode,
  type MapZone,
  type ZoneMap,
  zoneTitle,
} from './model.ts';

/** A call in words. */
export interface Fact {
  zone: string;
  who: string;
  may: string;
  what: string;
  through: string;
  /** Empty where nothing else must hold. */
  when: string;
  violated: boolean;
}

/** Every call of the map in words, in the order of the zones. */
export function readFacts(map: ZoneMap): Fact[] {
  const byId = new Map(map.nodes.map((node) => [node.id, node]));
  const zones = map.zones.map(({ name }) => name);
  const place = (node: MapNode) => zones.indexOf(node.zone) * map.nodes.length + map.nodes.indexOf(node);
  return map.calls
    .flatMap((call) => {
      const [from, to] = [byId.get(call.from), byId.get(call.to)];
      return from === undefined || to === undefined ? [] : [{ from, fact: describe(call, from, to) }];
    })
    .sort((a, b) => place(a.from) - place(b.from))
    .map(({ fact }) => fact);
}

function describe(call: MapCall, from: MapNode, to: MapNode): Fact {
  const { verb, through, when, violated } = call;
  const starts = verb === 'start';
  return {
    ...{ zone: from.zone, who: from.label, may: verb, violated },
    what:
      to.zone === from.zone || to.zone === INTERNET ? nameOf(to) : `${nameOf(to)} of ${zoneTitle(to.zone)}`,
    through: starts && through.includes('.') ? (SERVICES[through] ?? through) : through,
    when,
  };
}

/** Services that start functions, as people call them. */
const SERVICES: Readonly<Record<string, string>> = {
  'apigateway.amazonaws.com': 'API Gateway',
  'events.amazonaws.com': 'EventBridge',
  'secretsmanager.amazonaws.com': 'Secrets Manager',
};

/** A node's name where its notes are not shown. */
export function nameOf({ kind, label, notes }: MapNode): string {
  return isKept({ kind }) ? `the ${label} ${notes[0]}` : label;
}

/** A fact as a sentence. */
export function sentence({ who, may, what, through, when, violated }: Fact): string {
  const condition =
    when === '' ? '' : `, ${through === SERVICES['apigateway.amazonaws.com'] ? 'for' : 'when'} ${when}`;
  return `${violated ? 'VIOLATION: ' : ''}${who} may ${may} ${what}, through ${through}${condition}.`;
}

/** A zone's network in words. */
export function describeZone({ cidr, internet, endpoints, signing }: MapZone): string {
  const out = {
    none: 'no way to the internet',
    https: 'https to the hosts on its list',
    any: 'an open way to the internet',
  }[internet];
  const own = endpoints.length > 0 ? `endpoints of its own for ${endpoints.join(', ')}` : 'no endpoints';
  return `${signing ? 'The network of the signers' : 'Network'} ${cidr || 'none'}: ${out}, ${own}.`;
}

/** The whole map in a sentence or two, for those who do not see it. */
export function summarize(map: ZoneMap): string {
  const { zones, nodes, calls } = map;
  const count = (kind: MapNode['kind'], noun: string) => {
    const number = nodes.filter((node) => node.kind === kind).length;
    return `${number} ${noun}${number === 1 ? '' : 's'}`;
  };
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
  return `${count} violation${count === 1 ? '' : 's'} of boundaries, in red.`;
}
