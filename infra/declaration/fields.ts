import { isIPv4 } from 'node:net';
import { NAME_PATTERN, text } from '@helseid-zones/protocol/schema';
import { canonicalUrl } from '@helseid-zones/protocol/url';
import * as v from 'valibot';

/** Text of which `problem` says what is wrong with it, or nothing. */
export function refusedBy(problem: (value: string) => string | undefined) {
  return v.pipe(
    text,
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? problem(dataset.value) : undefined;
      if (message !== undefined) addIssue({ message });
    }),
  );
}

/** An RFC 8707 resource indicator. */
export const resourceIndicator = v.pipe(
  text,
  v.check(
    (value) => URL.canParse(value) && !value.includes('#'),
    'must be an absolute URI without a fragment (RFC 8707 2)',
  ),
);

/** The name of a system, a client or a zone. */
export const plainName = v.pipe(
  text,
  v.regex(
    NAME_PATTERN,
    'must be 2 to 15 lower-case letters and digits, beginning with a letter, without hyphens',
  ),
);

/** What names of APIs, of function folders and of what functions have look like; these may have hyphens. */
const HYPHENATED = /^(?=.{1,32}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** What APIs, tables, queues, secrets, schedules and exits are called. */
export const thing = v.pipe(
  text,
  v.regex(
    HYPHENATED,
    'must be called by up to 32 lower-case letters, digits and single hyphens, beginning with a letter',
  ),
);

/** The functions that log a user in and act for the session; a zone has all of them or none. */
export const LOGIN_FUNCTIONS = ['login', 'callback', 'session', 'logout', 'api'] as const;

/** The functions of the admin zone. */
export const ADMIN_FUNCTIONS = ['rotation', 'key-watch'] as const;

/** The function that validates HelseID access tokens in front of routes with `authorize: 'helseid'`. */
export const AUTHORIZER_FUNCTION = 'authorizer';

/** The function of a zone with `tokens: 'function'` that has tokens and proofs for the others. */
export const TOKENS_FUNCTION = 'tokens';

/** The code that checks webhooks, in front of the function's own in one asset; no function by itself. */
export const WEBHOOK_GUARD = 'webhook-guard';

/** Functions whose place, and time, the system decides. */
export const OWN_FUNCTIONS: readonly string[] = [
  ...LOGIN_FUNCTIONS,
  ...ADMIN_FUNCTIONS,
  AUTHORIZER_FUNCTION,
  TOKENS_FUNCTION,
  WEBHOOK_GUARD,
  'signer',
];

/** A folder below functions/, of a function that the declaration may place. */
export const functionFolder = v.pipe(
  text,
  v.regex(
    HYPHENATED,
    'must be the name of a folder under functions/: up to 32 lower-case letters, digits and single hyphens',
  ),
  v.check(
    (name) => !OWN_FUNCTIONS.includes(name),
    ({ input }) => `can't be ${input}: the system places that function itself; name one of your own`,
  ),
);

/** An https URL of one host; a path is allowed, a trailing slash, query and fragment are not. */
export const baseUrl = refusedBy((url) => {
  if (url.startsWith('http://'))
    return 'is http; HelseID and its APIs are reached by https only: write https://…';
  if (/[?#]/.test(url)) return 'has a query or fragment; write scheme, host and path only';
  if (url.endsWith('/')) return 'ends in a slash; leave it out, paths begin with one';
  const [, host] = /^https:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d+)?(?:\/|$)/.exec(url) ?? [];
  if (host === undefined)
    return 'is no https URL of one host; write https://host or https://host/path, the host in lower case and without wildcards';
  return (
    hostProblem(host) ??
    (isCanonical(`${url}/`) ? undefined : 'is not in canonical form; write it as a browser would show it')
  );
});

/** An issuer identifier (RFC 8414 2), as the signer will read it. */
export const issuer = refusedBy((url) => {
  if (url.startsWith('http://')) return 'is http; an issuer is an https URL (RFC 8414 2): write https://…';
  if (/[?#]/.test(url) || !(isCanonical(url) || isCanonical(`${url}/`)))
    return 'must be an https URL in canonical form, without query, fragment and user information, as in the metadata';
  if (isHelseId(url) && url.endsWith('/'))
    return `ends in a slash, and HelseID's issuer has none; the audience would be wrong: write ${url.replace(/\/+$/, '')}`;
  return hostProblem(new URL(url).hostname);
});

/** HelseID's servers, the conformance ones too, lie under nhn.no. */
export const isHelseId = (url: string): boolean => /(^|\.)nhn\.no$/.test(URL.parse(url)?.hostname ?? '');

/** In canonical form, an https origin, or one with plain path segments. */
export const externalUrl = refusedBy((url) => {
  const parsed = URL.parse(url);
  const path = parsed?.pathname.replace(/^\/$/, '') ?? '';
  return parsed?.protocol === 'https:' &&
    /^(?:\/[A-Za-z0-9._~-]+)*$/.test(path) &&
    url === parsed.origin + path
    ? undefined
    : 'must be an https URL as callers write it, without query, encodings or trailing slash, e.g. https://journal.example.no or https://www.example.no/journal';
});

/** Paths below an API's base URL that a grant covers. */
export const grantedPath = refusedBy((path) => {
  // It is appended to a base URL without a trailing slash: whatever begins otherwise would change the host.
  if (!/^\/(?!\/)/.test(path))
    return "covers another host or path than the API's: begin with one slash, below its base URL, like /v1/*";
  if (/[{}]/.test(path))
    return `has a parameter, and grants know none: write ${path.replace(/\/[^/]*[{}].*$/, '/*')}, which covers everything below`;
  const literal = path.replace(/\/\*$/, '/');
  if (literal.includes('*'))
    return 'has a star in another place than a last /*, which covers everything below';
  return /[?#]/.test(path) || !isCanonical(`https://host.example${literal}`)
    ? 'is not a canonical path: no query, dot segments, double slashes or needless percent-encodings'
    : undefined;
});

/** A host without scheme and port that a zone may be let out to. */
export const hostName = refusedBy((host) =>
  /^[a-z0-9.-]+$/.test(host)
    ? hostProblem(host)
    : `is ${host}: write the host alone, in lower case, like sftp.example.no; it is reached by https`,
);

/** A proxy, by name, also one that only a network of its owner knows, or by an IPv4 address; it is connected to on its port. */
export const proxyUrl = refusedBy((url) => {
  const [, host] = /^https?:\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):[1-9]\d{1,4}$/.exec(url) ?? [];
  if (host === undefined)
    return 'must be scheme, host in lower case and port, without path and credentials, such as http://proxy.example.no:3128';
  if (isIPv4(host)) return undefined;
  return PUBLIC_NAME.test(host) && PRIVATE_NAME.test(host) ? undefined : hostProblem(host);
});

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
function hostProblem(host: string): string | undefined {
  if (host === 'localhost') return undefined;
  if (!PUBLIC_NAME.test(host) || PRIVATE_NAME.test(host))
    return `names the host ${host}, and zones reach names of the public DNS only: write one, like api.example.no`;
  if (AWS_NAME.test(host) && !CUSTOMER_NAME.test(host))
    return `names ${host}, where AWS itself is called; zones call AWS by their own endpoints only: give the API's own host, or that of its API Gateway stage; a database has a name of yours (docs/helsenettet.md)`;
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
