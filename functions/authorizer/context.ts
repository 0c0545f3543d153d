import type { Access } from './rules.ts';

const ORGANIZATION = 'helseid://claims/client/claims/';

/** Claims that are handed on, by their name in the authorizer's context. */
const CLAIMS: Readonly<Record<string, string>> = {
  subject: 'sub',
  pidPseudonym: 'helseid://claims/identity/pid_pseudonym',
  hprNumber: 'helseid://claims/hpr/hpr_number',
  securityLevel: 'helseid://claims/identity/security_level',
  orgnrParent: `${ORGANIZATION}orgnr_parent`,
  orgnrChild: `${ORGANIZATION}orgnr_child`,
  orgnrSupplier: `${ORGANIZATION}orgnr_supplier`,
  clientTenancy: 'helseid://claims/client/client_tenancy',
  clientName: 'helseid://claims/client/client_name',
  journalId: 'nhn:sfm:journal-id',
  actor: 'act',
};

/**
 * What the function behind learns of the caller: `event.requestContext.authorizer`, strings only, objects as JSON. The
 * national identity number and the name are left out, because API Gateway may log a context; a function that needs
 * them reads the token, which this check has validated.
 */
export function describeAccess(access: Access): Record<string, string> {
  const handedOn = Object.entries(CLAIMS).flatMap(([name, claim]) => {
    const value = access.claims[claim];
    if (value === undefined || value === null) return [];
    return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
  });
  return {
    clientId: access.clientId,
    scope: access.scopes.join(' '),
    jkt: access.jkt,
    tokenExpires: String(access.expires),
    ...Object.fromEntries(handedOn),
  };
}
