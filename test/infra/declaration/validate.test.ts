import { parseGrant } from '@helseid-zones/protocol/grant';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import multiTenant from '../../../examples/multi-tenant.zones.ts';
import { defineSystem, findProblems } from '../../../infra/declaration/define.ts';
import { deriveGrants } from '../../../infra/declaration/derive.ts';
import shipped from '../../../zones.ts';
import { ABSENT, changed, FULL } from './change.ts';

const DETAIL = 'zones.internal.grants[0].details[0]';
const PATH = 'zones.internal.grants[0].apis[0].paths[0]';
const ROUTE = 'zones.public.gateway.routes[0]';
const LOGIN = 'zones.public.gateway.login';
const SELF_SERVICE = 'clients.journal.selfService.baseUrl';
const API_GATEWAY = 'execute-api.eu-north-1.amazonaws.com';
const FUNCTION_URL = 'lambda-url.eu-north-1.on.aws';

describe('accepted', () => {
  test.each([
    ['zones.ts', shipped],
    ['the example of a multi-tenant client', multiTenant],
    ['a system with everything', FULL],
  ])('%s', (_name, declaration) => {
    expect(findProblems(declaration)).toEqual([]);
    expect(defineSystem(declaration)).toEqual(declaration);
  });

  test.each<[string, string, unknown]>([
    [
      'an issuer of somebody else, with a slash, verbatim',
      'clients.vendor.issuer',
      'https://as.example.org/',
    ],
    [
      'HelseID’s conformance server, whose issuer has a path',
      'clients.journal.issuer',
      'https://samsvarstesting-sts-test.helseid.sky.nhn.no/0f1e',
    ],
    ['an issuer on a port', 'clients.journal.issuer', 'https://localhost:3443'],
    ['an API on a port', 'apis.documents.baseUrl', 'https://localhost:3445/fhir'],
    ['an external URL with a path', 'zones.public.gateway.baseUrl', 'https://www.example.no/journal/v1'],
    ['an external URL on a port', 'zones.public.gateway.baseUrl', 'https://www.example.no:8443'],
    ['every algorithm but RS', 'clients.journal.algorithm', 'ES512'],
    ['custody spelled out', 'clients.journal.custody', 'kms'],
    ['a whole API', 'zones.internal.grants[0].apis[0].paths', ['/*']],
    ['any detail', 'zones.internal.grants[0].details', 'any'],
    ['neighbouring ranges', 'zones.partner.cidr', '10.20.16.0/20'],
    ['a plain FAPI issuer', 'clients.journal.profile.assertionTyp', 'JWT'],
    ['a function with hyphens', 'zones.internal.events.function', 'submit-document'],
    ['an API name with hyphens', 'apis.my-own-api', FULL.apis['documents']],
    ['a greedy route', 'zones.public.gateway.routes[0].path', '/files/{path+}'],
    ['a route of an operation', 'zones.public.gateway.routes[0].path', '/Patient/{id}/$everything'],
    [
      'a parameter of one name in two routes, and of another elsewhere',
      'zones.public.gateway.routes',
      ['/summaries/{id}', '/summaries/{id}/lines/{line}', '/letters/{nr}'].map((path) => ({
        method: 'GET',
        path,
        function: 'summary',
        authorize: 'iam',
      })),
    ],
    ['a resource indicator', 'apis.documents.resource', 'urn:example:documents'],
    ['a self-service API beside its issuer', 'clients.journal.selfService.baseUrl', 'https://keys.nhn.no/v1'],
    [
      'an API beside the self-service API',
      'apis.documents.baseUrl',
      'https://api2.selvbetjening.test.nhn.no',
    ],
    [
      'an API without POST at the issuer’s origin',
      'apis.summaries.baseUrl',
      'https://helseid-sts.test.nhn.no',
    ],
    [
      'a typ that is spelled out',
      'clients.journal.profile.assertionTyp',
      'application/client-authentication+jwt',
    ],
    ['a scope like the self-service API’s', 'apis.documents.scopes', ['nhn:selvbetjening/clients']],
    ['an audience like the self-service API’s', 'apis.documents.audience', 'nhn:selvbetjening2'],
    ['an API at API Gateway', 'apis.documents.baseUrl', `https://a1b2c3.${API_GATEWAY}/live`],
    ['an API at a function’s URL', 'apis.documents.baseUrl', `https://a1b2c3.${FUNCTION_URL}`],
    ['an API whose host ends like AWS’s', 'apis.documents.baseUrl', 'https://kms.myamazonaws.com'],
    ['an API with an internationalised name', 'apis.documents.baseUrl', 'https://xn--sykehus-p1a.xn--fiqs8s'],
    ['an API whose name begins with digits', 'apis.documents.baseUrl', 'https://127.example.no'],
    ['a name that begins as the CDK’s', 'name', 'cdkjournal'],
    ['a range in RFC 1918', 'zones.internal.cidr', '172.31.0.0/16'],
    ['the other range in RFC 1918', 'zones.internal.cidr', '192.168.0.0/20'],
    ['a range in RFC 6598', 'zones.internal.cidr', '100.127.240.0/20'],
    ['a segment with dots', `${LOGIN}.forward[0].path`, '/summaries/{id}/..x'],
  ])('%s', (_name, path, value) => {
    expect(findProblems(changed(path, value))).toEqual([]);
  });
});

const BASE = 'apis.documents.baseUrl';
const SELVBETJENING = 'api.selvbetjening.test.nhn.no';
const SCOPE = 'nhn:selvbetjening/client';

/** Name of the case, field that is changed, its value, what the message must say, and the field it names if another. */
type Refused = [string, string, unknown, RegExp, string?];
const REFUSED: Refused[] = [
  // what the issue lists
  [
    'an unknown API in a grant',
    'zones.public.grants[0].apis[0].api',
    'nowhere',
    /nowhere.*not declared.*documents, summaries/,
  ],
  [
    'overlapping ranges',
    'zones.internal.cidr',
    '10.10.8.0/22',
    /overlaps zones\.public\.cidr \(10\.10\.0\.0\/20\)/,
  ],
  ['a range over the signing zone’s', 'zones.internal.cidr', '10.30.0.0/16', /overlaps signing\.cidr/],
  ['an http API', 'apis.documents.baseUrl', 'http://documents.example.no', /https only/],
  ['an http issuer', 'clients.journal.issuer', 'http://helseid-sts.test.nhn.no', /is http/],
  ['an http self-service API', 'clients.journal.selfService.baseUrl', 'http://api.nhn.no', /https only/],
  ...[
    'http://journal.example.no',
    'https://journal.example.no/',
    'https://journal.example.no/app/',
    'https://journal.example.no/app?a=1',
    'https://journal.example.no/a//b',
    'https://journal.example.no/a/../b',
    'https://journal.example.no/%61',
    'https://JOURNAL.example.no',
    'https://journal.example.no:443',
    'https://user@journal.example.no',
    'https:journal.example.no',
    'journal.example.no',
  ].map((url): [string, string, string, RegExp] => [
    `the external URL ${url}`,
    'zones.public.gateway.baseUrl',
    url,
    /https URL/,
  ]),
  [
    'an external URL of the login alone',
    `${LOGIN}.origin`,
    'https://journal.example.no',
    /not a field of the declaration/,
  ],
  ['RS256', 'clients.journal.algorithm', 'RS256', /no RS algorithm.*ES256.*PS512/],
  ['RS512', 'clients.journal.algorithm', 'RS512', /no RS algorithm/],
  ['none for an algorithm', 'clients.journal.algorithm', 'none', /choose one of/],
  [
    'HelseID’s issuer with a slash',
    'clients.journal.issuer',
    'https://helseid-sts.test.nhn.no/',
    /write https:\/\/helseid-sts\.test\.nhn\.no$/,
  ],
  [
    'HelseID’s production issuer with a slash',
    'clients.journal.issuer',
    'https://helseid-sts.nhn.no/',
    /ends in a slash/,
  ],
  [
    'HelseID’s issuer with path and slash',
    'clients.journal.issuer',
    'https://samsvarstesting-sts-test.helseid.sky.nhn.no/0f1e/',
    /ends in a slash/,
  ],
  ['a pattern that goes on with the host', PATH, '.evil.example/*', /covers another host/],
  ['a pattern that makes the host user information', PATH, '@evil.example/*', /covers another host/],
  ['a pattern that is a URL', PATH, 'https://evil.example/*', /covers another host/],
  ['a pattern without a scheme', PATH, '//evil.example/*', /covers another host/],
  ['a pattern that is a star', PATH, '*', /covers another host/],
  ['a host with a star', 'apis.documents.baseUrl', 'https://*.example.no', /one host/],
  [
    'a zone with the name of the signing zone',
    'zones.signing',
    FULL.zones['internal'],
    /name of the signing zone/,
  ],
  ['a zone with the name of the signers', 'zones.signer', FULL.zones['internal'], /choose another/],
  [
    'custody secret in two zones',
    'clients.journal.custody',
    'secret',
    /public and internal.*"Use of Client Secrets".*custody kms/,
  ],
  ['custody file in two zones', 'clients.journal.custody', 'file', /Use of Client Secrets/],
  ['custody database in two zones', 'clients.journal.custody', 'database', /Use of Client Secrets/],
  ['custody secret in one zone', 'clients.vendor.custody', 'secret', /deploys keys in KMS only/],
  ['custody pkcs11 in one zone', 'clients.vendor.custody', 'pkcs11', /deploys keys in KMS only/],

  // names
  ['a system of the CDK’s name', 'name', 'cdk', /deploying roles/],
  ['a system of AWS’s name', 'name', 'aws', /somebody else's/],
  ['a system name with a hyphen', 'name', 'my-journal', /without hyphens/],
  ['a system name of one letter', 'name', 'j', /2 to 15/],
  ['a system name that is too long', 'name', 'journalsofnorway', /2 to 15/],
  ['a client name with a hyphen', 'clients.a-b', FULL.clients['vendor'], /without hyphens/],
  ['a zone name in upper case', 'zones.Internal', FULL.zones['partner'], /lower-case/],
  ['a zone name with a hyphen', 'zones.public-b', FULL.zones['partner'], /without hyphens/],
  ['an API name with an underscore', 'apis.a_b', FULL.apis['documents'], /lower-case/],
  ['an API name that is too long', `apis.${'a'.repeat(33)}`, FULL.apis['documents'], /up to 32/],

  // clients
  ['no clients', 'clients', {}, /at least one/, 'clients'],
  ['a client id with a space', 'clients.journal.clientId', 'a b', /without spaces/],
  ['an issuer with a query', 'clients.vendor.issuer', 'https://as.example.org?x', /without query/],
  [
    'an issuer with user information',
    'clients.vendor.issuer',
    'https://u@as.example.org',
    /user information/,
  ],
  ['an issuer that is no URL', 'clients.vendor.issuer', 'helseid', /https URL/],
  [
    'an assertion that lives 11 seconds',
    'clients.journal.profile.assertionLifetime',
    11,
    /at most 10 seconds for HelseID/,
  ],
  [
    'an assertion that lives 61 seconds elsewhere',
    'clients.vendor.profile.assertionLifetime',
    61,
    /at most 60 seconds$/,
  ],
  ['an assertion that is backdated too far', 'clients.journal.profile.assertionBackdate', 61, /at most 60/],
  [
    'assertions that pass as proofs',
    'clients.journal.profile.assertionTyp',
    'dpop+jwt',
    /must differ/,
    'clients.journal.profile',
  ],
  [
    'request objects that pass as assertions',
    'clients.journal.profile.requestObjectTyp',
    'client-authentication+jwt',
    /must differ/,
    'clients.journal.profile',
  ],
  [
    'request objects whose typ is the assertions’, spelled another way',
    'clients.journal.profile.requestObjectTyp',
    'application/Client-Authentication+JWT',
    /must differ/,
    'clients.journal.profile',
  ],
  ['ID tokens without a signature', 'clients.journal.profile.idTokenAlgorithm', 'none', /RS256/],
  ['another type of logout tokens', 'clients.journal.profile.logoutTokenTyp', 'JWT', /only be logout\+jwt/],
  ['access tokens without a signature', 'clients.journal.profile.accessTokenAlgorithm', 'none', /RS256/],
  ['a rotation once in two years', 'clients.vendor.rotation.everyDays', 730, /365/],
  [
    'tokens that outlive the rotation',
    'clients.vendor.rotation.longestTokenLifetime',
    30 * 86_400,
    /shorter than the time between/,
  ],
  ['tokens of a second', 'clients.vendor.rotation.longestTokenLifetime', 1, /at least 60/],
  ['half a day between rotations', 'clients.vendor.rotation.everyDays', 0.5, /whole number/],
  ['no time between rotations', 'clients.vendor.rotation.everyDays', 0, /at least 1/],
  ['a self-service API with a slash', 'clients.journal.selfService.baseUrl', 'https://api.nhn.no/', /slash/],

  // APIs
  [
    'an API with a slash at the end',
    'apis.documents.baseUrl',
    'https://documents.example.no/',
    /leave it out/,
  ],
  ['an API with a query', 'apis.documents.baseUrl', 'https://documents.example.no/a?b', /query/],
  ['an API with user information', 'apis.documents.baseUrl', 'https://u@documents.example.no', /one host/],
  ['an API in upper case', 'apis.documents.baseUrl', 'https://Documents.example.no', /lower case/],
  ['an API with a dot segment', 'apis.documents.baseUrl', 'https://documents.example.no/a/../b', /canonical/],
  ['an API with its default port', 'apis.documents.baseUrl', 'https://documents.example.no:443', /canonical/],
  [
    'an API where keys are registered',
    'apis.documents.baseUrl',
    'https://api.selvbetjening.test.nhn.no/v1',
    /only the admin zone/,
  ],
  ['an API without scopes', 'apis.documents.scopes', [], /at least one/],
  ['two scopes in one', 'apis.documents.scopes[0]', 'a b', /one scope/],
  ['an audience of nothing', 'apis.documents.audience', '', /empty/],
  ['a resource that is no URI', 'apis.documents.resource', 'documents', /absolute URI/],

  [
    'an API at the self-service host, on another port',
    BASE,
    `https://${SELVBETJENING}:8443/v1`,
    /on any port/,
  ],
  [
    'a self-service API at its issuer',
    SELF_SERVICE,
    'https://helseid-sts.test.nhn.no/v1',
    /clients\.journal\.issuer/,
  ],
  [
    'a self-service API at another client’s issuer, on another port',
    SELF_SERVICE,
    'https://as.example.org:8443',
    /clients\.vendor\.issuer.*only the admin zone/,
  ],
  [
    'an issuer at the self-service host, on another port',
    'clients.vendor.issuer',
    `https://${SELVBETJENING}:8443`,
    /clients\.vendor\.issuer/,
    SELF_SERVICE,
  ],
  [
    'the self-service scope for an API',
    'apis.documents.scopes',
    [SCOPE],
    /admin zone/,
    'apis.documents.scopes[0]',
  ],
  ['the self-service scope in a login', `${LOGIN}.scopes[1]`, SCOPE, /admin zone/],
  ['the self-service audience', 'apis.documents.audience', 'nhn:selvbetjening', /admin zone/],
  ['the self-service audience as a resource', 'apis.documents.resource', 'nhn:selvbetjening', /admin zone/],
  ...[
    'https://kms.eu-north-1.amazonaws.com',
    'https://sts.amazonaws.com',
    'https://x.s3.amazonaws.com',
    'https://secretsmanager.eu-north-1.api.aws',
    'https://kms.cn-north-1.amazonaws.com.cn',
    'https://signin.aws.amazon.com',
    'https://kms.cn-north-1.api.amazonwebservices.com.cn',
    'https://kms.eusc-de-east-1.amazonaws.eu',
    'https://kms.eusc-de-east-1.api.amazonwebservices.eu',
    'https://kms.us-iso-east-1.c2s.ic.gov',
    'https://kms.us-isob-east-1.sc2s.sgov.gov',
    'https://kms.us-isob-east-1.api.aws.scloud',
    'https://kms.eu-isoe-west-1.cloud.adc-e.uk',
    `https://${API_GATEWAY}`,
    `https://x.a1b2.${API_GATEWAY}`,
  ].map((url): Refused => [`an API at ${url}`, BASE, url, /where AWS itself is called/]),
  ...[
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '[::1]',
    'documents',
    'documents.local',
    'api.localhost',
    'instance-data.ec2.internal',
    '1.0.168.192.in-addr.arpa',
    'a..no',
    'a.-b.no',
    `${'a'.repeat(64)}.no`,
  ].flatMap((host): Refused[] => [
    [`an API at ${host}`, BASE, `https://${host}`, /public DNS only/],
    [`an issuer at ${host}`, 'clients.vendor.issuer', `https://${host}`, /public DNS only|https URL/],
    [`a self-service API at ${host}`, SELF_SERVICE, `https://${host}`, /public DNS only/],
  ]),

  ...['alt', 'corp', 'example', 'home', 'intranet', 'lan', 'localdomain', 'private', 'test'].map(
    (label): Refused => [`an API below .${label}`, BASE, `https://api.${label}`, /public DNS only/],
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
    'https://as.example.org/a/../b',
    'https://as.example.org/a/.',
    'https://as.example.org/%61',
    'https://as.example.org//a',
    'https:\\\\as.example.org',
    'https://as.example.org?',
  ].map((url): Refused => [`the issuer ${url}`, 'clients.vendor.issuer', url, /https URL in canonical form/]),
  ...['x/dpop+jwt', 'dpop+jwt;x', 'dpop+jwt ', 'application/', 'application/dpop+jwt;x=1', 'text/jwt'].map(
    (typ): Refused => [
      `assertions of typ ${typ}`,
      'clients.journal.profile.assertionTyp',
      typ,
      /media type below application/,
    ],
  ),
  ...['', ' ', 'a b', ' a', 'a\t', 'a\u00a0b', 'ø', '"a"', 'a\\b'].flatMap((scope): Refused[] =>
    ['apis.documents.scopes[0]', `${LOGIN}.scopes[1]`, 'clients.journal.selfService.scope'].map((field) => [
      `${JSON.stringify(scope)} for ${field}`,
      field,
      scope,
      /one scope|empty/,
    ]),
  ),
  [
    'two scopes in one of the authorizer’s',
    'zones.public.gateway.authorizer',
    { client: 'journal', audience: 'a', scopes: ['a b'] },
    /one scope/,
    'zones.public.gateway.authorizer.scopes[0]',
  ],
  [
    'a self-service audience with a space',
    'clients.journal.selfService.audience',
    'nhn:selvbetjening ',
    /no spaces/,
  ],
  [
    'an audience with an invisible character',
    'apis.documents.audience',
    'nhn:selvbetjening\u200b',
    /invisible/,
  ],
  [
    'POST at the issuer’s origin',
    BASE,
    'https://helseid-sts.test.nhn.no/api',
    /POST at the origin of clients\.journal\.issuer/,
    'zones.internal.grants[0].apis[0].methods',
  ],

  // names that valibot's records leave out
  ...['clients', 'apis', 'zones'].flatMap((place) =>
    ['prototype', 'constructor'].map(
      (name): Refused => [
        `${place}.${name}`,
        `${place}.${name}`,
        { anything: 'goes' },
        /JavaScript keeps for itself/,
      ],
    ),
  ),

  // networks
  ...[
    '9.255.0.0/16',
    '11.0.0.0/16',
    '172.15.0.0/16',
    '172.32.0.0/16',
    '192.167.0.0/16',
    '100.63.0.0/16',
    '100.128.0.0/16',
    '198.51.100.0/24',
  ].flatMap((cidr): Refused[] => [
    [`a zone at ${cidr}`, 'zones.internal.cidr', cidr, /RFC 1918.*RFC 6598/],
    [`the signing zone at ${cidr}`, 'signing.cidr', cidr, /RFC 1918.*RFC 6598/],
  ]),
  ['a range with a leading zero', 'zones.internal.cidr', '10.020.0.0/20', /leading zeros/],
  ['a range whose first octet has one', 'signing.cidr', '010.30.0.0/20', /leading zeros/],
  ['a range that is no range', 'zones.internal.cidr', '10.20.0.0', /IPv4 range/],
  ['a range that is too large', 'zones.internal.cidr', '10.0.0.0/8', /\/16 to \/24/],
  ['a range that is too small', 'zones.internal.cidr', '10.20.0.0/28', /\/16 to \/24/],
  ['a range that begins inside itself', 'zones.internal.cidr', '10.20.1.0/20', /first address/],
  ['an address over 255', 'zones.internal.cidr', '10.256.0.0/20', /IPv4 range/],
  ['the signing zone’s range', 'signing.cidr', 'x', /IPv4 range/],
  ['an account of eleven digits', 'zones.partner.account', '11112222333', /twelve digits/],
  ['an admin zone with an account of its own', 'zones.admin.account', '111122223333', /CreateKey/],

  // entries
  ['no admin zone', 'zones.admin', ABSENT, /need one admin zone/, 'zones'],
  [
    'two admin zones',
    'zones.second',
    { cidr: '10.70.0.0/20', admin: true, grants: [] },
    /2 admin zones \(admin, second\)/,
    'zones',
  ],
  [
    'an admin zone with an entry',
    'zones.admin.events',
    FULL.zones['internal']?.events,
    /Secrets Manager alone/,
    'zones.admin',
  ],
  ['an admin zone with grants', 'zones.admin.grants', FULL.zones['internal']?.grants, /must be empty/],
  [
    'a gateway without routes',
    'zones.internal.gateway',
    { routes: [] },
    /at least one/,
    'zones.internal.gateway.routes',
  ],
  ['a function that is no folder', `${ROUTE}.function`, '../signer', /folder under functions/],
  ['a function name that is too long', 'zones.internal.events.function', 'a'.repeat(33), /up to 32/],
  ['the signer in a zone', `${ROUTE}.function`, 'signer', /places that function itself/],
  ['rotation in a zone', 'zones.internal.events.function', 'rotation', /places that function itself/],
  ['a route that is no path', `${ROUTE}.path`, 'summaries', /resource path/],
  ['a route with a dot segment', `${ROUTE}.path`, '/summaries/../{id}', /resource path/],
  ['a route with half a parameter', `${ROUTE}.path`, '/summaries/x{id}', /whole segments/],
  ['a method that nobody knows', `${ROUTE}.method`, 'FETCH', /expected/],
  ['an open route', `${ROUTE}.authorize`, 'none', /expected/],
  [
    'a route twice',
    'zones.public.gateway.routes[1]',
    { method: 'GET', path: '/summaries/{other}', function: 'summary', authorize: 'iam' },
    /a second time/,
  ],
  [
    'a route of user login',
    'zones.public.gateway.routes[1]',
    { method: 'GET', path: '/callback', function: 'summary', authorize: 'iam' },
    /user login has routes/,
  ],
  [
    'HelseID tokens where no issuer is known',
    'zones.open',
    {
      cidr: '10.80.0.0/20',
      grants: [],
      gateway: { routes: [{ method: 'GET', path: '/', function: 'summary', authorize: 'helseid' }] },
    },
    /which issuer's tokens/,
    'zones.open.gateway.routes[0].authorize',
  ],
  [
    'HelseID tokens without what to demand of them',
    `${ROUTE}.authorize`,
    'helseid',
    /which|say/,
    'zones.public.gateway.authorizer',
  ],
  [
    'an authorizer for tokens of a stranger',
    'zones.public.gateway.authorizer',
    { client: 'nobody', audience: 'a', scopes: ['b'] },
    /has a grant for: journal/,
    'zones.public.gateway.authorizer.client',
  ],
  ['a source that is not seen', 'zones.internal.events.sources[0]', 'journal\u001b[2J', /invisible/],
  ['a type written backwards', 'zones.internal.events.detailTypes[0]', '\u202eDocument', /invisible/],
  ['events from nowhere', 'zones.internal.events.sources', [], /at least one/],

  // grants
  ['an unknown client', 'zones.internal.grants[0].client', 'nobody', /nobody.*not declared.*journal, vendor/],
  ['a client that every object has', 'zones.internal.grants[0].client', 'constructor', /not declared/],
  [
    'a client with two grants',
    'zones.internal.grants[1]',
    { client: 'journal', apis: [] },
    /put both into one/,
    'zones.internal.grants[1].client',
  ],
  [
    'an API in two grants',
    'zones.internal.grants[1]',
    { client: 'vendor', apis: FULL.zones['internal']?.grants[0]?.apis },
    /granted twice/,
    'zones.internal.grants[1].apis[0].api',
  ],
  ['no methods', 'zones.internal.grants[0].apis[0].methods', [], /at least one/],
  ['a method that proofs are not for', 'zones.internal.grants[0].apis[0].methods[0]', 'CONNECT', /expected/],
  ['no paths', 'zones.internal.grants[0].apis[0].paths', [], /at least one/],
  ['a star in the middle', PATH, '/a/*/b', /last \/\*/],
  ['a star after letters', PATH, '/a*', /last \/\*/],
  ['a pattern with a parameter', PATH, '/x/{id}', /write \/x\/\*,/],
  ['a pattern with a parameter at its root', PATH, '/{id}/lines', /write \/\*,/],
  ['a pattern with a parameter before others', PATH, '/a/x-{id}/lines/*', /write \/a\/\*,/],
  ['a pattern with a dot segment', PATH, '/a/../*', /canonical path/],
  ['a pattern with a query', PATH, '/a?b', /canonical path/],
  ['a pattern with an encoded slash', PATH, '/a%2Fb', /canonical path/],
  ['no signers', 'zones.internal.grants[0].signerConcurrency', 0, /at least 1/],
  ['too many signers', 'zones.internal.grants[0].signerConcurrency', 1001, /at most 1000/],
  ['a parent of a single-tenant client', `${DETAIL}.parent`, '974760673', /can't be set/],
  ['no child of a single-tenant client', `${DETAIL}.child`, ABSENT, /must be set/],
  ['a child with a wrong check digit', `${DETAIL}.child`, '974760674', /check digit/],
  ['no parent of a multi-tenant client', 'zones.partner.grants[0].details[0].parent', ABSENT, /must be set/],
  [
    'SFM of a single-tenant client',
    DETAIL,
    { type: 'nhn:sfm:journal-id', journalId: '*' },
    /multi-tenant/,
    `${DETAIL}.type`,
  ],
  [
    'a journal that is no UUID',
    'zones.partner.grants[0].details[0]',
    { type: 'nhn:sfm:journal-id', journalId: 'x' },
    /UUID/,
    'zones.partner.grants[0].details[0].journalId',
  ],
  ['an unknown type of detail', DETAIL, { type: 'x' }, /expected/, `${DETAIL}.type`],
  ['an empty list of details', 'zones.internal.grants[0].details', [], /empty list/],
  [
    'details that the issuer does not know',
    'clients.journal.profile.detailTypes',
    [],
    /knows no organisation details/,
    'zones.internal.grants[0].details',
  ],
  [
    'a type that the issuer does not know',
    'clients.journal.profile.detailTypes',
    ['nhn:sfm:journal-id'],
    /detailTypes/,
    `${DETAIL}.type`,
  ],

  // login
  ['a login of an unknown client', `${LOGIN}.client`, 'nobody', /not declared/],
  ['a login without a grant', `${LOGIN}.client`, 'vendor', /no grant in this zone/],
  ['a login without openid', `${LOGIN}.scopes`, ['profile'], /openid/],
  ['a scope twice', `${LOGIN}.scopes`, ['openid', 'openid'], /twice/, `${LOGIN}.scopes[1]`],
  [
    'a request object that nobody signs',
    'zones.public.grants[0].requestObjects',
    false,
    /requestObjects: true/,
    `${LOGIN}.requestObject`,
  ],
  ['a session that idles longer than it lives', `${LOGIN}.idleMinutes`, 481, /not be longer/],
  ['on behalf of nobody', `${LOGIN}.onBehalfOf`, '123', /organisation number/],
  ['a forwarded route to an API without a grant', `${LOGIN}.forward[0].api`, 'documents', /lacks/],
  [
    'a forwarded method without a proof',
    `${LOGIN}.forward[0].method`,
    'DELETE',
    /makes no proof/,
    `${LOGIN}.forward[0]`,
  ],
  [
    'a forwarded path without a proof',
    `${LOGIN}.forward[0].to`,
    '/v2/summaries/{id}',
    /makes no proof/,
    `${LOGIN}.forward[0]`,
  ],
  [
    'a forwarded path with a parameter from nowhere',
    `${LOGIN}.forward[0].to`,
    '/v1/summaries/{nr}',
    /parameters that path has/,
  ],
  ['a forwarded path that leaves its API', `${LOGIN}.forward[0].to`, '/v1/summaries/../{id}', /dot segments/],
  [
    'a forwarded path with a dot segment at its end',
    `${LOGIN}.forward[0].to`,
    '/v1/summaries/..',
    /dot segments/,
  ],
  ['a forwarded path with one dot', `${LOGIN}.forward[0].to`, '/v1/./summaries/{id}', /dot segments/],
  [
    'a path at the gateway with a dot segment',
    `${LOGIN}.forward[0].path`,
    '/summaries/../{id}',
    /must be a path like/,
  ],
  ['a greedy forwarded path', `${LOGIN}.forward[0].path`, '/summaries/{id+}', /whole segments/],
  [
    'a forwarded header in upper case',
    `${LOGIN}.forward[0].headers`,
    ['If-Match'],
    /lower case/,
    `${LOGIN}.forward[0].headers[0]`,
  ],
  [
    'a forwarded route twice',
    `${LOGIN}.forward[1]`,
    { method: 'GET', path: '/summaries/{nr}', to: '/v1/summaries/{nr}', api: 'summaries' },
    /second time/,
  ],
  [
    'a forwarded path with what API Gateway does not take',
    `${LOGIN}.forward[0].path`,
    '/summaries/~{id}',
    /must be a path like/,
  ],
  [
    'a parameter with another name beside one',
    `${LOGIN}.forward[1]`,
    { method: 'POST', path: '/summaries/{nr}', to: '/v1/summaries/{nr}', api: 'summaries' },
    /has \{nr\} where another route has \{id\}/,
    `${LOGIN}.forward[1].path`,
  ],
  [
    'a greedy parameter beside another',
    'zones.public.gateway.routes[1]',
    { method: 'GET', path: '/summaries/{rest+}', function: 'summary', authorize: 'iam' },
    /has \{rest\+\} where another route has \{id\}/,
    'zones.public.gateway.routes[1].path',
  ],
  [
    'more routes than a function’s policy holds',
    'zones.public.gateway.routes',
    Array.from({ length: 41 }, (_, index) => ({
      method: 'GET',
      path: `/summaries/${index}`,
      function: 'summary',
      authorize: 'iam',
    })),
    /route 41 to the function summary, whose policy has room for 40/,
    'zones.public.gateway.routes[40].path',
  ],
  ['a security level of words', `${LOGIN}.securityLevel`, 'high', /expected/],

  // exceptions
  ['an exception without a reason', 'exceptions[0].reason', 'because', /says why/],
  ['a reason that nobody sees', 'exceptions[0].reason', '\u200b'.repeat(40), /says why/],
  ['a reason of dots', 'exceptions[0].reason', '.'.repeat(40), /says why/],
  ['an exception from everything', 'exceptions[0].resource', '*', /excepts everything/],

  // shape
  ['a field with a spelling of its own', 'zones.internal.grant', [], /spelling/],
  ['a client without an issuer', 'clients.journal.issuer', ABSENT, /^is missing$/],
  ['a number for text', 'name', 1, /expected string/],
  ['zones in a list', 'zones', [], /./],
];

test.each(REFUSED)('refused: %s', (_name, path, value, message, field = path) => {
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
      expect.objectContaining({
        code: 'declaration_invalid',
        facts: { problems: 1, field: `zones.${name}` },
      }),
    );
  }
});

test('a signer accepts each grant of an accepted issuer', () => {
  const issuer = fc.oneof(
    fc.webUrl({ validSchemes: ['https', 'http'], withFragments: true }),
    fc.constantFrom('https://as.example.org', 'https://as.example.org/a', '\u0001https://as.example.org'),
  );
  fc.assert(
    fc.property(issuer, (url) => {
      const declaration = changed('clients.vendor.issuer', url);
      if (findProblems(declaration).length > 0) return;
      for (const grant of deriveGrants(declaration as typeof FULL)) parseGrant(JSON.stringify(grant));
    }),
    { numRuns: 50 },
  );
});

test('a host is a name of the public DNS: any name is accepted, no address is', () => {
  const accepts = (host: string) => findProblems(changed(BASE, `https://${host}`)).length === 0;
  const domain = fc.domain().filter((name) => !SPECIAL.test(name));
  fc.assert(fc.property(domain, (name) => accepts(name)));
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV4Extended(),
    fc.ipV6().map((ip) => `[${ip}]`),
  );
  fc.assert(fc.property(address, (ip) => !accepts(ip)));
});

test('refused: two clients that are one registration', () => {
  const twin = { ...FULL.clients['journal'], algorithm: 'PS256' };
  expect(findProblems(changed('clients.twin', twin))).toEqual([
    { field: 'clients.twin.clientId', message: expect.stringContaining('registration of clients.journal') },
  ]);
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
  expect(messagesOf(changed(`zones.${'z'.repeat(40)}`, zone('a'.repeat(32))))).toContainEqual(
    expect.stringMatching(/longer than 64/),
  );
});

test('every problem is listed, each by its field', () => {
  const both = { ...(changed('name', 'J') as typeof FULL), signing: { cidr: 'x' } };
  expect(() => defineSystem(both)).toThrow(
    expect.objectContaining({
      code: 'declaration_invalid',
      message: expect.stringMatching(/name must be[\s\S]*signing\.cidr must be/),
      facts: { problems: 2, field: 'name' },
    }),
  );
});

test.each([undefined, null, 'journal', [], 42])('%j is no declaration', (value) => {
  expect(findProblems(value).length).toBeGreaterThan(0);
});

test('I3a: in the shipped system, no zone has a signer for the other zone’s client', () => {
  const pairs = deriveGrants(shipped).map(({ zone, client }) => `${zone} ${client}`);
  expect(pairs).toEqual(['public portal', 'internal submission', 'admin portal', 'admin submission']);
});
