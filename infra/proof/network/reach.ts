import type {
  Group,
  Network,
  NetworkRoute,
  Permission,
  Placement,
  Subnet,
  VpcEndpoint,
} from '../assembly/network.ts';
import type { ResolvedResource } from '../assembly/resolve.ts';

/** What a function can open a connection to, as far as the network decides. */
export interface Reach {
  name: string;
  resource: ResolvedResource;
  /** Zone of each VPC it has an interface in; `outside` for a function in no VPC or in one that no zone owns. */
  zones: readonly string[];
  /** Addresses of the internet: none, on 443 only, or on other ports too. */
  internet: 'none' | 'https' | 'any';
  /** Endpoints whose security group lets it in. */
  endpoints: readonly VpcEndpoint[];
  /** Routes that lead neither to the internet nor to an endpoint: another network. */
  elsewhere: readonly NetworkRoute[];
}

/** Id prefixes of what leads to the internet; every other target of a route leads to another network. */
const INTERNET = ['igw-', 'nat-', 'eigw-'];

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
  const inside = subnets.length > 0;
  const out = groups.flatMap(
    (group) => group?.permissions.filter(({ direction }) => direction === 'out') ?? [],
  );
  // A subnet or group that the templates don't show may have any route or permission.
  const known = inside && groups.length > 0 && ![...subnets, ...groups].includes(undefined);
  const vpcs = [...new Set(subnets.map((subnet) => subnet?.vpc))];
  return {
    name: resource.physicalId,
    resource,
    zones: inside ? vpcs.map((vpc) => network.zones.get(vpc ?? '') ?? 'outside') : ['outside'],
    internet: known ? internetThrough(subnets.filter(isPresent), out) : 'any',
    endpoints: network.endpoints.filter((endpoint) => letsIn(endpoint, vpcs, placement, out, network)),
    elsewhere: subnets
      .filter(isPresent)
      .flatMap(({ routes }) => routes.filter((route) => !leadsToInternet(route))),
  };
}

function internetThrough(subnets: readonly Subnet[], out: readonly Permission[]): Reach['internet'] {
  const routed = subnets.some(({ routes }) => routes.some(leadsToInternet));
  const open = out.filter(({ peer }) => !peer.startsWith('sg-'));
  if (!routed || open.length === 0) return 'none';
  return open.every(isHttps) ? 'https' : 'any';
}

function leadsToInternet({ through }: NetworkRoute): boolean {
  return INTERNET.some((prefix) => through.startsWith(prefix));
}

/** Whether `permission` is for TCP port 443 and nothing else. */
export function isHttps({ protocol, from, to }: Permission): boolean {
  return (protocol === 'tcp' || protocol === '6') && from === 443 && to === 443;
}

function covers443({ protocol, from, to }: Permission): boolean {
  if (protocol === '-1') return true;
  return (protocol === 'tcp' || protocol === '6') && from <= 443 && to >= 443;
}

function letsIn(
  endpoint: VpcEndpoint,
  vpcs: readonly (string | undefined)[],
  placement: Placement,
  out: readonly Permission[],
  network: Network,
): boolean {
  if (!vpcs.includes(endpoint.vpc)) return false;
  // A gateway endpoint has no group; the subnet's routes lead to it.
  if (endpoint.groups.length === 0) return true;
  const lets = endpoint.groups.some((id) => groupLetsIn(network.groups.get(id), placement.groups));
  const goes = out.some(
    (permission) =>
      covers443(permission) &&
      (!permission.peer.startsWith('sg-') || endpoint.groups.includes(permission.peer)),
  );
  return lets && goes;
}

function groupLetsIn(group: Group | undefined, from: readonly string[]): boolean {
  if (group === undefined) return true;
  return group.permissions.some(
    (permission) =>
      permission.direction === 'in' &&
      covers443(permission) &&
      (!permission.peer.startsWith('sg-') || from.includes(permission.peer)),
  );
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined;
}
