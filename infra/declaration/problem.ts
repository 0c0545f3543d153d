import { canonicalUrl } from '../../client/compose/url.ts';

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
  if (!/^https:\/\/(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d+)?(?:\/|$)/.test(url))
    return 'is no https URL of one host; write https://host or https://host/path, the host in lower case and without wildcards';
  return isCanonical(`${url}/`) ? undefined : 'is not in canonical form; write it as a browser would show it';
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
