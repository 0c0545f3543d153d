import { renderDetails } from './details.ts';
import { ZonesError } from './errors.ts';
import type { Grant, GrantedTarget } from './grant.ts';
import type { AssertionDetail, Intent, ProofIntent } from './intents.ts';
import { canonicalUrl } from './url.ts';

/** What is decided by: a whole {@link Grant} fits. */
type Allowed = Omit<Grant, 'version' | 'system' | 'zone' | 'clientId'>;

/**
 * Decides whether `grant` allows a parsed intent (I3) and answers what the intent is aimed at, as the audit names it:
 * the issuer, or method and granted pattern; never the path itself, which may name a patient.
 * Does not look at the key.
 * @throws {ZonesError} grant_refused, details_invalid, intent_malformed: `facts.field` says what for
 */
export function checkGrant(intent: Intent, grant: Allowed): string {
  if (intent.client !== grant.client) throw refused('client', `signs for the client ${grant.client} only`);
  if (intent.kind === 'dpop_proof') return checkProof(intent, grant.proofs);
  if (intent.issuer !== grant.issuer)
    throw refused('issuer', "signs for its client's issuer only, spelled exactly");
  if (intent.kind === 'client_assertion') {
    checkDetails(intent.assertionDetails, grant);
    return grant.issuer;
  }
  if (!grant.requestObjects) throw refused('kind', 'signs no request objects');
  checkDetails(intent.authorizationDetails, grant);
  return grant.issuer;
}

function checkProof({ method, url, ath }: ProofIntent, targets: readonly GrantedTarget[]): string {
  const { origin, path } = canonicalUrl(url);
  const covering = targets.flatMap((target) => {
    const pattern = target.paths.find((candidate) => matchesPath(candidate, path));
    return target.origin === origin && target.methods.includes(method) && pattern !== undefined
      ? [{ target, pattern }]
      : [];
  });
  const granted = covering.find(({ target }) => target.ath || ath === undefined);
  if (granted) return `${method} ${origin}${granted.pattern}`;
  if (covering.length > 0)
    throw refused(
      'ath',
      "makes proofs for its issuer's endpoints without ath only; where an API lies at that origin, add the call to the zone's grant in zones.ts",
    );
  throw refused('url', "makes no proof for this method and URL; add it to the zone's grant in zones.ts");
}

/** Whether a granted pattern covers a canonical path: exactly, or everything below where the pattern ends in a slash and a star. */
export function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

function checkDetails(details: readonly AssertionDetail[] | undefined, grant: Allowed): void {
  if (details === undefined) return;
  const { details: allowed } = grant.assertions;
  if (allowed === 'none') throw refused('assertionDetails', 'takes no organisation details');
  renderDetails(details, grant);
  if (allowed === 'any') return;
  if (!details.every((detail) => allowed.some((candidate) => matchesDetail(candidate, detail))))
    throw refused(
      'assertionDetails',
      `takes only the details that its grant lists, with the same members: ${allowed.map(({ type, ...members }) => [type, ...Object.keys(members)].join(' ')).join(', ')}`,
    );
}

/** What a list's entry can say of a detail. */
type Named = { type: string } & { [Member in 'parent' | 'child' | 'journalId']?: string | undefined };

/** A member absent from the list's entry must be absent; `*` takes any valid value, but takes one. */
function matchesDetail(allowed: Named, detail: Named): boolean {
  const members = ['parent', 'child', 'journalId'] as const;
  return allowed.type === detail.type && members.every((each) => matchesValue(allowed[each], detail[each]));
}

function matchesValue(allowed: string | undefined, value: string | undefined): boolean {
  return allowed === '*' ? value !== undefined : allowed === value;
}

function refused(field: string, why: string): ZonesError {
  return new ZonesError('grant_refused', `This signer ${why}.`, { facts: { field } });
}
