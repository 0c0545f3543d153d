import { X509Certificate } from 'node:crypto';
import { count, some, text } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { hostName } from './fields.ts';

/**
 * Where a zone's network is, when it is there already, and where it leads beside the internet. What fields mean together is for
 * checks/exits.ts to say.
 * @module
 */

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
  /** IPv4 ranges of /16 or smaller that it leads to, and nothing else: those of the hosts, or of the proxy. They overlap no zone's. */
  cidrs: some(text),
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
      /** `http://` or `https://`, a host name or IPv4 address, and a port; without path and credentials. */
      url: v.pipe(
        text,
        v.regex(
          /^https?:\/\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?:[1-9]\d{1,4}$/,
          'must be scheme, host in lower case and port, without path and credentials, such as http://proxy.example.no:3128',
        ),
      ),
      /** Certificates, in PEM, of the authority by which the proxy's TLS is signed. Whoever has its key can read and answer whatever the zone calls. */
      ca: v.exactOptional(authorities),
    }),
  ),
});
