import type { IdTokenClaims } from '@helseid-zones/client/tokens';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { OrganizationDetail } from '@helseid-zones/protocol/intents';
import * as v from 'valibot';

const CLAIM = {
  securityLevel: 'helseid://claims/identity/security_level',
  pid: 'helseid://claims/identity/pid',
  hprNumber: 'helseid://claims/hpr/hpr_number',
} as const;

/** Who logged in, from a validated ID token. Sealed with the session; never in a log. */
export interface Person {
  iss: string;
  sub: string;
  /** National identity number, where the scope was asked for. */
  pid?: string | undefined;
  name?: string | undefined;
  hprNumber?: string | undefined;
}

/** Picks the person out of the claims of a validated ID token. */
export function readPerson(claims: IdTokenClaims): Person {
  return {
    iss: claims.iss,
    sub: claims.sub,
    pid: text(claims[CLAIM.pid]),
    name: text(claims['name']),
    hprNumber: text(claims[CLAIM.hprNumber]),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * The rule SB5 (docs/requirements.md): whether the person who came back is the person who was here. A system with users of its own
 * puts its own rule in.
 */
export type SamePerson = (expected: Person, actual: Person) => boolean;

const COMPARED = ['iss', 'sub', 'pid'] as const;

/** The default rule: the same issuer and `sub`, and the same `pid` as soon as either shows one. Fails closed when the other shows none. */
export const samePerson: SamePerson = (expected, actual) =>
  actual.sub !== '' && COMPARED.every((claim) => expected[claim] === actual[claim]);

/** @throws {ZonesError} person_mismatch: `rule` does not say that both are one person; the facts name the claims that differ, never a value */
export function requireSamePerson(rule: SamePerson, expected: Person, actual: Person): void {
  if (!rule(expected, actual))
    throw new ZonesError(
      'person_mismatch',
      'Somebody else is logged in here; log out before another person logs in.',
      { facts: { differs: COMPARED.filter((claim) => expected[claim] !== actual[claim]).join() } },
    );
}

const LEVELS = ['1', '2', '3', '4'];

/** HelseID's security level of a login, `1` to `4`; nothing where the claim is absent or anything else. Never read from `acr` (HelseID has none). */
export function readSecurityLevel(claims: IdTokenClaims): string | undefined {
  return LEVELS.find((level) => level === claims[CLAIM.securityLevel]);
}

/** @throws {ZonesError} security_level_too_low: the login's level is lower than `demanded`; where none is demanded, anything passes */
export function requireSecurityLevel(claims: IdTokenClaims, demanded: string | undefined): void {
  if (demanded === undefined) return;
  const level = readSecurityLevel(claims);
  if (level === undefined || LEVELS.indexOf(level) < LEVELS.indexOf(demanded))
    throw new ZonesError(
      'security_level_too_low',
      `The login must have security level ${demanded} or higher; log in with a stronger means.`,
      { facts: { demanded, securityLevel: level ?? 'none' } },
    );
}

/** On whose behalf a person works: organisation numbers of nine digits. */
export interface Organization {
  /** The legal entity (multi-tenant clients only). */
  parent?: string;
  /** The sub-unit. */
  child?: string;
}

const number = v.pipe(v.string(), v.regex(/^\d{9}$/));

const SCHEMAS = {
  'single-tenant': v.strictObject({ child: number }),
  'multi-tenant': v.strictObject({ parent: number, child: v.exactOptional(number) }),
};

/**
 * Reads an organisation from what a browser sent. Single-tenant clients name a `child`
 * alone, multi-tenant ones a `parent` and perhaps a `child`. Does not check the control digit or the delegation: the
 * signer does the one, against the zone's grant, and HelseID the other.
 */
export function readOrganization(value: unknown, tenancy: 'single-tenant' | 'multi-tenant'): Organization {
  const read = v.safeParse(SCHEMAS[tenancy], value);
  if (read.success) return read.output;
  throw new ZonesError(
    'request_malformed',
    tenancy === 'multi-tenant'
      ? 'The organization must have parent, and may have child, each of nine digits.'
      : 'The organization must have child, of nine digits, and nothing else.',
  );
}

/** The detail that a signer puts into `assertion_details` or `authorization_details`; none where no organisation was chosen. */
export function organizationDetails(organization: Organization | undefined): OrganizationDetail[] {
  return organization ? [{ type: 'helseid_authorization', ...organization }] : [];
}
