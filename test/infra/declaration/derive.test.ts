import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { expect, test } from 'vitest';
import { functionConcurrency, signerConcurrency } from '../../../infra/declaration/concurrency.ts';
import { allowedHosts, deriveGrants, deriveZoneConfig } from '../../../infra/declaration/derive.ts';
import { zoneFunctions } from '../../../infra/declaration/names.ts';
import { physicalNames } from '../../../infra/declaration/physical-names.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { coded } from '../../coded.ts';
import system from '../../one-client.zones.ts';

const issuer = 'https://helseid-sts.test.nhn.no';

test('one grant a zone and client, the admin zone’s derived', () => {
  expect(deriveGrants(system).map(({ zone, client }) => [zone, client])).toEqual([
    ['public', 'journal'],
    ['internal', 'journal'],
    ['admin', 'journal'],
  ]);
});

test('concurrency is reserved as declared: a signer’s, a function’s, one for rotation and key watch; or none at all', () => {
  const { public: entry } = system.zones;
  const declared = {
    ...system,
    zones: { ...system.zones, public: { ...entry, reservedConcurrency: { summary: 7 } } },
  };
  const reserved = (of: SystemDeclaration) => [
    signerConcurrency(of, { zone: 'public', client: 'journal' }),
    ...['summary', 'login'].map((name) => functionConcurrency(of, 'public', name)),
    ...['rotation', 'key-watch'].map((name) => functionConcurrency(of, 'admin', name)),
  ];
  expect(reserved(declared)).toEqual([10, 7, undefined, 1, 1]);
  expect(reserved({ ...declared, reservedConcurrency: 'none' })).toEqual(Array(5).fill(undefined));
});

test.each([
  [{}, 10],
  [{ signaturesPerSecond: 1 }, 1],
  [{ signaturesPerSecond: 500 }, 5],
  [{ signaturesPerSecond: 501 }, 6],
  [{ signaturesPerSecond: 500, signerConcurrency: 7 }, 7],
])('a signer of a grant with %j reserves %i', (more, expected) => {
  const { public: entry } = system.zones;
  const grants = (entry?.grants ?? []).map((grant) => ({ ...grant, ...more }));
  const declared = { ...system, zones: { ...system.zones, public: { ...entry, grants } } };
  const zone = { zone: 'public', client: 'journal' };
  expect(signerConcurrency(declared as unknown as SystemDeclaration, zone)).toBe(expected);
});

test('a grant names the issuer’s origin for POST and each API by base path and pattern', () => {
  const [, internal] = deriveGrants(system);
  expect(internal).toEqual({
    version: 1,
    system: 'journal',
    zone: 'internal',
    client: 'journal',
    clientId: system.clients.journal.clientId,
    issuer,
    tenancy: 'single-tenant',
    profile: helseIdProfile,
    assertions: { details: [{ type: 'helseid_authorization', child: '*' }] },
    proofs: [
      { origin: issuer, methods: ['POST'], paths: ['/*'], ath: false },
      {
        origin: 'https://documents.example.no',
        methods: ['POST'],
        paths: ['/fhir/DocumentReference'],
        ath: true,
      },
    ],
    requestObjects: false,
  });
});

test('the admin zone gets proofs for the keys of the self-service API, and no details', () => {
  const admin = deriveGrants(system).find((grant) => grant.zone === 'admin');
  expect(admin?.assertions).toEqual({ details: 'none' });
  expect(admin?.requestObjects).toBe(false);
  expect(admin?.proofs).toEqual([
    { origin: issuer, methods: ['POST'], paths: ['/*'], ath: false },
    {
      origin: 'https://api.selvbetjening.test.nhn.no',
      methods: ['GET', 'POST'],
      paths: ['/v1/client-secret'],
      ath: true,
    },
  ]);
});

test('an issuer with a path is granted by its origin', () => {
  const { journal } = system.clients;
  const withPath = {
    ...system,
    clients: { journal: { ...journal, issuer: 'https://sts.example.no/session' } },
  };
  expect(deriveGrants(withPath)[0]?.proofs[0]?.origin).toBe('https://sts.example.no');
});

test('a zone function is told its zone’s clients and APIs, and no other', () => {
  const config = deriveZoneConfig(system, 'public', 'summary');
  expect(Object.keys(config.apis)).toEqual(['summaries']);
  expect(config.apis['summaries']?.clients).toEqual(['journal']);
  expect(config.rotation).toBeUndefined();
  expect(config.login).toBeUndefined();
});

test('a function behind the gateway is told its own routes and how they are authorized', () => {
  expect(deriveZoneConfig(system, 'public', 'summary').routes).toEqual([
    { method: 'GET', path: '/summaries/{id}', authorize: 'iam' },
  ]);
  for (const [zone, name] of [
    ['public', 'login'],
    ['internal', 'worker'],
    ['admin', 'rotation'],
  ] as const)
    expect(deriveZoneConfig(system, zone, name).routes).toEqual([]);
});

test('login and authorizer are told one external URL, and nobody else', () => {
  const { public: open } = system.zones;
  const demands = { otherAudiences: false, proofAge: 10, clockSkew: 5 };
  const authorizer = { client: 'journal', audience: 'a', scopes: ['a/read'], ...demands };
  const route = { method: 'GET', path: '/own', function: 'summary', authorize: 'helseid' } as const;
  const routes = [...open.gateway.routes, route];
  const gateway = { ...open.gateway, routes, baseUrl: 'https://www.example.no/journal', authorizer };
  const own = { ...system, zones: { ...system.zones, public: { ...open, gateway } } };
  for (const name of ['login', 'api', 'authorizer'])
    expect(deriveZoneConfig(own, 'public', name).baseUrl).toBe('https://www.example.no/journal');
  expect(deriveZoneConfig(own, 'public', 'summary').baseUrl).toBeUndefined();
  expect(deriveZoneConfig(system, 'public', 'login').baseUrl).toBeUndefined();
});

test.each(['sumary', 'constructor', ''])('a function that a zone lacks, "%s", is told nothing', (name) => {
  expect(() => deriveZoneConfig(system, 'public', name)).toThrow(
    coded('declaration_invalid', /The zone public has no function .*: .*\bsummary\b/),
  );
});

test('the functions of user login are told what was declared', () => {
  for (const name of ['login', 'callback', 'session', 'logout', 'api'])
    expect(deriveZoneConfig(system, 'public', name).login).toEqual(system.zones.public.gateway.login);
});

test('the admin zone’s functions are told how keys live', () => {
  const { rotation, apis } = deriveZoneConfig(system, 'admin', 'rotation');
  expect(apis).toEqual({});
  const declared = { algorithm: 'ES256', everyDays: 60, longestTokenLifetime: 3600 };
  expect(rotation?.['journal']).toMatchObject(declared);
});

test('egress is what the zone’s grants name, and self-service is the admin zone’s alone', () => {
  expect(allowedHosts(system, 'public')).toEqual(['helseid-sts.test.nhn.no', 'summaries.example.no']);
  expect(allowedHosts(system, 'internal')).toEqual(['documents.example.no', 'helseid-sts.test.nhn.no']);
  expect(allowedHosts(system, 'admin')).toEqual(['api.selvbetjening.test.nhn.no', 'helseid-sts.test.nhn.no']);
});

test('a zone’s functions follow from its entries', () => {
  expect(zoneFunctions(system.zones.public).join()).toBe('api,callback,login,logout,session,summary');
  expect(zoneFunctions(system.zones.internal)).toEqual(['worker']);
  expect(zoneFunctions(system.zones.admin)).toEqual(['key-watch', 'rotation']);
});

test('physical names are fixed by the declaration', () => {
  const all = physicalNames(system);
  const names = all.map(({ name }) => name);
  expect(names).toContain('journal-signer-journal-public');
  expect(names).toContain('journal-public-summary');
  expect(names).toContain('journal/client/journal');
  expect(names).toContain('journal-boundary-internal');
  expect(new Set(all.map(({ kind, name }) => `${kind} ${name}`)).size).toBe(names.length);
});

test('an unknown zone is a coded error', () => {
  expect(() => allowedHosts(system, 'nowhere')).toThrow(coded('declaration_invalid'));
});
