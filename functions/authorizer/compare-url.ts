/**
 * A URL without query and fragment, so that two spellings of one path compare equal (RFC 9449 4.3: syntax-based
 * normalization). Every path segment is decoded and encoded again, because a gateway may hand on a path that it has
 * decoded; a slash inside a segment stays apart from one between segments. Returns undefined for anything that is
 * not an http(s) URL, names a user, or is wrongly encoded.
 */
export function normalizeUrl(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username || parsed.password) return undefined;
  try {
    const path = parsed.pathname.split('/').map((segment) => encodeURIComponent(decodeURIComponent(segment)));
    return `${parsed.origin}${path.join('/')}`;
  } catch {
    return undefined;
  }
}
