import type { StandInClient } from './types.ts';

const ORGANIZATION_OF_MULTI = 'urn:oid:1.0.6523';
const ORGANIZATION_OF_SINGLE = 'urn:oid:2.16.578.1.12.4.1.4.101';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const PREFIX = 'helseid://claims/client/claims/';

/**
 * Validates `assertion_details` (or a request object's `authorization_details`: one object, or a list of several) for
 * a client and turns it into claims of the access token. Without details a single-tenant client still gets its own
 * legal entity. Checks what HelseID is known to check of their form; who has delegated to whom, and the trust framework's codes, are not looked up.
 */
export function readDetails(value: unknown, client: StandInClient): Reading {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value];
  if (Array.isArray(value) && value.length < 2)
    return refuse(1007, 'one detail is sent as an object, several as a list, none not at all');
  const types = list.map((detail) => member(detail, 'type'));
  if (new Set(types).size !== types.length) return refuse(1007, 'a type of detail occurs twice');

  let claims: Record<string, unknown> = registrationClaims(client);
  for (const detail of list) {
    const read = READERS[String(member(detail, 'type'))];
    if (!read) return refuse(1007, 'the type of detail is not known');
    const result = read(detail, client);
    if ('refused' in result) return result;
    claims = { ...claims, ...result.claims };
  }
  return { claims };
}

/** What details become in the access token, or why HelseID refuses them; the number is HelseID's own. */
type Reading = { claims: Record<string, unknown> } | { refused: `HID-${number}`; reason: string };
type Reader = (detail: unknown, client: StandInClient) => Reading;

const READERS: Record<string, Reader | undefined> = {
  helseid_authorization: (detail, client) => {
    const identifier = member(member(member(detail, 'practitioner_role'), 'organization'), 'identifier');
    const [system, type, number] = ['system', 'type', 'value'].map((name) => member(identifier, name));
    if (type !== 'ENH' || typeof number !== 'string') return refuse(1007, 'the identifier is not to spec');
    return client.tenancy === 'multi-tenant'
      ? readMultiTenant(system, number)
      : readSingleTenant(system, number);
  },
  'nhn:sfm:journal-id': (detail, client) => {
    const id = member(member(detail, 'value'), 'journal_id');
    if (client.tenancy !== 'multi-tenant')
      return refuse(1010, 'only a multi-tenant client sends a journal id');
    if (typeof id !== 'string' || !UUID.test(id)) return refuse(1007, 'journal_id is not a UUID');
    return { claims: { 'nhn:sfm:journal-id': id } };
  },
  'nhn:tillitsrammeverk:parameters': (detail) => {
    const { type: _, ...parameters } = detail as Record<string, unknown>;
    const { practitioner, care_relationship: relationship, patients } = parameters;
    if (typeof practitioner !== 'object' || typeof relationship !== 'object' || !Array.isArray(patients))
      return refuse(1007, 'the parameters are incomplete');
    return { claims: { 'nhn:tillitsrammeverk:parameters': parameters } };
  },
};

function readMultiTenant(system: unknown, value: string): Reading {
  if (system !== ORGANIZATION_OF_MULTI) return refuse(1007, `the system must be ${ORGANIZATION_OF_MULTI}`);
  const [no, orgnr, parent = '', child = '', ...rest] = value.split(':');
  if (no !== 'NO' || orgnr !== 'ORGNR' || rest.length > 0)
    return refuse(1007, 'the value must be NO:ORGNR:parent:child');
  if (!isNumber(parent) || (child && !isNumber(child)))
    return refuse(1004, 'an organisation number has nine digits');
  const ofChild = child ? { [`${PREFIX}orgnr_child`]: child } : {};
  return { claims: { [`${PREFIX}orgnr_parent`]: parent, ...ofChild } };
}

function readSingleTenant(system: unknown, value: string): Reading {
  if (system === ORGANIZATION_OF_MULTI)
    return refuse(1005, 'a single-tenant client may not name a legal entity');
  if (system !== ORGANIZATION_OF_SINGLE) return refuse(1007, `the system must be ${ORGANIZATION_OF_SINGLE}`);
  if (!isNumber(value)) return refuse(1004, 'an organisation number has nine digits');
  return { claims: { [`${PREFIX}orgnr_child`]: value } };
}

function registrationClaims(client: StandInClient): Record<string, unknown> {
  const { tenancy, parent, name } = client;
  return {
    'helseid://claims/client/client_tenancy': tenancy,
    'helseid://claims/client/client_name': name ?? client.clientId,
    ...(tenancy === 'single-tenant' && parent ? { [`${PREFIX}orgnr_parent`]: parent } : {}),
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function isNumber(value: string): boolean {
  return /^\d{9}$/.test(value);
}

function refuse(code: number, reason: string): Reading {
  return { refused: `HID-${code}`, reason };
}
