import type { SystemDeclaration, ZoneDeclaration } from './schema.ts';

/** Something that the declaration says and no template shows: the proof holds if it is so. */
export interface Assumption {
  /** What it is of: `other stack`, `caller`, `network`, `exit`, `proxy`, `audit`. With `name` and `field` it is an assumption's own. */
  kind: 'other stack' | 'caller' | 'network' | 'exit' | 'proxy' | 'audit';
  name: string;
  /** Path of the field that says it. */
  field: string;
  /** What is taken for granted, as a sentence without its full stop. */
  assumes: string;
}

/** What a declaration takes for granted, in its own order; nothing for one that names nothing outside. Expects a validated declaration. */
export function assumptionsOf({ otherStacks, zones, audit }: SystemDeclaration): Assumption[] {
  const assumes =
    'somebody else’s; it reaches the system by nothing that its template does not name, and its roles do no more to it than write log lines and figures and make network interfaces';
  const stacks = otherStacks.map((name, index) => {
    return { kind: 'other stack' as const, name, field: `otherStacks[${index}]`, assumes };
  });
  const callers = Object.entries(zones).flatMap(([zone, { callers }]) =>
    callers.map(({ role: name, calls }, index) => {
      const field = `zones.${zone}.callers[${index}]`;
      return { kind: 'caller' as const, name, field, assumes: CALLS[calls](zone) };
    }),
  );
  const networks = Object.entries(zones).flatMap(([zone, declared]) => outsideOf(zone, declared));
  const reads = 'whoever has its account reads which zone had what signed, when, and by which key';
  const exported = audit
    ? [{ kind: 'audit' as const, name: audit.export, field: 'audit.export', assumes: reads }]
    : [];
  return [...stacks, ...callers, ...networks, ...exported];
}

/** What is taken for granted of the network that a zone lies in, and of those that it leads to. */
function outsideOf(zone: string, { cidr, network, exits }: ZoneDeclaration): Assumption[] {
  const said = (kind: Assumption['kind'], name: string, at: string, ...assumes: string[]): Assumption => ({
    kind,
    name,
    field: `zones.${zone}.${at}`,
    assumes: assumes.join('; '),
  });
  const resolver = 'its resolver answers whatever its owner lets it, also names that carry data out';
  const there = [
    `it has ${cidr}, is zone ${zone}’s alone, and joins it with no other zone`,
    'its routes lead to the declared exits and, for what is called over the internet, there',
    ...(network?.dnsFirewall === false ? [resolver] : []),
  ];
  const networks = network ? [said('network', network.vpcId, 'network', ...there)] : [];
  const ways = Object.entries(exits).flatMap(([name, { cidrs, ports, hosts, through, proxy }]) => {
    const where = `${cidrs.join(', ')}${through ? ` behind ${through}` : ''} on port ${ports.join(', ')}`;
    const network = `what answers at ${where} is the network it is named for, which joins zone ${zone} with no other`;
    const reader =
      'whoever has its authority’s key reads and answers all that goes through it, and may buy tokens with its assertions';
    const only = `it connects zone ${zone} to ${hosts.join(', ')} and to nothing else`;
    const way = said('exit', name, `exits.${name}`, network);
    const of = proxy?.ca ? [only, reader] : [only];
    return [way, ...(proxy ? [said('proxy', proxy.url, `exits.${name}.proxy`, ...of)] : [])];
  });
  return [...networks, ...ways];
}

/** What is taken for granted of a caller, by what it calls. */
const CALLS = {
  signers: (zone: string) =>
    `only what may have signed what zone ${zone} may takes this role, and runs in the zone’s network without leading elsewhere`,
  tokens: (zone: string) =>
    `only what may call the APIs that zone ${zone} may takes this role, and runs in the zone’s network without leading elsewhere`,
  entry: (zone: string) => `only what may call the routes of zone ${zone} takes this role`,
} as const;
