import { ZonesError } from '@helseid-zones/protocol/errors';
import type { OrganizationDetail } from '@helseid-zones/protocol/intents';

/** On whose behalf a person works: organisation numbers of nine digits. */
export interface Organization {
  /** The legal entity (multi-tenant clients only). */
  parent?: string;
  /** The sub-unit. */
  child?: string;
}

const NUMBER = /^\d{9}$/;

/**
 * Reads an organisation from what a browser sent. Throws `request_malformed`. Single-tenant clients name a `child`
 * alone, multi-tenant ones a `parent` and perhaps a `child`. Does not check the control digit or the delegation: the
 * signer does the one, against the zone's grant, and HelseID the other.
 */
export function readOrganization(value: unknown, tenancy: 'single-tenant' | 'multi-tenant'): Organization {
  const malformed = (why: string) => new ZonesError('request_malformed', `The organization ${why}.`);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('must be an object');
  const entries = Object.entries(value);
  const known = tenancy === 'multi-tenant' ? ['parent', 'child'] : ['child'];
  if (
    entries.some(
      ([name, number]) => !known.includes(name) || typeof number !== 'string' || !NUMBER.test(number),
    )
  )
    throw malformed(`may have ${known.join(' and ')}, each of nine digits`);
  const fields = Object.fromEntries(entries.map(([name, number]) => [name, String(number)]));
  if (fields[known[0] ?? ''] === undefined) throw malformed(`must have ${known[0]}`);
  return fields;
}

/** The detail that a signer puts into `assertion_details` or `authorization_details`; none where no organisation was chosen. */
export function organizationDetails(organization: Organization | undefined): OrganizationDetail[] {
  return organization ? [{ type: 'helseid_authorization', ...organization }] : [];
}
