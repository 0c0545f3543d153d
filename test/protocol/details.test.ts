import { isOrganizationNumber, isUuid, renderDetails } from '@helseid-zones/protocol/details';
import type { AssertionDetail, TrustFrameworkDetail } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coded } from '../coded.ts';

const single = { tenancy: 'single-tenant', profile: helseIdProfile } as const;
const multi = { tenancy: 'multi-tenant', profile: helseIdProfile } as const;

const UNIT = { id: '974760673', system: 'urn:oid:2.16.578.1.12.4.1.4.101' };
const RESH = { id: '705592', system: 'urn:oid:2.16.578.1.12.4.1.4.102' };

const trustFramework: TrustFrameworkDetail = {
  type: 'nhn:tillitsrammeverk:parameters',
  practitioner: {
    authorization: { code: 'LE', system: 'urn:oid:2.16.578.1.12.4.1.1.9060' },
    legal_entity: UNIT,
    point_of_care: { ...UNIT, id: '123456785' },
    department: RESH,
  },
  care_relationship: {
    healthcare_service: { code: 'S03', system: 'urn:oid:2.16.578.1.12.4.1.1.8655' },
    purpose_of_use: { code: 'TREAT', system: 'urn:oid:2.16.840.1.113883.1.11.20448' },
    purpose_of_use_details: { code: '15', system: 'urn:oid:2.16.578.1.12.4.1.1.9151' },
    decision_ref: { id: '30f4ab40-dbc2', user_selected: true },
  },
  patients: [{ point_of_care: UNIT, department: RESH }],
};

/** As JSON has it, where a member that is undefined is none. */
const asSent = (rendered: unknown) => JSON.parse(JSON.stringify(rendered));

/** The detail with one member changed. */
const broken = (path: string, value: unknown): AssertionDetail => {
  const copy = structuredClone<object>(trustFramework);
  const names = path.split('.');
  const last = names.pop() ?? '';
  const parent = names.reduce((at, name) => Reflect.get(at, name), copy);
  Reflect.set(parent, last, value);
  return copy as AssertionDetail;
};

describe('organisation numbers', () => {
  test.each(['974760673', '123456785', '999999999', '983658776'])('%s is one', (value) => {
    expect(isOrganizationNumber(value)).toBe(true);
  });

  test.each([
    '',
    '97476067',
    '9747606731',
    '974760674',
    '97476067x',
    ' 974760673',
    '974760673\n',
    '٩٧٤٧٦٠٦٧٣',
  ])('%j is none', (value) => {
    expect(isOrganizationNumber(value)).toBe(false);
  });

  test('modulus 11 leaves at most one check digit, and catches every wrong digit', () => {
    fc.assert(
      fc.property(fc.nat(99_999_999), fc.nat(8), fc.integer({ min: 1, max: 9 }), (body, at, add) => {
        const valid = Array.from(
          { length: 10 },
          (_, digit) => `${String(body).padStart(8, '0')}${digit}`,
        ).filter(isOrganizationNumber);
        expect(valid.length).toBeLessThanOrEqual(1);
        for (const number of valid) {
          const digits = [...number];
          digits[at] = String((Number(digits[at]) + add) % 10);
          expect(isOrganizationNumber(digits.join(''))).toBe(false);
        }
      }),
    );
  });
});

test.each([
  ['30F4AB40-DBC2-41A7-8AC4-181AD3FDC25B', true],
  ['30f4ab40-dbc2-41a7-8ac4-181ad3fdc25b', true],
  ['30f4ab40dbc241a78ac4181ad3fdc25b', false],
  ['{30f4ab40-dbc2-41a7-8ac4-181ad3fdc25b', false],
  ['30f4ab40-dbc2-41a7-8ac4-181ad3fdc25b}', false],
  ['30f4ab40-dbc2-91a7-8ac4-181ad3fdc25b', false],
  ['30f4ab40-dbc2-41a7-cac4-181ad3fdc25b', false],
  ['g0f4ab40-dbc2-41a7-8ac4-181ad3fdc25b', false],
  ['30f4ab40-gbc2-41a7-8ac4-181ad3fdc25b', false],
  ['30f4ab40-dbc2-4ga7-8ac4-181ad3fdc25b', false],
  ['30f4ab40-dbc2-41a7-8gc4-181ad3fdc25b', false],
  ['30f4ab40-dbc2-41a7-8ac4-g81ad3fdc25b', false],
  ['00000000-0000-0000-0000-000000000000', false],
])('%s is a UUID: %s', (value, expected) => {
  expect(isUuid(value)).toBe(expected);
});

describe('the wire form', () => {
  test('single-tenant: the child alone, as one object', () => {
    expect(renderDetails([{ type: 'helseid_authorization', child: '974760673' }], single)).toEqual({
      type: 'helseid_authorization',
      practitioner_role: {
        organization: {
          identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.101', type: 'ENH', value: '974760673' },
        },
      },
    });
  });

  test.each([
    [{ parent: '974760673', child: '123456785' }, 'NO:ORGNR:974760673:123456785'],
    [{ parent: '974760673' }, 'NO:ORGNR:974760673:'],
  ])('multi-tenant: %j is %s', (numbers, value) => {
    expect(renderDetails([{ type: 'helseid_authorization', ...numbers }], multi)).toEqual({
      type: 'helseid_authorization',
      practitioner_role: { organization: { identifier: { system: 'urn:oid:1.0.6523', type: 'ENH', value } } },
    });
  });

  test('several are an array, in their order', () => {
    const journalId = '30f4ab40-dbc2-41a7-8ac4-181ad3fdc25b';
    const rendered = renderDetails(
      [
        { type: 'nhn:sfm:journal-id', journalId },
        { type: 'helseid_authorization', parent: '974760673' },
      ],
      multi,
    );
    expect(rendered).toMatchObject([
      { type: 'nhn:sfm:journal-id', value: { journal_id: journalId } },
      { type: 'helseid_authorization' },
    ]);
  });

  test('the trust framework’s parameters pass as they are, nothing else does', () => {
    expect(renderDetails([trustFramework], single)).toEqual(trustFramework);
    const practitioner = { ...trustFramework.practitioner, pid: 'x' };
    const withMore = { ...trustFramework, more: 1, practitioner };
    expect(renderDetails([withMore], single)).toEqual(trustFramework);
  });

  test('what the trust framework leaves optional is left out', () => {
    const { authorization, legal_entity, point_of_care } = trustFramework.practitioner;
    const { healthcare_service, purpose_of_use } = trustFramework.care_relationship;
    const least = {
      type: trustFramework.type,
      practitioner: { authorization, legal_entity, point_of_care },
      care_relationship: { healthcare_service, purpose_of_use },
      patients: [],
    };
    expect(asSent(renderDetails([least], multi))).toStrictEqual(least);
  });

  test.each([
    ['practitioner.department', UNIT],
    ['practitioner.department', { ...RESH, id: '1234567890' }],
    ['practitioner.authorization.code', `A${'_'.repeat(63)}`],
    ['care_relationship.healthcare_service', { code: 'S03', system: 'urn:oid:2.16.578.1.12.4.1.1.8663' }],
    ['care_relationship.healthcare_service', { code: 'S03', system: 'urn:oid:2.16.578.1.12.4.1.1.8666' }],
    ['care_relationship.purpose_of_use', { code: '1', system: 'urn:oid:1.0.14265.1' }],
    [
      'care_relationship.purpose_of_use_details',
      { code: '1', system: 'urn:AuditEventHL7Norway/CodeSystem/carerelation' },
    ],
    ['care_relationship.decision_ref', { id: '~'.repeat(128), user_selected: false }],
    ['patients', [{ point_of_care: UNIT }, { point_of_care: UNIT, department: UNIT }]],
  ])('the trust framework takes as %s: %j', (path, value) => {
    const detail = broken(path, value);
    expect(asSent(renderDetails([detail], single))).toStrictEqual(detail);
  });
});

const org = (numbers: { parent?: string; child?: string }): AssertionDetail => ({
  type: 'helseid_authorization',
  ...numbers,
});

const BOTH = { parent: '974760673', child: '123456785' };
test.each<[string, AssertionDetail[], typeof single | typeof multi, string]>([
  ['a parent of a single-tenant client', [org(BOTH)], single, 'parent'],
  ['no child of a single-tenant client', [org({})], single, 'child'],
  ['no parent of a multi-tenant client', [org({ child: '123456785' })], multi, 'parent'],
  ['a wrong check digit, child', [org({ child: '974760674' })], single, 'child'],
  ['a wrong check digit, parent', [org({ parent: '974760674' })], multi, 'parent'],
  ['a colon in a number', [org({ parent: '974760673:1' })], multi, 'parent'],
  ['two of one type', [org({ child: '974760673' }), org({ child: '123456785' })], single, 'type'],
  ['SFM of a single-tenant client', [{ type: 'nhn:sfm:journal-id', journalId: 'x' }], single, 'type'],
  ['an SFM journal id that is no UUID', [{ type: 'nhn:sfm:journal-id', journalId: 'x' }], multi, 'journalId'],
])('refused: %s', (_name, details, subject, field) => {
  expect(() => renderDetails(details, subject)).toThrow(coded('details_invalid', undefined, { field }));
});

test.each<[field: string, path: string, value: unknown]>([
  ['authorization.system', 'practitioner.authorization.system', 'urn:oid:1.2.3'],
  ['authorization.code', 'practitioner.authorization.code', '.LE'],
  ['authorization.code', 'practitioner.authorization.code', ' LE'],
  ['authorization.code', 'practitioner.authorization.code', 'LE '],
  ['authorization.code', 'practitioner.authorization.code', 'a'.repeat(65)],
  ['healthcare_service.system', 'care_relationship.healthcare_service.system', 'x'],
  ['purpose_of_use_details.system', 'care_relationship.purpose_of_use_details.system', 'x'],
  ['point_of_care.system', 'practitioner.point_of_care', RESH],
  ['department.system', 'practitioner.department.system', 'x'],
  ['department.id', 'practitioner.department.id', '1x'],
  ['department.id', 'practitioner.department.id', 'x1'],
  ['department.id', 'practitioner.department.id', '12345678901'],
  ['patients.point_of_care.system', 'patients', [{ point_of_care: RESH }]],
  ['decision_ref.id', 'care_relationship.decision_ref.id', 'a'.repeat(129)],
  ['decision_ref.id', 'care_relationship.decision_ref.id', ''],
  ['authorization.code', 'practitioner.authorization.code', 'L E'],
  ['legal_entity.system', 'practitioner.legal_entity', RESH],
  ['legal_entity.id', 'practitioner.legal_entity.id', '974760674'],
  ['patients.department.id', 'patients', [{ point_of_care: UNIT, department: { ...RESH, id: 'x1' } }]],
  ['purpose_of_use.system', 'care_relationship.purpose_of_use.system', 'urn:oid:2.16.578.1.12.4.1.1.9060'],
  ['decision_ref.id', 'care_relationship.decision_ref', { id: 'a b', user_selected: true }],
])('refused: what has the %s wrong, as %s is %j', (field, path, value) => {
  expect(() => renderDetails([broken(path, value)], single)).toThrow(
    coded('details_invalid', undefined, { field }),
  );
});

test.each([
  ['practitioner.department.system', /4\.101 or urn:\S+4\.102\.$/],
  ['practitioner.point_of_care.system', /takes urn:\S+4\.101\.$/],
  ['care_relationship.purpose_of_use.system', /11\.20448, urn:oid:1\.0\.14265\.1\.$/],
])('the refusal of a %s says which there are', (path, systems) => {
  expect(() => renderDetails([broken(path, 'x')], single)).toThrow(systems);
});

test('refused: a type that the issuer’s profile does not know', () => {
  const plain = { tenancy: 'single-tenant', profile: { ...helseIdProfile, detailTypes: [] } } as const;
  expect(() => renderDetails([org({ child: '974760673' })], plain)).toThrow(/detailTypes/);
});

test('a refusal never repeats the value', () => {
  try {
    renderDetails([org({ child: '12345678901' })], single);
    expect.unreachable();
  } catch (error) {
    expect(String(error)).not.toContain('12345678901');
  }
});
