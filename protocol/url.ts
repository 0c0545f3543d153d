import { ZonesError } from './errors.ts';
import { decodePercent } from './values.ts';

/** A URL as proofs and grants compare it. */
export interface CanonicalUrl {
  /** `https://host` or `https://host:port`. */
  origin: string;
  /** Begins with `/`; no query, no fragment. */
  path: string;
}

const MAX_URL = 2048;

/** RFC 3986 path characters; percent-encodings in upper case, as 6.2.2.1 normalises them. */
const PATH = /^(?:\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-F]{2})*)+$/;

/** Encodings that servers decode differently: of `/`, `\`, `%`, controls, and of characters that need none (6.2.2.2). */
const TRICK = /%(?:2F|5C|25|[01][0-9A-F]|7F|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]|3[0-9]|2[DE]|5F|7E)/;

/** Control and invisible formatting characters, once decoded. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/**
 * Once decoded, a segment that is a dot segment to servers that cut off a path parameter (`..;x`), a query (`..%3Fx`) or blanks
 * (`..%20`, `..+`), or take characters for what they are compatible with (`%EF%BC%8E` for a dot); a plain one is not in canonical form.
 */
const DOT_SEGMENT = /\/[\s+]*\.{1,2}[\s+]*(?:[;?#/]|$)/u;

/**
 * Reads an https URL and drops its query and fragment (RFC 9449 4.2, `htu`). Only a URL that is already canonical passes,
 * because a proof must name what the caller calls and a grant must mean what it says. Does not check that anybody is allowed to
 * call it.
 *
 * @throws {ZonesError} intent_malformed: another scheme, user information, a default port, an upper-case or non-ASCII host, a dot
 * segment, an empty segment, a backslash, or a percent-encoding that servers read differently
 */
export function canonicalUrl(input: string): CanonicalUrl {
  const refuse = (why: string) =>
    new ZonesError('intent_malformed', `The URL ${why}.`, { facts: { field: 'url' } });
  if (input.length > MAX_URL) throw refuse(`is longer than ${MAX_URL} characters`);
  if (/[^\x21-\x7e]/.test(input)) throw refuse('holds characters that are not printable ASCII');
  const target = input.replace(/[?#].*/, '');
  if (!URL.canParse(target)) throw refuse('can not be parsed');
  const { protocol, username, password, origin, pathname } = new URL(target);
  if (protocol !== 'https:') throw refuse('is not https');
  if (username !== '' || password !== '') throw refuse('holds user information');
  if (target !== origin + pathname) throw refuse('is not in canonical form; pass new URL(url).href');
  if (!PATH.test(pathname)) throw refuse('has a path with characters that must be percent-encoded');
  if (TRICK.test(pathname)) throw refuse('has a path with an encoding that servers read differently');
  if (pathname.includes('//')) throw refuse('has an empty path segment');
  const decoded = decodePercent(pathname);
  if (decoded === undefined || CONTROL.test(decoded)) throw refuse('has a path that is not text in UTF-8');
  if (DOT_SEGMENT.test(decoded.normalize('NFKC'))) throw refuse('has a dot segment');
  return { origin, path: pathname };
}

/** An absolute URL, or one relative to `base`; nothing where it is none. `URL.parse` of Node 22, which the client does without. */
export function parseUrl(text: string, base?: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}

/** `text`, a path that begins with a slash or a whole URL, as a URL at or below `baseUrl`; undefined where it is none. */
export function urlBelow(baseUrl: string, text: string): URL | undefined {
  const url = parseUrl(text.startsWith('/') ? baseUrl + text : text);
  // Not the text itself: a prefix of that may be user information before another host.
  const place = `${url?.origin}${url?.pathname}`;
  return place === baseUrl || place.startsWith(`${baseUrl}/`) ? url : undefined;
}
