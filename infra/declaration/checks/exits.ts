import { isIPv4 } from 'node:net';
import { allowedHosts, calledUrls } from '../derive.ts';
import { collect, type Problem, repeated, type Unless } from '../problem.ts';
import type { ExitDeclaration, SystemDeclaration } from '../schema.ts';
import { overlap, readRange } from './networks.ts';

/** Networks that are there belong to one zone, and exits lead to hosts that their zone calls, and to no zone. */
export function checkExits(system: SystemDeclaration): Problem[] {
  const zones = Object.entries(system.zones);
  return collect((unless) => {
    const taken = zones.flatMap(([zone, { network: of }]) =>
      of ? [of.vpcId, ...of.subnets.map(({ subnetId }) => subnetId)].map((id) => [zone, id] as const) : [],
    );
    for (const index of repeated(taken.map(([, id]) => id))) {
      const [zone, id] = taken[index] ?? [];
      const message = `names ${id} a second time; zones are closed networks: give each a VPC of its own, and name each subnet once`;
      unless(false, `zones.${zone}.network`, message);
    }
    for (const [zone, declared] of zones) {
      const field = `zones.${zone}.exits`;
      const exits = Object.values(declared.exits);
      for (const what of ['hosts', 'cidrs'] as const) {
        const all = exits.flatMap((exit) => exit[what]);
        for (const index of repeated(all))
          unless(false, field, `name ${all[index]} twice, and there is one way to it: leave one`);
      }
      const proxies = exits.filter(({ proxy }) => proxy).length;
      unless(proxies <= 1, field, 'have two proxies, and a function goes through one: leave one');
      for (const [name, exit] of Object.entries(declared.exits)) {
        checkWay(unless, `${field}.${name}`, declared.network !== undefined, exit);
        checkPlaces(unless, `${field}.${name}`, system, zone, exit);
      }
    }
  });
}

function checkWay(unless: Unless, field: string, isThere: boolean, exit: ExitDeclaration) {
  const { through, proxy, ports, cidrs } = exit;
  const made = isThere
    ? "can't be set: the zone's VPC is there already, and its owner makes attachments and routes; leave it out"
    : 'is missing: name the transit gateway (tgw-…) or VPN gateway (vgw-…) that leads there';
  unless((through === undefined) === isThere, `${field}.through`, made);
  if (proxy === undefined) return;
  const [, host = '', port] = /\/([^/:]+):(\d+)$/.exec(proxy.url) ?? [];
  unless(ports.includes(Number(port)), `${field}.ports`, `lack that of ${proxy.url}: name it, and no other`);
  const address = isIPv4(host) ? readRange(`${host}/32`) : undefined;
  const isNear = !address || cidrs.some((cidr) => overlap(readRange(cidr), address));
  unless(isNear, `${field}.cidrs`, `do not hold the proxy's address: add ${host}/32`);
}

function checkPlaces(
  unless: Unless,
  field: string,
  system: SystemDeclaration,
  zone: string,
  { hosts, cidrs, ports, proxy }: ExitDeclaration,
) {
  // A proxy may stand in the VPC of others.
  const zones = Object.entries(system.zones).filter(([name, { network }]) => name !== zone || !network);
  const networks = [['signing', system.signing] as const, ...zones];
  for (const [index, cidr] of cidrs.entries()) {
    const at = `${field}.cidrs[${index}]`;
    const range = readRange(cidr);
    const isRange = range && Number(cidr.split('/')[1]) >= 16 && !SPECIAL.some((one) => overlap(one, range));
    const right = 'beginning at its first one, e.g. 91.186.92.124/32: name what the exit is for';
    unless(
      isRange === true,
      at,
      `must be an IPv4 range of /16 to /32 of addresses that hosts have, ${right}`,
    );
    for (const [name, of] of networks) {
      const message = `overlaps the network of ${name} (${of.cidr}), and no exit joins two zones: name addresses of others`;
      unless(!overlap(readRange(of.cidr), range), at, message);
    }
  }
  const called = calledUrls(system, zone).map((url) => new URL(url));
  for (const [index, host] of hosts.entries()) {
    const at = `${field}.hosts[${index}]`;
    const on = called.filter(({ hostname }) => hostname === host).map(({ port }) => Number(port || 443));
    const known = allowedHosts(system, zone).join(', ') || 'nothing';
    unless(on.length > 0, at, `is ${host}, and the zone calls ${known}: name one of those`);
    const closed = proxy ? undefined : on.find((port) => !ports.includes(port));
    unless(closed === undefined, at, `is called on port ${closed}: add it to ports`);
  }
}

/** Addresses of no host of another network: this host, loopback, link-local with AWS's metadata, multicast and reserved (RFC 6890). */
const SPECIAL = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'].map(readRange);
