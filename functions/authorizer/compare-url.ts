import { decodePercent } from '@helseid-zones/protocol/values';

/** A URL as `htu` is compared: origin in lower case without its default port, path by segments, each of them decoded. */
interface Target {
  origin: string;
  segments: readonly string[];
}

/** Scheme, `//`, a host without user information, port, and a path that is empty or begins with `/` (RFC 3986 3). */
const HTTP_URI = /^(https?):\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]*))?(\/[^?#]*)?(?:[?#].*)?$/i;

/** What browsers drop or read as `/`, and a URI never holds. */
const REPAIRED = /[\\\p{Cc}]/u;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * Whether `htu` names the request, by RFC 9449 4.3: without query and fragment, after the normalization of RFC 3986 6.2.2
 * and 6.2.3 (case of scheme, host and encodings, percent-encoding, dot segments, default port, empty path). The text of
 * `htu` is judged as it stands and never repaired as browsers do. The gateway's path is never parsed as a URL: gateways
 * differ in what they have decoded of it, so a `?` there is part of a segment, and each segment is decoded if it can be.
 * A slash inside a segment stays apart from one between segments; letters of a path keep their case.
 * @param baseUrl external scheme, host and prefix, without a trailing slash.
 * @param path what follows it, as the gateway saw it; empty, or begins with `/`.
 */
export function isHtuOf(htu: unknown, baseUrl: string, path: string): boolean {
  const named = typeof htu === 'string' ? readTarget(htu) : undefined;
  const base = readTarget(baseUrl);
  const below = /^(?:\/|$)/.test(path) ? readSegments(path) : undefined;
  if (!named || !base || !below || named.origin !== base.origin) return false;
  const prefix = base.segments.length === 1 && base.segments[0] === '' ? [] : base.segments;
  const expected = prefix.length + below.length === 0 ? [''] : [...prefix, ...below];
  return (
    named.segments.length === expected.length && named.segments.every((part, at) => part === expected[at])
  );
}

function readTarget(uri: string): Target | undefined {
  const [, scheme, host, port, path = '/'] = (REPAIRED.test(uri) ? null : HTTP_URI.exec(uri)) ?? [];
  if (scheme === undefined || host === undefined || /%(?![0-9a-f]{2})/i.test(path)) return undefined;
  const segments = readSegments(path);
  const usual = !port || port === DEFAULT_PORTS[scheme.toLowerCase()];
  const origin = `${scheme}://${host}${usual ? '' : `:${port}`}`.toLowerCase();
  return segments && { origin, segments: removeDots(segments) };
}

/** Undefined where an encoding is no UTF-8. A `%` that encodes nothing is one that a gateway has decoded. */
function readSegments(path: string): string[] | undefined {
  const parts = path.split('/').slice(1);
  const read = parts.map((part) => (/%(?![0-9a-f]{2})/i.test(part) ? part : decodePercent(part)));
  return read.every((part) => part !== undefined) ? read : undefined;
}

/** RFC 3986 5.2.4. */
function removeDots(segments: readonly string[]): string[] {
  const kept: string[] = [];
  for (const part of segments) {
    if (part === '..') kept.pop();
    else if (part !== '.') kept.push(part);
  }
  return /^\.\.?$/.test(segments.at(-1) ?? '') ? [...kept, ''] : kept;
}
