/** A block of IP addresses: how many bits an address has, how many of them the block fixes, and the block's number. */
export interface Network {
  bits: 32 | 128;
  fixed: number;
  /** The fixed bits as a number. */
  prefix: bigint;
}

/** Parses an address or CIDR block, IPv4 or IPv6; undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const value = parseIPv4(address) ?? parseIPv6(address);
  if (value === undefined || rest.length > 0) return undefined;
  const bits = address.includes(':') ? 128 : 32;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const fixed = length === undefined ? bits : Number(length);
  return fixed > bits ? undefined : { bits, fixed, prefix: value >> BigInt(bits - fixed) };
}

/** Whether `outer` holds every address of `inner`. */
export function networkIncludes(outer: Network, inner: Network): boolean {
  if (outer.bits !== inner.bits || outer.fixed > inner.fixed) return false;
  return inner.prefix >> BigInt(inner.fixed - outer.fixed) === outer.prefix;
}

function parseIPv4(text: string): bigint | undefined {
  const octets = text.split('.');
  if (
    octets.length !== 4 ||
    !octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256)
  )
    return undefined;
  return octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function parseIPv6(text: string): bigint | undefined {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (embedded) {
    const tail = parseIPv4(embedded[2] ?? '');
    if (tail === undefined) return undefined;
    return parseIPv6(`${embedded[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`);
  }
  const [head = '', tail, ...rest] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const missing = 8 - before.length - after.length;
  if (rest.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) return undefined;
  const all = [...before, ...new Array<string>(missing).fill('0'), ...after];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}
