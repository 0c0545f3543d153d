import { X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { count, some, text } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { hostName, proxyUrl, refusedBy } from './fields.ts';

/**
 * Where a zone's network is, when it is there already, and where it leads beside the internet. What fields mean together is for
 * checks/networks.ts to say.
 * @module
 */

/** The numbers of its first and last address. */
type AddressRange = { first: number; last: number };

/**
 * A range in CIDR notation that begins at its first address, as numbers, both ends included. Leading zeros are refused: some read them as octal
 * (RFC 6943 3.1.1).
 */
export function readRange(cidr: string): AddressRange | undefined {
  const [, address = '', bits = ''] = /^(.+)\/([1-9]|[12]\d|3[0-2])$/.exec(cidr) ?? [];
  if (!isIPv4(address)) return undefined;
  const first = address.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(bits));
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

/** Whether two ranges have an address in common; what is no range has none. */
export const overlap = (one: AddressRange | undefined, other: AddressRange | undefined): boolean =>
  one !== undefined && other !== undefined && one.first <= other.last && other.first <= one.last;

/** Ranges that nobody on the internet has: private use (RFC 1918 3) and shared address space (RFC 6598 7). */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map(readRange);

/** Addresses of no host of another network: this host, loopback, link-local with AWS's metadata, multicast and reserved (RFC 6890). */
const SPECIAL = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'].map(readRange);

/** The range of a zone's VPC, which it and its subnets can have. */
export const vpcRange = refusedBy((cidr) => {
  const range = /\/(?:1[6-9]|2[0-4])$/.test(cidr) ? readRange(cidr) : undefined;
  if (!range)
    return 'must be an IPv4 range of /16 to /24 that begins at its first address, without leading zeros, e.g. 10.10.0.0/20';
  return PRIVATE.some((one) => one && one.first <= range.first && range.last <= one.last)
    ? undefined
    : 'holds addresses of the internet, which the zone could then not reach: choose a range in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918) or 100.64.0.0/10 (RFC 6598)';
});

/** A range that an exit leads to. */
const exitRange = refusedBy((cidr) => {
  const range = /\/(?:1[6-9]|2\d|3[0-2])$/.test(cidr) ? readRange(cidr) : undefined;
  return range && !SPECIAL.some((one) => overlap(one, range))
    ? undefined
    : 'must be an IPv4 range of /16 to /32 of addresses that hosts have, beginning at its first one, e.g. 91.186.92.124/32: name what the exit is for';
});

/** An id that EC2 made. */
const ec2Id = (...kinds: readonly string[]) =>
  v.pipe(
    text,
    v.regex(
      new RegExp(`^(?:${kinds.join('|')})-(?:[0-9a-f]{8}|[0-9a-f]{17})$`),
      `must be an id such as ${kinds.map((kind) => `${kind}-0123456789abcdef0`).join(' or ')}`,
    ),
  );

/** A VPC that is there: the zone puts its groups, endpoints and functions into it, and makes no subnet, route or gateway. */
export const networkSchema = v.strictObject({
  vpcId: ec2Id('vpc'),
  /** Where functions and endpoints are: subnets of the VPC, each in an availability zone of its own. */
  subnets: some(
    v.strictObject({
      subnetId: ec2Id('subnet'),
      /** Its route table, which only DynamoDB's endpoint, where the zone has tables, adds a route to. */
      routeTableId: ec2Id('rtb'),
    }),
  ),
  /**
   * Whether the zone's DNS Firewall is put on the VPC (default true). Off where others run in it, whose names it would block: then
   * whatever the VPC's resolver answers is assumed.
   */
  dnsFirewall: v.optional(v.boolean(), true),
});

const port = v.pipe(count, v.maxValue(65_535, 'must be a port, at most 65535'));

const CERTIFICATE = /-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

const authorities = v.pipe(
  v.string(),
  v.maxLength(50_000, 'is too long'),
  v.check((pem) => {
    const found = pem.match(CERTIFICATE) ?? [];
    try {
      const rest = pem.replaceAll(CERTIFICATE, '').trim();
      return rest === '' && found.length > 0 && found.every((one) => new X509Certificate(one).ca);
    } catch {
      return false;
    }
  }, 'must be certificates of authorities (CA:TRUE) in PEM and nothing else, above all no key: what the owner of the proxy gives out'),
);

/** A way out to another network; see `exits` of a zone. */
export const exitSchema = v.strictObject({
  /** The hosts that are reached by it, of the zone's issuers, APIs and `functions.*.hosts`. All others are reached over the internet. */
  hosts: some(hostName),
  /** IPv4 ranges of /16 or smaller that it leads to, and nothing else: those of the hosts, or of the proxy. They overlap no zone's but, in a VPC that is there, its own. */
  cidrs: some(exitRange),
  /** TCP ports there (default 443). */
  ports: v.optional(some(port), [443]),
  /**
   * Transit gateway (`tgw-…`) that the zone's VPC is attached to, or VPN gateway (`vgw-…`) that is attached to the VPC. Left out in a VPC
   * that is there, whose owner makes attachments and routes.
   */
  through: v.exactOptional(ec2Id('tgw', 'vgw')),
  /** The proxy that connections to `hosts` go through (HTTP CONNECT); at most one a zone. */
  proxy: v.exactOptional(
    v.strictObject({
      /** `http://` or `https://`, a host name (also one that only its owner’s network knows; none of AWS’s own, nor a self-service API’s) or IPv4 address, and a port; without path and credentials. */
      url: proxyUrl,
      /** Certificates, in PEM, of the authority by which the proxy's TLS is signed. Whoever has its key can read and answer whatever the zone calls. */
      ca: v.exactOptional(authorities),
    }),
  ),
});
