import { ZonesError } from './errors.ts';
import type { AssertionDetail, IdentifiedUnit, OrganizationDetail, TrustFrameworkDetail } from './intents.ts';
import type { IssuerProfile } from './profile.ts';

/** Whose details they are: shapes depend on the tenancy and the issuer. */
export interface DetailsSubject {
  tenancy: 'single-tenant' | 'multi-tenant';
  profile: IssuerProfile;
}

/** Organisation numbers of the central register of units; the sub-unit of a single-tenant client (OID of NHN's libraries). */
const ORGANIZATION_NUMBER = 'urn:oid:2.16.578.1.12.4.1.4.101';
/** Units of the register RESH. */
const RESH_ID = 'urn:oid:2.16.578.1.12.4.1.4.102';
/** `NO:ORGNR:<parent>:<child>`, of multi-tenant clients. */
const PARENT_AND_CHILD = 'urn:oid:1.0.6523';

/** Code systems the trust framework's specification and its published users name, per field. */
const CODE_SYSTEMS = {
  authorization: ['urn:oid:2.16.578.1.12.4.1.1.9060'],
  healthcare_service: [
    'urn:oid:2.16.578.1.12.4.1.1.8655',
    'urn:oid:2.16.578.1.12.4.1.1.8663',
    'urn:oid:2.16.578.1.12.4.1.1.8666',
  ],
  purpose_of_use: ['urn:oid:2.16.840.1.113883.1.11.20448', 'urn:oid:1.0.14265.1'],
  purpose_of_use_details: [
    'urn:oid:2.16.578.1.12.4.1.1.9151',
    'urn:AuditEventHL7Norway/CodeSystem/carerelation',
  ],
} as const;

const CODE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** Whether `value` is a Norwegian organisation number: nine digits, the last one right by modulus 11. Not whether the unit exists. */
export function isOrganizationNumber(value: string): boolean {
  if (!/^\d{9}$/.test(value)) return false;
  const weights = [3, 2, 7, 6, 5, 4, 3, 2];
  const sum = weights.reduce((total, weight, index) => total + weight * Number(value[index]), 0);
  return (11 - (sum % 11)) % 11 === Number(value[8]);
}

/** Whether `value` is a UUID (RFC 9562), in either case. */
export function isUuid(value: string): boolean {
  return UUID.test(value);
}

/**
 * Checks `details` against the client's tenancy and the issuer's profile and renders the wire form of
 * `assertion_details` and `authorization_details`: one object for one detail, an array for several, as NHN's libraries for .NET and Java send them.
 * Does not check that the issuer lets the client act for the organisation, nor what a grant allows.
 *
 * @throws {ZonesError} details_invalid: one is not right; the message names the field, never the value
 */
export function renderDetails(details: readonly AssertionDetail[], subject: DetailsSubject): unknown {
  if (new Set(details.map(({ type }) => type)).size !== details.length)
    throw invalid('type', 'at most one detail of each type');
  const rendered = details.map((detail) => renderDetail(detail, subject));
  return rendered.length === 1 ? rendered[0] : rendered;
}

function renderDetail(detail: AssertionDetail, subject: DetailsSubject): unknown {
  if (!subject.profile.detailTypes.includes(detail.type))
    throw invalid('type', "a type that the issuer's profile lists in detailTypes");
  switch (detail.type) {
    case 'helseid_authorization':
      return renderOrganization(detail, subject);
    case 'nhn:sfm:journal-id':
      if (subject.tenancy === 'single-tenant')
        throw invalid('type', 'a multi-tenant client for SFM journal ids');
      if (!isUuid(detail.journalId)) throw invalid('journalId', 'a UUID');
      return { type: detail.type, value: { journal_id: detail.journalId } };
    case 'nhn:tillitsrammeverk:parameters':
      return renderTrustFramework(detail);
  }
}

function renderOrganization({ type, parent, child }: OrganizationDetail, { tenancy }: DetailsSubject) {
  if (child !== undefined) checkOrganizationNumber('child', child);
  if (tenancy === 'single-tenant') {
    if (parent !== undefined) throw invalid('parent', "no parent: a single-tenant client's is registered");
    if (child === undefined) throw invalid('child', 'a child organisation, or no details at all');
    return organization(type, ORGANIZATION_NUMBER, child);
  }
  if (parent === undefined) throw invalid('parent', 'a parent organisation for a multi-tenant client');
  checkOrganizationNumber('parent', parent);
  return organization(type, PARENT_AND_CHILD, `NO:ORGNR:${parent}:${child ?? ''}`);
}

function organization(type: string, system: string, value: string): unknown {
  return { type, practitioner_role: { organization: { identifier: { system, type: 'ENH', value } } } };
}

/** Composes the object anew, in a fixed order, so that nothing but checked members passes; what is undefined is none in JSON. */
function renderTrustFramework({ type, practitioner, patients, ...rest }: TrustFrameworkDetail): unknown {
  const { authorization, legal_entity, point_of_care, department } = practitioner;
  const { healthcare_service, purpose_of_use, purpose_of_use_details, decision_ref } = rest.care_relationship;
  if (decision_ref && !/^[\x21-\x7e]{1,128}$/.test(decision_ref.id))
    throw invalid('decision_ref.id', '1 to 128 printable ASCII characters');
  return {
    type,
    practitioner: {
      authorization: code('authorization', authorization),
      legal_entity: unit('legal_entity', legal_entity),
      point_of_care: unit('point_of_care', point_of_care),
      department: department && unit('department', department),
    },
    care_relationship: {
      healthcare_service: code('healthcare_service', healthcare_service),
      purpose_of_use: code('purpose_of_use', purpose_of_use),
      purpose_of_use_details:
        purpose_of_use_details && code('purpose_of_use_details', purpose_of_use_details),
      decision_ref: decision_ref && { id: decision_ref.id, user_selected: decision_ref.user_selected },
    },
    patients: patients.map((patient) => ({
      point_of_care: unit('patients.point_of_care', patient.point_of_care),
      department: patient.department && unit('patients.department', patient.department),
    })),
  };
}

function code(field: keyof typeof CODE_SYSTEMS, value: { code: string; system: string }): unknown {
  const systems: readonly string[] = CODE_SYSTEMS[field];
  if (!systems.includes(value.system)) throw invalid(`${field}.system`, `one of ${systems.join(', ')}`);
  if (!CODE.test(value.code)) throw invalid(`${field}.code`, 'a code of letters and digits');
  return { code: value.code, system: value.system };
}

/** Legal entities and points of care are numbered by the central register, departments by RESH or the register. */
function unit(field: string, { id, system }: IdentifiedUnit): unknown {
  const systems = field.endsWith('department') ? [ORGANIZATION_NUMBER, RESH_ID] : [ORGANIZATION_NUMBER];
  if (!systems.includes(system)) throw invalid(`${field}.system`, systems.join(' or '));
  if (system === ORGANIZATION_NUMBER) checkOrganizationNumber(`${field}.id`, id);
  else if (!/^\d{1,10}$/.test(id)) throw invalid(`${field}.id`, 'a RESH id of digits');
  return { id, system };
}

function checkOrganizationNumber(field: string, value: string): void {
  if (!isOrganizationNumber(value))
    throw invalid(field, 'an organisation number of nine digits with a right check digit');
}

function invalid(field: string, wanted: string): ZonesError {
  return new ZonesError('details_invalid', `A detail's ${field} is not right: it takes ${wanted}.`, {
    facts: { field },
  });
}
