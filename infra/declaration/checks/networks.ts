import { collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../schema.ts';

/** Addresses as numbers, both ends included. */
export interface AddressRange {
  first: number;
  last: number;
}

interface Range extends AddressRange {
  field: string;
  cidr: string;
}

/** Every VPC has a range of its own, and the admin zone lies in the signing zone's account. */
export function checkNetworks(system: SystemDeclaration): Problem[] {
  const declared = [
    { field: 'signing.cidr', cidr: system.signing.cidr },
    ...Object.entries(system.zones).map(([name, { cidr }]) => ({ field: `zones.${name}.cidr`, cidr })),
  ];
  return collect((unless) => {
    const ranges: Range[] = [];
    for (const { field, cidr } of declared) {
      const range = readCidr(cidr);
      unless(
        range !== undefined,
        field,
        'must be an IPv4 range of /16 to /24 that begins at its first address, without leading zeros, e.g. 10.10.0.0/20',
      );
      if (!range) continue;
      unless(
        PRIVATE.some(({ first, last }) => first <= range.first && range.last <= last),
        field,
        'holds addresses of the internet, which the zone could then not reach: choose a range in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918) or 100.64.0.0/10 (RFC 6598)',
      );
      const clash = ranges.find((other) => overlap(other, range));
      unless(
        clash === undefined,
        field,
        `overlaps ${clash?.field} (${clash?.cidr}); zones are closed networks, so give each a range of its own`,
      );
      ranges.push({ field, cidr, ...range });
    }
    for (const [name, { account, admin }] of Object.entries(system.zones)) {
      const field = `zones.${name}.account`;
      unless(
        !(admin && account !== undefined),
        field,
        "can't be set: KMS has no cross-account CreateKey, so the admin zone lies in the signing zone's account; leave it out",
      );
    }
    for (const [name, zone] of Object.entries(system.zones)) {
      const { account = system.account, callers, grants, gateway, tokens } = zone;
      const asked = tokens === 'own' ? 'signers' : 'tokens';
      for (const [index, { role, calls }] of callers.entries()) {
        const field = `zones.${name}.callers[${index}]`;
        const own = account === undefined || role.split(':')[4] === account;
        unless(
          own,
          `${field}.role`,
          `lies in another account than its zone (${account}): name a role of that one`,
        );
        unless(
          calls === 'entry' || grants.length > 0,
          `${field}.calls`,
          'are signers, and the zone has none: add a grant',
        );
        unless(
          calls === 'entry' || calls === asked,
          `${field}.calls`,
          `are ${calls}, and in a zone with tokens: '${tokens}' callers ask its ${asked}: write ${asked}`,
        );
        unless(
          calls !== 'entry' || gateway?.routes.some(({ authorize }) => authorize === 'iam') === true,
          `${field}.calls`,
          "is the zone's entry, and no route of it has authorize: 'iam'; add one",
        );
      }
    }
  });
}

/** Ranges that nobody on the internet has: private use (RFC 1918 3) and shared address space (RFC 6598 7). */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].flatMap(
  (cidr) => readRange(cidr) ?? [],
);

/** A range that a VPC and its subnets can have. */
function readCidr(cidr: string): AddressRange | undefined {
  return /\/(?:1[6-9]|2[0-4])$/.test(cidr) ? readRange(cidr) : undefined;
}

/** Whether two ranges have an address in common; what is no range has none. */
export function overlap(one: AddressRange | undefined, other: AddressRange | undefined): boolean {
  return one !== undefined && other !== undefined && one.first <= other.last && other.first <= one.last;
}

/** A range in CIDR notation that begins at its first address. Leading zeros are refused: some read them as octal (RFC 6943 3.1.1). */
export function readRange(cidr: string): AddressRange | undefined {
  const [, address = '', bits = ''] =
    /^((?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3})\/([1-9]|[12]\d|3[0-2])$/.exec(cidr) ?? [];
  const octets = address.split('.').map(Number);
  if (address === '' || octets.some((octet) => octet > 255)) return undefined;
  const first = octets.reduce((value, octet) => value * 256 + octet, 0);
  const size = 2 ** (32 - Number(bits));
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}
