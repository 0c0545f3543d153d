import { canonicalUrl } from '@helseid-zones/protocol/url';

/** One thing that is wrong with a declaration. */
export interface Problem {
  /** Path of the field, e.g. `zones.public.grants[0].apis[0].api`. */
  field: string;
  /** What is wrong and what would be right. */
  message: string;
}

/** Collects the problems of one check: `unless(right, field, message)` notes one where `right` is false. */
export type Unless = (right: boolean, field: string, message: string) => void;

/** Runs a check that reports through {@link Unless}. */
export function collect(check: (unless: Unless) => void): Problem[] {
  const problems: Problem[] = [];
  check((right, field, message) => {
    if (!right) problems.push({ field, message });
  });
  return problems;
}

/** Elements that are equal to an earlier one, by index. */
export function repeated<T>(list: readonly T[]): number[] {
  return list.flatMap((item, index) => (list.indexOf(item) < index ? [index] : []));
}

/** Why `url` is no base URL of an https service, or nothing. A path is allowed; a trailing slash, query and fragment are not. */
export function baseUrlProblem(url: string): string | undefined {
  if (url.startsWith('http://'))
    return 'is http; HelseID and its APIs are reached by https only: write https://…';
  if (/[?#]/.test(url)) return 'has a query or fragment; write scheme, host and path only';
  if (url.endsWith('/')) return 'ends in a slash; leave it out, paths begin with one';
  const [, host] = /^https:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d+)?(?:\/|$)/.exec(url) ?? [];
  if (host === undefined)
    return 'is no https URL of one host; write https://host or https://host/path, the host in lower case and without wildcards';
  const problem = hostProblem(host);
  if (problem !== undefined) return problem;
  return isCanonical(`${url}/`) ? undefined : 'is not in canonical form; write it as a browser would show it';
}

/** A name in the public DNS (RFC 1123 2.1): labels of letters, digits and inner hyphens, the last one no number. */
const PUBLIC_NAME =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/**
 * Last labels that no public name has: IANA's special-use names (RFC 6761, 6762, 7686, 8375, 9476), those that networks use by
 * themselves (RFC 6762 appendix G; `internal` holds AWS's own names), and what resolvers add.
 */
const PRIVATE_NAME =
  /\.(?:alt|arpa|corp|example|home|internal|intranet|invalid|lan|local|localdomain|localhost|mail|onion|private|test)$/;

/** AWS's own names in every partition, and what customers serve there: a REST or HTTP API's stage, and a function's URL. */
const AWS_NAME =
  /(?:^|\.)(?:(?:amazonaws|amazonwebservices)\.(?:com|com\.cn|eu)|aws\.amazon\.com|aws|ic\.gov|sgov\.gov|adc-e\.uk|scloud)$/;
const CUSTOMER_NAME =
  /^[a-z0-9]+\.(?:execute-api\.[a-z0-9-]+\.amazonaws\.com|lambda-url\.[a-z0-9-]+\.on\.aws)$/;

/**
 * Why zones can't be let out to `host` (lower case, without a port), or nothing: it is a name of the public DNS, which a DNS
 * Firewall can allow, and not one where AWS itself is called. `localhost` passes, for the local system; a deploy refuses it.
 */
export function hostProblem(host: string): string | undefined {
  if (host === 'localhost') return undefined;
  if (!PUBLIC_NAME.test(host) || PRIVATE_NAME.test(host))
    return `names the host ${host}, and zones reach names of the public DNS only: write one, like api.example.no`;
  if (AWS_NAME.test(host) && !CUSTOMER_NAME.test(host))
    return `names ${host}, where AWS itself is called; zones call AWS by their own endpoints only: give the API’s own host, or that of its API Gateway stage`;
  return undefined;
}

/** Whether a URL passes the signer's own check, so that what is declared can also be asked for. */
export function isCanonical(url: string): boolean {
  try {
    canonicalUrl(url);
    return true;
  } catch {
    return false;
  }
}
