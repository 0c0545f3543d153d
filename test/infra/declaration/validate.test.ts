import { parseGrant } from '@helseid-zones/protocol/grant';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import multiTenant from '../../../examples/multi-tenant.zones.ts';
import { defineSystem, findProblems } from '../../../infra/declaration/define.ts';
import { deriveGrants } from '../../../infra/declaration/derive.ts';
import { anyUrl } from '../../any-text.ts';
import { coded } from '../../coded.ts';
import { full } from '../../full.ts';
import shipped from '../../two-clients.zones.ts';
import { ABSENT, changed, FULL } from './change.ts';

const DETAIL = 'zones.internal.grants[0].details[0]';
const PATH = 'zones.internal.grants[0].apis[0].paths[0]';
const ROUTE = 'zones.public.gateway.routes[0]';
const AUTHORIZER = 'zones.public.gateway.authorizer';
const GRANT = 'zones.internal.grants[0]';
const OPEN = { method: 'GET', path: '/', function: 'summary', authorize: 'helseid' };
const LOGIN = 'zones.public.gateway.login';
const SELF_SERVICE = 'clients.journal.selfService.baseUrl';
const API_GATEWAY = 'execute-api.eu-north-1.amazonaws.com';
const FUNCTION_URL = 'lambda-url.eu-north-1.on.aws';
const words = (text: string) => text.trim().split(/\s+/);
/** Forms of an address, by what follows this. */
const below = (base: string, text: string) => words(text).map((rest) => `${base}${rest}`);

describe('accepted', () => {
  test.each([
    ['zones.ts', shipped],
    ['the example of a multi-tenant client', multiTenant],
    ['a system with everything', FULL],
  ])('%s', (_name, declaration) => {
    expect(findProblems(declaration)).toEqual([]);
    expect(defineSystem(declaration)).toEqual(declaration);
  });

  const accepted: Record<string, unknown[]> = {
    'clients.vendor.issuer': ['https://as.example.org/'],
    'clients.journal.issuer': [
      'https://samsvarstesting-sts-test.helseid.sky.nhn.no/0f1e',
      'https://localhost:3443',
    ],
    'apis.documents.baseUrl': below(
      'https://',
      `localhost:3445/fhir api2.selvbetjening.test.nhn.no a1b2c3.${API_GATEWAY}/live a1b2c3.${FUNCTION_URL}
      kms.myamazonaws.com xn--sykehus-p1a.xn--fiqs8s 127.example.no`,
    ),
    'zones.public.gateway.baseUrl': ['https://www.example.no/journal/v1', 'https://www.example.no:8443'],
    'clients.journal.algorithm': ['ES512'],
    'clients.journal.custody': ['awskms:'],
    'zones.internal.grants[0].apis[0].paths': [['/*']],
    'zones.internal.grants[0].details': ['any'],
    'zones.partner.cidr': ['10.20.16.0/20'],
    'clients.journal.profile.assertionTyp': ['JWT', 'application/client-authentication+jwt'],
    'zones.internal.reservedConcurrency.worker': [5, 1000],
    reservedConcurrency: ['none', 'declared'],
    'zones.internal.availabilityZones': [1, 3],
    'zones.partner.events.function': ['submit-document'],
    'apis.my-own-api': [FULL.apis['documents']],
    'zones.public.gateway.routes[0].path': ['/files/{path+}', '/Patient/{id}/$everything'],
    'zones.public.gateway.routes': [
      ['/summaries/{id}', '/summaries/{id}/lines/{line}', '/letters/{nr}'].map((path) => ({
        ...OPEN,
        path,
        authorize: 'iam',
      })),
    ],
    'apis.documents.resource': ['urn:example:documents'],
    'clients.journal.selfService.baseUrl': ['https://keys.nhn.no/v1'],
    'apis.summaries.baseUrl': ['https://helseid-sts.test.nhn.no'],
    'apis.documents.scopes': [['nhn:selvbetjening/clients']],
    'apis.documents.audience': ['nhn:selvbetjening2'],
    name: ['cdkjournal'],
    alarms: [{ DurationUsed: 100, MemoryUsed: 100, DaysToExpiry: 120 }],
    'zones.internal.cidr': ['172.31.0.0/16', '192.168.0.0/20', '100.127.240.0/20'],
    [`${LOGIN}.forward[0].path`]: ['/summaries/{id}/..x'],
  };
  const cases = Object.entries(accepted).flatMap(([field, values]) =>
    values.map((value) => [field, value] as const),
  );
  test.each(cases)('%s as %j', (path, value) => {
    expect(findProblems(changed(path, value))).toEqual([]);
  });
});

const BASE = 'apis.documents.baseUrl';
const SELVBETJENING = 'api.selvbetjening.test.nhn.no';
const SCOPE = 'nhn:selvbetjening/client';
const SCOPES = ['apis.documents.scopes[0]', `${LOGIN}.scopes[1]`, 'clients.journal.selfService.scope'];

/** Field that is changed, its value, what the message must say, and the field it names if another. */
type Refused = [field: string, value: unknown, message: RegExp, named?: string];

/** Value, message and field named, by the field that is changed. */
const BY_FIELD: Record<string, [value: unknown, message: RegExp, named?: string][]> = {
  'zones.public.grants[0].apis[0].api': [['nowhere', /nowhere.*not declared.*documents, summaries/]],
  alarms: [
    [{ DurationUsed: 101 }, /100 at most/],
    [{ MemoryUsed: 150 }, /100 at most/],
    [{ MemoryUsed: 0 }, /1/, 'alarms.MemoryUsed'],
  ],
  'zones.internal.cidr': [
    ['10.10.8.0/22', /overlaps zones\.public\.cidr \(10\.10\.0\.0\/20\)/],
    ['10.30.0.0/16', /overlaps signing\.cidr/],
    ['10.020.0.0/20', /leading zeros/],
    ['10.20.0.0', /IPv4 range/],
    ['10.0.0.0/8', /\/16 to \/24/],
    ['10.20.0.0/28', /\/16 to \/24/],
    ['10.20.1.0/20', /first address/],
    ['10.256.0.0/20', /IPv4 range/],
  ],
  'apis.documents.baseUrl': [
    ['http://documents.example.no', /https only/],
    ['https://*.example.no', /one host/],
    ['https://documents.example.no/', /leave it out/],
    ['https://documents.example.no/a?b', /query/],
    ['https://u@documents.example.no', /one host/],
    ['https://Documents.example.no', /lower case/],
    ['https://documents.example.no/a/../b', /canonical/],
    ['https://documents.example.no:443', /canonical/],
    ['https://api.selvbetjening.test.nhn.no/v1', /only the admin zone/],
    [`https://${SELVBETJENING}:8443/v1`, /on any port/],
    ['https://helseid-sts.test.nhn.no/api', /POST at the origin of .*issuer/, `${GRANT}.apis[0].methods`],
  ],
  'clients.journal.issuer': [
    ['http://helseid-sts.test.nhn.no', /is http/],
    ['https://helseid-sts.test.nhn.no/', /write https:\/\/helseid-sts\.test\.nhn\.no$/],
    ['https://helseid-sts.nhn.no/', /ends in a slash/],
    ['https://samsvarstesting-sts-test.helseid.sky.nhn.no/0f1e/', /ends in a slash/],
    [ABSENT, /^is missing$/],
  ],
  'clients.journal.selfService.baseUrl': [
    ['http://api.nhn.no', /https only/],
    ['https://api.nhn.no/', /slash/],
    ['https://helseid-sts.test.nhn.no/v1', /clients\.journal\.issuer/],
    ['https://as.example.org:8443', /clients\.vendor\.issuer.*only the admin zone/],
  ],
  [`${LOGIN}.origin`]: [['https://journal.example.no', /not a field of the declaration/]],
  'clients.journal.algorithm': [
    ['RS256', /no RS algorithm.*ES256.*PS512/],
    ['RS512', /no RS algorithm/],
    ['none', /choose one of/],
  ],
  [PATH]: [
    ['.evil.example/*', /covers another host/],
    ['@evil.example/*', /covers another host/],
    ['https://evil.example/*', /covers another host/],
    ['//evil.example/*', /covers another host/],
    ['*', /covers another host/],
    ['/a/*/b', /last \/\*/],
    ['/a*', /last \/\*/],
    ['/x/{id}', /write \/x\/\*,/],
    ['/{id}/lines', /write \/\*,/],
    ['/a/x-{id}/lines/*', /write \/a\/\*,/],
    ['/a/../*', /canonical path/],
    ['/a?b', /canonical path/],
    ['/a%2Fb', /canonical path/],
  ],
  'zones.signing': [[FULL.zones['internal'], /name of the signing zone/]],
  'zones.signer': [[FULL.zones['internal'], /choose another/]],
  'clients.journal.custody': [
    ['file:', /is file:, .*"Use of Client Secrets".*use awskms:, or a client of its own/],
    ['postgres:', /is postgres:, .*"Use of Client Secrets"/],
    ['secretsmanager:', /is secretsmanager:, .*"Use of Client Secrets"/],
    ['pkcs11:', /must be awskms:$/],
    ['kms', /must be awskms:$/],
  ],
  name: [
    ['cdk', /deploying roles/],
    ['aws', /somebody else's/],
    ['my-journal', /without hyphens/],
    ['j', /2 to 15/],
    ['journalsofnorway', /2 to 15/],
    [1, /expected string/],
  ],
  'clients.a-b': [[FULL.clients['vendor'], /without hyphens/]],
  'zones.Internal': [[FULL.zones['partner'], /lower-case/]],
  'zones.public-b': [[FULL.zones['partner'], /without hyphens/]],
  'apis.a_b': [[FULL.apis['documents'], /lower-case/]],
  [`apis.${'a'.repeat(33)}`]: [[FULL.apis['documents'], /up to 32/]],
  clients: [[{}, /at least one/, 'clients']],
  'clients.journal.clientId': [['a b', /without spaces/]],
  'clients.vendor.issuer': [
    ['https://as.example.org?x', /without query/],
    ['https://u@as.example.org', /user information/],
    ['helseid', /https URL/],
    [`https://${SELVBETJENING}:8443`, /clients\.vendor\.issuer/, SELF_SERVICE],
  ],
  'clients.journal.profile.assertionLifetime': [[11, /at most 10 seconds for HelseID/]],
  'clients.vendor.profile.assertionLifetime': [[61, /at most 60 seconds$/]],
  'clients.journal.profile.assertionBackdate': [[61, /at most 60/]],
  'clients.journal.profile.assertionTyp': [['dpop+jwt', /must differ/, 'clients.journal.profile']],
  'clients.journal.profile.requestObjectTyp': [
    ['client-authentication+jwt', /must differ/, 'clients.journal.profile'],
    ['application/Client-Authentication+JWT', /must differ/, 'clients.journal.profile'],
  ],
  'clients.journal.profile.idTokenAlgorithm': [['none', /RS256/]],
  'clients.journal.profile.logoutTokenTyp': [['JWT', /only be logout\+jwt/]],
  'clients.journal.profile.accessTokenAlgorithm': [['none', /RS256/]],
  'clients.vendor.rotation.everyDays': [
    [730, /365/],
    [0.5, /whole number/],
    [0, /at least 1/],
  ],
  'clients.vendor.rotation.longestTokenLifetime': [
    [30 * 86_400, /shorter than the time between/],
    [1, /at least 60/],
  ],
  'apis.documents.scopes': [
    [[], /at least one/],
    [[SCOPE], /admin zone/, 'apis.documents.scopes[0]'],
  ],
  'apis.documents.scopes[0]': [['a b', /one scope/]],
  'apis.documents.audience': [
    ['', /empty/],
    ['nhn:selvbetjening', /admin zone/],
    ['nhn:selvbetjening\u200b', /invisible/],
  ],
  'apis.documents.resource': [
    ['documents', /absolute URI/],
    ['nhn:selvbetjening', /admin zone/],
  ],
  [`${LOGIN}.scopes[1]`]: [[SCOPE, /admin zone/]],
  [AUTHORIZER]: [
    [{ client: 'journal', audience: 'a', scopes: ['a b'] }, /one scope/, `${AUTHORIZER}.scopes[0]`],
    [{ client: 'nobody', audience: 'a', scopes: ['b'] }, /has a grant for: journal/, `${AUTHORIZER}.client`],
  ],
  'clients.journal.selfService.audience': [['nhn:selvbetjening ', /no spaces/]],
  'signing.cidr': [
    ['010.30.0.0/20', /leading zeros/],
    ['x', /IPv4 range/],
  ],
  'zones.partner.account': [['11112222333', /twelve digits/]],
  'zones.admin.account': [['111122223333', /CreateKey/]],
  'zones.admin': [[ABSENT, /need one admin zone/, 'zones']],
  'zones.second': [
    [{ cidr: '10.70.0.0/20', admin: true, grants: [] }, /2 admin zones \(admin, second\)/, 'zones'],
  ],
  'zones.admin.events': [[FULL.zones['internal']?.events, /Secrets Manager alone/, 'zones.admin']],
  'zones.admin.grants': [[FULL.zones['internal']?.grants, /must be empty/]],
  'zones.internal.gateway': [[{ routes: [] }, /at least one/, 'zones.internal.gateway.routes']],
  [`${ROUTE}.function`]: [
    ['../signer', /folder under functions/],
    ['signer', /places that function itself/],
  ],
  'zones.internal.reservedConcurrency.worker': [
    [0, /at least 1/],
    [1001, /at most 1000/],
    [4, /at least 5.*queue/],
  ],
  'zones.internal.reservedConcurrency.nobody': [[5, /no function.*worker/]],
  'zones.admin.reservedConcurrency.rotation': [[2, /no function/]],
  reservedConcurrency: [['some', /expected/]],
  'signing.availabilityZones': [[4, /expected/]],
  'zones.internal.events.function': [
    ['a'.repeat(33), /up to 32/],
    ['rotation', /places that function itself/],
  ],
  [`${ROUTE}.path`]: [
    ['summaries', /resource path/],
    ['/summaries/../{id}', /resource path/],
    ['/summaries/:id', /parameters are whole segments in braces/],
    ['/summaries/x{id}', /whole segments/],
  ],
  [`${ROUTE}.method`]: [['FETCH', /expected/]],
  [`${ROUTE}.authorize`]: [
    ['none', /expected/],
    ['helseid', /which|say/, 'zones.public.gateway.authorizer'],
  ],
  'zones.public.gateway.routes[1]': [
    [{ method: 'GET', path: '/summaries/{other}', function: 'summary', authorize: 'iam' }, /a second time/],
    [{ method: 'GET', path: '/callback', function: 'summary', authorize: 'iam' }, /user login has routes/],
    [
      { method: 'GET', path: '/summaries/{rest+}', function: 'summary', authorize: 'iam' },
      /has \{rest\+\} where another route has \{id\}/,
      'zones.public.gateway.routes[1].path',
    ],
  ],
  'zones.open': [
    [
      { cidr: '10.80.0.0/20', grants: [], gateway: { routes: [OPEN] } },
      ...([/which issuer's tokens/, 'zones.open.gateway.routes[0].authorize'] as const),
    ],
  ],
  'zones.internal.events.sources[0]': [['journal\u001b[2J', /invisible/]],
  'zones.internal.events.detailTypes[0]': [['\u202eDocument', /invisible/]],
  'zones.internal.events.sources': [[[], /at least one/]],
  'zones.internal.grants[0].client': [
    ['nobody', /nobody.*not declared.*journal, vendor/],
    ['constructor', /not declared/],
  ],
  'zones.internal.grants[1]': [
    [{ client: 'journal', apis: [] }, /put both into one/, 'zones.internal.grants[1].client'],
  ],
  'zones.internal.grants[0].apis[1]': [
    [FULL.zones['internal']?.grants[0]?.apis[0], /granted twice/, 'zones.internal.grants[0].apis[1].api'],
  ],
  'zones.internal.grants[0].apis[0].methods': [[[], /at least one/]],
  'zones.internal.grants[0].apis[0].methods[0]': [['CONNECT', /expected/]],
  'zones.internal.grants[0].apis[0].paths': [[[], /at least one/]],
  'zones.internal.grants[0].signaturesPerSecond': [
    [0, /at least 1/],
    [100_001, /at most 100000/],
  ],
  'zones.internal.grants[0].signerConcurrency': [
    [0, /at least 1/],
    [1001, /at most 1000/],
  ],
  [`${DETAIL}.parent`]: [['974760673', /can't be set/]],
  [`${DETAIL}.child`]: [
    [ABSENT, /must be set/],
    ['974760674', /check digit/],
  ],
  'zones.partner.grants[0].details[0].parent': [[ABSENT, /must be set/]],
  [DETAIL]: [
    [{ type: 'nhn:sfm:journal-id', journalId: '*' }, /multi-tenant/, `${DETAIL}.type`],
    [{ type: 'x' }, /expected/, `${DETAIL}.type`],
  ],
  'zones.partner.grants[0].details[0]': [
    [{ type: 'nhn:sfm:journal-id', journalId: 'x' }, /UUID/, 'zones.partner.grants[0].details[0].journalId'],
  ],
  'zones.internal.grants[0].details': [[[], /empty list/]],
  'clients.journal.profile.detailTypes': [
    [[], /knows no organisation details/, 'zones.internal.grants[0].details'],
    [['nhn:sfm:journal-id'], /detailTypes/, `${DETAIL}.type`],
  ],
  [`${LOGIN}.client`]: [
    ['nobody', /not declared/],
    ['vendor', /no grant in this zone/],
  ],
  [`${LOGIN}.scopes`]: [
    [['profile'], /openid/],
    [['openid', 'openid'], /twice/, `${LOGIN}.scopes[1]`],
  ],
  'zones.public.grants[0].requestObjects': [[false, /requestObjects: true/, `${LOGIN}.requestObject`]],
  [`${LOGIN}.idleMinutes`]: [[481, /not be longer/]],
  [`${LOGIN}.onBehalfOf`]: [['123', /organisation number/]],
  [`${LOGIN}.forward[0].api`]: [['documents', /lacks/]],
  [`${LOGIN}.forward[0].method`]: [['DELETE', /makes no proof/, `${LOGIN}.forward[0]`]],
  [`${LOGIN}.forward[0].to`]: [
    ['/v2/summaries/{id}', /makes no proof/, `${LOGIN}.forward[0]`],
    ['/v1/summaries/{nr}', /parameters that path has/],
    ['/v1/summaries/../{id}', /dot segments/],
    ['/v1/summaries/..', /dot segments/],
    ['/v1/./summaries/{id}', /dot segments/],
  ],
  [`${LOGIN}.forward[0].path`]: [
    ['/summaries/../{id}', /must be a path like/],
    ['/summaries/{id+}', /whole segments/],
    ['/summaries/~{id}', /must be a path like/],
  ],
  [`${LOGIN}.forward[0].headers`]: [[['If-Match'], /lower case/, `${LOGIN}.forward[0].headers[0]`]],
  [`${LOGIN}.forward[1]`]: [
    [{ method: 'GET', path: '/summaries/{nr}', to: '/v1/summaries/{nr}', api: 'summaries' }, /second time/],
    [
      { method: 'POST', path: '/summaries/{nr}', to: '/v1/summaries/{nr}', api: 'summaries' },
      /has \{nr\} where another route has \{id\}/,
      `${LOGIN}.forward[1].path`,
    ],
  ],
  'zones.public.gateway.routes': [
    [
      Array.from({ length: 41 }, (_, index) => ({
        method: 'GET',
        path: `/summaries/${index}`,
        function: 'summary',
        authorize: 'iam',
      })),
      /route 41 to the function summary, whose policy has room for 40/,
      'zones.public.gateway.routes[40].path',
    ],
  ],
  [`${LOGIN}.securityLevel`]: [['high', /expected/]],
  'exceptions[0].reason': [
    ['because', /says why/],
    ['\u200b'.repeat(40), /says why/],
    ['.'.repeat(40), /says why/],
  ],
  'exceptions[0].resource': [['*', /excepts everything/]],
  'exceptions[0].about': [
    [[], /./],
    [ABSENT, /missing/],
  ],
  'exceptions[0].about[0]': [['s3:*', /without wildcards/]],
  'zones.internal.grant': [[[], /fields here are cidr, .*\bgrants, /]],
  zones: [[[], /./]],
};

const REFUSED: Refused[] = [
  ...Object.entries(BY_FIELD).flatMap(([field, rows]) => rows.map((row): Refused => [field, ...row])),
  ...words(`
    http://journal.example.no https://journal.example.no/ https://journal.example.no/app/
    https://journal.example.no/app?a=1 https://journal.example.no/a//b https://journal.example.no/a/../b
    https://journal.example.no/%61 https://JOURNAL.example.no https://journal.example.no:443
    https://user@journal.example.no https:journal.example.no journal.example.no`).map(
    (url): Refused => ['zones.public.gateway.baseUrl', url, /https URL/],
  ),
  ...below(
    'https://',
    `kms.eu-north-1.amazonaws.com sts.amazonaws.com x.s3.amazonaws.com secretsmanager.eu-north-1.api.aws
    kms.cn-north-1.amazonaws.com.cn signin.aws.amazon.com kms.cn-north-1.api.amazonwebservices.com.cn
    kms.eusc-de-east-1.amazonaws.eu kms.eusc-de-east-1.api.amazonwebservices.eu kms.us-iso-east-1.c2s.ic.gov
    kms.us-isob-east-1.sc2s.sgov.gov kms.us-isob-east-1.api.aws.scloud kms.eu-isoe-west-1.cloud.adc-e.uk
    ${API_GATEWAY} x.a1b2.${API_GATEWAY}`,
  ).map((url): Refused => [BASE, url, /where AWS itself is called/]),
  ...words(`127.0.0.1 10.0.0.1 169.254.169.254 [::1] documents documents.local api.localhost
    instance-data.ec2.internal 1.0.168.192.in-addr.arpa a..no a.-b.no ${'a'.repeat(64)}.no`).flatMap(
    (host): Refused[] => [
      [BASE, `https://${host}`, /public DNS only/],
      ['clients.vendor.issuer', `https://${host}`, /public DNS only|https URL/],
      [SELF_SERVICE, `https://${host}`, /public DNS only/],
    ],
  ),
  ...words('alt corp example home intranet lan localdomain private test').map(
    (label): Refused => [BASE, `https://api.${label}`, /public DNS only/],
  ),
  ...[
    'HTTPS://as.example.org',
    'https:as.example.org',
    '\u0001https://as.example.org',
    ' https://as.example.org',
    'https://as.example.org ',
    'https://@as.example.org',
    'https://:@as.example.org',
    'https://AS.example.org',
    'https://as.example.org:443',
    'https:\\\\as.example.org',
    ...below('https://as.example.org', '/a/../b /a/. /%61 //a ?'),
  ].map((url): Refused => ['clients.vendor.issuer', url, /https URL in canonical form/]),
  ...['x/dpop+jwt', 'dpop+jwt;x', 'dpop+jwt ', 'application/', 'application/dpop+jwt;x=1', 'text/jwt'].map(
    (typ): Refused => ['clients.journal.profile.assertionTyp', typ, /media type below application/],
  ),
  ...['', ' ', 'a b', ' a', 'a\t', 'a\u00a0b', 'ø', '"a"', 'a\\b'].flatMap((scope): Refused[] =>
    SCOPES.map((field) => [field, scope, /one scope|empty/]),
  ),
  ...['clients', 'apis', 'zones'].flatMap((place) =>
    ['prototype', 'constructor'].map(
      (name): Refused => [`${place}.${name}`, { anything: 'goes' }, /JavaScript keeps for itself/],
    ),
  ),
  ...words(`9.255.0.0/16 11.0.0.0/16 172.15.0.0/16 172.32.0.0/16 192.167.0.0/16 100.63.0.0/16 100.128.0.0/16
    198.51.100.0/24`).flatMap((cidr): Refused[] => [
    ['zones.internal.cidr', cidr, /RFC 1918.*RFC 6598/],
    ['signing.cidr', cidr, /RFC 1918.*RFC 6598/],
  ]),
];

test.each(REFUSED)('refused: %s as %j, %s', (path, value, message, field = path) => {
  const problems = findProblems(changed(path, value));
  expect(problems.map((problem) => problem.field)).toContain(field);
  const found = problems.find((problem) => problem.field === field);
  expect(found?.message).toMatch(message);
});

/** What the registry of special-use names has (and `aws`, AWS's own): not names of the public DNS, though they look like ones. */
const SPECIAL =
  /\.(?:alt|arpa|aws|corp|example|home|internal|intranet|invalid|lan|local|localdomain|localhost|mail|onion|private|scloud|test)$/;

test('a name that the schema would leave out is refused, whatever stands below it', () => {
  const open = {
    cidr: '10.50.0.0/20',
    gateway: { routes: [{ method: 'GET', path: '/a', function: 'summary', authorize: 'session' }] },
    grants: [],
  };
  for (const name of ['prototype', 'constructor', '__proto__']) {
    const zones = Object.fromEntries([...Object.entries(FULL.zones), [name, open]]);
    expect(() => defineSystem({ ...FULL, zones } as typeof FULL)).toThrow(
      coded('declaration_invalid', undefined, { problems: 1, field: `zones.${name}` }),
    );
  }
});

test('a signer accepts each grant of an accepted issuer', () => {
  const issuer = fc.oneof(
    anyUrl,
    fc.constantFrom('https://as.example.org', 'https://as.example.org/a', '\u0001https://as.example.org'),
  );
  fc.assert(
    fc.property(issuer, (url) => {
      const declaration = changed('clients.vendor.issuer', url);
      if (findProblems(declaration).length > 0) return;
      for (const grant of deriveGrants(declaration as typeof FULL)) parseGrant(JSON.stringify(grant));
    }),
    { numRuns: full(50) },
  );
});

test('a host is a name of the public DNS: any name is accepted, no address is', () => {
  const accepts = (host: string) => findProblems(changed(BASE, `https://${host}`)).length === 0;
  const domain = fc.domain().filter((name) => !SPECIAL.test(name));
  const runs = { numRuns: full(100) };
  fc.assert(
    fc.property(domain, (name) => accepts(name)),
    runs,
  );
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV4Extended(),
    fc.ipV6().map((ip) => `[${ip}]`),
  );
  fc.assert(
    fc.property(address, (ip) => !accepts(ip)),
    runs,
  );
});

test('refused: two clients that are one registration', () => {
  const twin = { ...FULL.clients['journal'], algorithm: 'PS256' };
  expect(findProblems(changed('clients.twin', twin))).toEqual([
    { field: 'clients.twin.clientId', message: expect.stringContaining('registration of clients.journal') },
  ]);
});

test.each([
  ['in capitals', (id: string) => id.toUpperCase()],
  ['in braces', (id: string) => `{${id}}`],
  ['without hyphens', (id: string) => id.replaceAll('-', '')],
])('refused: two clients that are one registration, whose GUID is written %s', (_, write) => {
  const clientId = 'e5d3c7a1-2b4f-4c6d-8e9a-0b1c2d3e4f5a';
  const journal = { ...FULL.clients['journal'], clientId };
  const twin = { ...journal, clientId: write(clientId) };
  const both = changed('clients.twin', twin, changed('clients.journal', journal) as typeof FULL);
  expect(findProblems(both).map(({ field }) => field)).toEqual(['clients.twin.clientId']);
});

test('refused: physical names that collide, or are too long for AWS', () => {
  const zone = (name: string) => ({
    cidr: '10.80.0.0/20',
    grants: [],
    events: { ...FULL.zones['internal']?.events, function: name },
  });
  const messagesOf = (declaration: unknown) => findProblems(declaration).map(({ message }) => message);
  expect(messagesOf(changed('zones.signer', zone('journal-public')))).toContainEqual(
    expect.stringMatching(/same function name as zones\.public, journal-signer-journal-public/),
  );
  expect(messagesOf(changed('zones.signing', zone('worker')))).toContainEqual(
    expect.stringMatching(/same boundary name as signing, journal-boundary-signing/),
  );
  const long = { [`f${'n'.repeat(31)}`]: { schedules: { [`s${'d'.repeat(31)}`]: 'rate(1 day)' } } };
  expect(messagesOf(changed('zones.internal.functions', long))).toContainEqual(
    expect.stringMatching(/longer than 64/),
  );
});

test('every problem is listed, each by its field', () => {
  const both = { ...(changed('name', 'J') as typeof FULL), signing: { cidr: 'x' } };
  expect(() => defineSystem(both)).toThrow(
    coded('declaration_invalid', /name must be[\s\S]*signing\.cidr must be/, { problems: 2, field: 'name' }),
  );
});

test.each([undefined, null, 'journal', [], 42])('%j is no declaration', (value) => {
  expect(findProblems(value).length).toBeGreaterThan(0);
});

test('I3a: in the shipped system, no zone has a signer for the other zone’s client', () => {
  const pairs = deriveGrants(shipped).map(({ zone, client }) => `${zone} ${client}`);
  expect(pairs).toEqual(['public portal', 'internal submission', 'admin portal', 'admin submission']);
});
