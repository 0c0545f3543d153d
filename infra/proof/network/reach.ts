import { type JsonObject, listOf, objectOf, stringsOf } from '../assembly/json.ts';
import type { Network, Permission, Placement, Route, VpcEndpoint } from '../assembly/network.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../assembly/resolve.ts';

/** What a function can open a connection to, as far as the network decides. */
export interface Reach {
  resource: ResolvedResource;
  /** Addresses of the internet: none, on 443 only, or on other ports too. */
  internet: 'none' | 'https' | 'any';
  /** Endpoints whose security group lets it in. */
  endpoints: readonly VpcEndpoint[];
  /** Routes that lead neither to the internet nor to an endpoint: another network, and the ports that its groups open there. */
  elsewhere: readonly (Route & { ports: string })[];
}

/** Id prefixes of what leads to the internet; every other target of a route leads to another network. Through a VPC that was there, nobody knows where. */
const INTERNET = ['igw-', 'nat-'];

/**
 * What each function can reach through its subnets' routes and its groups' permissions.
 * Network ACLs are read as if they let everything through, and a gateway counts even without an attachment: it errs on the side of reach.
 */
export function computeReach(network: Network): Reach[] {
  return network.functions.map((placement) => reachOf(placement, network));
}

function reachOf(placement: Placement, network: Network): Reach {
  const { resource } = placement;
  const subnets = placement.subnets.map((id) => network.subnets.get(id));
  const groups = placement.groups.map((id) => network.groups.get(id));
  const out = groups.flatMap((permissions = []) =>
    permissions.filter(({ direction }) => direction === 'out'),
  );
  const routes = subnets.flatMap((subnet) => subnet?.routes ?? []);
  // A route to just these addresses is taken before one to everywhere, if each subnet has it.
  const isElsewhere = ({ peer }: Permission) =>
    subnets.every((of) => of?.routes.some((route) => !leadsToInternet(route) && route.destination === peer));
  const freely = out.filter((one) => !isElsewhere(one));
  // A subnet or group that the templates don't show may have any route or permission.
  const known = subnets.length > 0 && groups.length > 0 && ![...subnets, ...groups].includes(undefined);
  const vpcs = [...new Set(subnets.map((subnet) => subnet?.vpc))];
  return {
    resource,
    internet: known ? internetThrough(routes, freely) : 'any',
    endpoints: network.endpoints.filter(
      // A gateway endpoint has no group; the subnet's routes lead to it.
      (endpoint) =>
        vpcs.includes(endpoint.vpc) &&
        (endpoint.groups.length === 0 ||
          (letsIn(endpoint, placement.groups, network) && reaches(out, endpoint.groups))),
    ),
    elsewhere: routes
      .filter((route) => !leadsToInternet(route))
      .map((route) => ({ ...route, ports: portsTo(route, out) })),
  };
}

/** The ports of a route's destination that are open, in words. */
function portsTo({ destination }: Route, out: readonly Permission[]): string {
  const open = out.filter(({ peer }) => ['0.0.0.0/0', destination].includes(peer));
  const ports = open.map(({ protocol, from, to }) => `${protocol} ${from === to ? to : `${from}-${to}`}`);
  return [...new Set(ports)].sort().join(', ') || 'no port';
}

function internetThrough(routes: readonly Route[], out: readonly Permission[]): Reach['internet'] {
  const open = out.filter(({ peer }) => !peer.startsWith('sg-'));
  if (!routes.some(leadsToInternet) || open.length === 0) return 'none';
  return open.every(isHttps) ? 'https' : 'any';
}

function leadsToInternet({ destination, through }: Route): boolean {
  if (through.startsWith('vpc-')) return destination === '0.0.0.0/0';
  return INTERNET.some((prefix) => through.startsWith(prefix));
}

/** Whether `permission` is for TCP port 443 and nothing else. */
function isHttps({ protocol, from, to }: Permission): boolean {
  return (protocol === 'tcp' || protocol === '6') && from === 443 && to === 443;
}

/** A group that the templates don't show lets everybody in. */
function letsIn({ groups }: VpcEndpoint, from: readonly string[], network: Network): boolean {
  return groups.some((id) => {
    const permissions = network.groups.get(id)?.filter(({ direction }) => direction === 'in');
    return permissions === undefined || reaches(permissions, from);
  });
}

/** Whether a permission is for port 443, and for addresses or one of these groups. */
function reaches(permissions: readonly Permission[], groups: readonly string[]): boolean {
  return permissions.some(({ protocol, from, to, peer }) => {
    const covers443 = protocol === '-1' || (['tcp', '6'].includes(protocol) && from <= 443 && to >= 443);
    return covers443 && (!peer.startsWith('sg-') || groups.includes(peer));
  });
}

/**
 * What the resolver of each VPC answers under its DNS Firewall (Route 53 Resolver; rules by priority, the first
 * that matches decides). A VPC without a rule that blocks `*` is answered everything.
 * While the firewall itself fails, AWS's default is to answer nothing; what would change that is of a type that is not understood.
 * Limits names asked of the resolver only: a connection to an address passes it (docs/decisions/egress.md).
 */
export function readAnsweredNames(assembly: ResolvedAssembly, vpc: string): 'every name' | readonly string[] {
  const ofType = (type: string) => resourcesOfType(assembly, `AWS::Route53Resolver::${type}`);
  const found = (type: string, id: unknown) => ofType(type).filter(({ physicalId }) => physicalId === id);
  const associations = ofType('FirewallRuleGroupAssociation').map(({ properties }) => properties);
  const rules = associations
    .filter(({ VpcId }) => VpcId === vpc)
    .sort(byPriority)
    .flatMap(({ FirewallRuleGroupId: id }) => found('FirewallRuleGroup', id))
    .flatMap(({ properties }) => listOf(properties.FirewallRules).map(objectOf).sort(byPriority));
  const allowed: string[] = [];
  for (const { Action, FirewallDomainListId, Qtype } of rules) {
    const [list] = found('FirewallDomainList', FirewallDomainListId);
    const names = stringsOf(list?.properties.Domains).map((name) => name.replace(/\.$/, ''));
    // A rule for some record types only leaves the others as they were. What no template lists may be any name, if it is answered.
    if (Action === 'BLOCK' && names.includes('*') && Qtype === undefined) return allowed;
    if (Action !== 'BLOCK') allowed.push(...(list?.properties.Domains === undefined ? ['*'] : names));
  }
  return 'every name';
}

const byPriority = (a: JsonObject, b: JsonObject): number => Number(a.Priority) - Number(b.Priority);
