import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { describe, expect, test } from 'vitest';
import distributed from '../../examples/distributed.zones.ts';
import helsenettet from '../../examples/helsenettet.zones.ts';
import { defineSystem } from '../../infra/declaration/define.ts';
import { type SystemDeclaration, type SystemInput, systemSchema } from '../../infra/declaration/schema.ts';
import { FULL as RUN_FULL } from '../full.ts';
import one from '../one-client.zones.ts';
import own from '../own-things.zones.ts';
import { ABSENT, changed } from './declaration/change.ts';
import { CREATE_ONLY, deploy, EXCLUSIVE, type Stacks, stacksOf } from './deployment.ts';
import { synthesizeTemplates } from './synthesize.ts';

/** Every entry that a zone can have, two clients, and an admin zone. */
const BASE: SystemDeclaration = defineSystem({
  ...one,
  alarms: { GatewayErrors: 10 },
  audit: { export: 'arn:aws:logs:eu-north-1:444455556666:destination:former' },
  clients: {
    ...one.clients,
    vendor: {
      clientId: 'vendor-1',
      issuer: 'https://as.example.org',
      algorithm: 'PS256',
      tenancy: 'multi-tenant',
      profile: { ...helseIdProfile, logoutTokenTyp: 'logout+jwt' },
    },
  },
  apis: {
    ...one.apis,
    orders: { baseUrl: 'https://orders.example.no', audience: 'orders', scopes: ['orders'] },
  },
  zones: {
    ...one.zones,
    public: {
      ...one.zones.public,
      callers: [{ role: 'arn:aws:iam::111111111111:role/clinic', calls: 'signers' }],
      gateway: {
        ...one.zones.public.gateway,
        routes: [
          ...one.zones.public.gateway.routes,
          { method: 'POST', path: '/orders', function: 'summary', authorize: 'helseid' },
        ],
        authorizer: { client: 'vendor', audience: 'vendor', scopes: ['vendor'] },
      },
      grants: [
        ...one.zones.public.grants,
        {
          client: 'vendor',
          apis: [{ api: 'orders', methods: ['POST'], paths: ['/orders/*'] }],
          requestObjects: true,
        },
      ],
    },
  },
} as SystemInput);

/** Another value for every field that no named resource, subnet or network depends on. */
const IN_PLACE: Readonly<Record<string, unknown>> = {
  'clients.journal.clientId': 'journal-2',
  'clients.journal.issuer': 'https://helseid-sts.nhn.no',
  'clients.journal.algorithm': 'ES384',
  'clients.journal.tenancy': 'multi-tenant',
  'clients.journal.profile.assertionTyp': 'JWT',
  'clients.journal.profile.assertionLifetime': 10,
  'clients.journal.profile.assertionBackdate': 0,
  'clients.journal.profile.requestObjectTyp': 'request+jwt',
  'clients.journal.profile.idTokenAlgorithm': 'PS256',
  'clients.journal.profile.accessTokenAlgorithm': 'PS256',
  'clients.journal.profile.logoutTokenTyp': 'logout+jwt',
  'clients.journal.profile.detailTypes': ['helseid_authorization'],
  'clients.journal.profile.proofAtPar': true,
  'clients.journal.selfService.baseUrl': 'https://api.selvbetjening.nhn.no',
  'clients.journal.selfService.audience': 'other',
  'clients.journal.selfService.scope': 'other',
  'clients.journal.selfService.body': 'string',
  'clients.journal.rotation.everyDays': 30,
  'clients.journal.rotation.longestTokenLifetime': 600,
  'clients.journal.rotation.propagation': 30,
  'apis.summaries.baseUrl': 'https://summaries.example.org',
  'apis.summaries.audience': 'example:read',
  'apis.summaries.scopes': ['example:read'],
  'apis.summaries.resource': 'https://summaries.example.org',
  'zones.internal.grants[0].details': 'none',
  'zones.internal.grants[0].apis[0].api': 'orders',
  'zones.internal.grants[0].apis[0].methods': ['GET'],
  'zones.internal.grants[0].apis[0].paths': ['/Other'],
  'zones.internal.grants[0].requestObjects': true,
  'zones.internal.grants[0].signaturesPerSecond': 600,
  'zones.internal.grants[0].signerConcurrency': 5,
  'zones.public.grants[0].details': 'none',
  'zones.public.gateway.routes[0].authorize': 'helseid',
  'zones.public.gateway.routes[1].method': 'PUT',
  'zones.public.gateway.routes[1].path': '/receipts',
  'zones.public.gateway.routes[1].authorize': 'iam',
  'zones.public.gateway.baseUrl': 'https://journal.example.no',
  'zones.public.gateway.endpointAccessMode': 'STRICT',
  'zones.public.gateway.login.client': 'vendor',
  'zones.public.gateway.login.scopes': ['openid'],
  'zones.public.gateway.login.securityLevel': '3',
  'zones.public.gateway.login.acrValues': ['idporten'],
  'zones.public.gateway.login.prompt': 'login',
  'zones.public.gateway.login.maxAge': 60,
  'zones.public.gateway.login.onBehalfOf': '974760673',
  'zones.public.gateway.login.requestObject': true,
  'zones.public.gateway.login.idleMinutes': 5,
  'zones.public.gateway.login.absoluteMinutes': 60,
  'zones.public.gateway.login.forward[0].method': 'POST',
  'zones.public.gateway.login.forward[0].path': '/orders/{id}',
  'zones.public.gateway.login.forward[0].api': 'orders',
  'zones.public.gateway.login.forward[0].to': '/orders/{id}',
  'zones.public.gateway.login.forward[0].headers': ['x-other'],
  'zones.public.gateway.authorizer.client': 'journal',
  'zones.public.gateway.authorizer.audience': 'other',
  'zones.public.gateway.authorizer.scopes': ['other'],
  'zones.public.gateway.authorizer.securityLevel': '4',
  'zones.public.gateway.authorizer.otherAudiences': true,
  'zones.public.gateway.authorizer.proofAge': 5,
  'zones.public.gateway.authorizer.clockSkew': 1,
  'zones.internal.reservedConcurrency.worker': 5,
  reservedConcurrency: 'none',
  'alarms.GatewayErrors': 20,
  otherStacks: ['shop-web'],
  'audit.export': 'arn:aws:logs:eu-north-1:444455556666:destination:audit',
  'signing.deployers': ['arn:aws:iam::111111111111:role/on-call'],
  'zones.internal.events.sources': ['other'],
  'zones.internal.events.detailTypes': ['Other'],
  'zones.internal.events.detail': { status: ['signed'] },
  'zones.public.callers[0].role': 'arn:aws:iam::111111111111:role/other',
  'zones.public.callers[0].calls': 'entry',
  'exceptions[0].rule': 'own-data-only',
  'exceptions[0].resource': 'journal-zone-public/*',
  'exceptions[0].about': ['sqs:SendMessage'],
  'exceptions[0].reason': 'Only while the pilot runs in one clinic.',
};

/** The same, of what functions have. */
const IN_PLACE_OWN: Readonly<Record<string, unknown>> = {
  'zones.internal.functions.worker.environment.PAGE_SIZE': '60',
  'zones.public.gateway.routes[2].webhook.secret': 'other',
  'zones.public.gateway.routes[2].webhook.tolerance': 60,
  'zones.internal.functions.worker.timeout': 30,
  'zones.internal.functions.worker.memory': 2048,
  'zones.internal.functions.worker.hosts': ['other.partner.no'],
  'zones.internal.functions.summary.events.sources': ['other'],
  'zones.internal.functions.summary.events.detailTypes': ['Other'],
  'zones.internal.functions.summary.events.detail.status': ['lost'],
  'zones.internal.functions.labels.runtime': 'python3.14',
  'zones.internal.functions.labels.code': './test/languages/labels',
  'zones.internal.functions.labels.handler': 'handler.other',
  'zones.internal.functions.summary.schedules.nightly': 'rate(1 day)',
};

/** The declaration with these fields changed. */
function having(changes: Readonly<Record<string, unknown>>, of: unknown = BASE): SystemDeclaration {
  const result = Object.entries(changes).reduce((whole, [path, value]) => changed(path, value, whole), of);
  return defineSystem(result as SystemInput);
}

/** What stands once the declaration is deployed. */
const deployed = (system: SystemDeclaration): Stacks => stacksOf(synthesizeTemplates(system));

/** The changed declaration, deployed over the first. */
const over = (from: SystemDeclaration, to: SystemDeclaration) => deploy(deployed(from), deployed(to));

const OWN = having({
  'zones.internal.functions': own.zones.internal.functions,
  'zones.public.functions': { summary: { secrets: ['lab', 'other'] } },
  'zones.public.gateway.routes[2]': own.zones.public.gateway.routes[1],
});
const { reports: REPORTS } = distributed.zones;
const KEEPER = 'zones.reports.functions.report';
const KEEPS = having({ 'zones.reports': { ...REPORTS, cidr: '10.70.0.0/20' } });
/** What of a client is in place of one whose keys a function keeps. */
const IN_PLACE_KEPT = {
  ...Object.fromEntries(
    Object.entries(IN_PLACE).flatMap(([path, value]) => {
      const [, field] = /^clients\.journal\.(?!rotation)(.*)/.exec(path) ?? [];
      return field ? [[`${KEEPER}.clientKeys.reporting.${field}`, value]] : [];
    }),
  ),
  [`${KEEPER}.clientKeys.reporting.clientId`]: 'reporting-2',
  [`${KEEPER}.clientKeys.reporting.apis`]: ['orders'],
  [`${KEEPER}.clientKeys.reporting.propagation`]: 30,
};
const { vendor: VENDOR } = BASE.clients;
const { admin: ADMIN } = BASE.zones;
const MORE = having({
  'clients.lab': { ...VENDOR, clientId: 'lab' },
  'apis.lab': { ...BASE.apis['orders'], baseUrl: 'https://lab.example.no' },
  'zones.lab': {
    cidr: '10.60.0.0/20',
    events: { function: 'worker', sources: ['lab'], detailTypes: ['Moved'] },
    grants: [{ client: 'lab', apis: [{ api: 'lab', methods: ['POST'], paths: ['/*'] }] }],
  },
});
const MORE_RENAMED = having(
  {
    'clients.lab': ABSENT,
    'clients.clinic': MORE.clients['lab'],
    'zones.lab': ABSENT,
    'zones.clinic': { ...MORE.zones['lab'], grants: [{ client: 'clinic', apis: [] }] },
  },
  MORE,
);
const KEPT = (client: string, zone: string) => [
  `/journal/signing/journal-signer-${client}-admin`,
  `/journal/signing/journal-signer-${client}-${zone}`,
  `journal/client/${client}`,
];
const NO_WAY_OUT = { 'zones.internal.events': ABSENT, 'zones.internal.grants': [] };
const WITHOUT_ENTRIES = having({ 'zones.public.gateway': ABSENT, ...NO_WAY_OUT });

const HELSENETTET = {
  hosts: ['documents.example.no', 'helseid-sts.test.nhn.no'],
  through: 'tgw-0a1b2c3d4e5f60718',
  cidrs: ['91.186.80.0/24'],
};
const EXIT = having({ 'zones.internal.exits': { helsenettet: HELSENETTET } });
const VPC_THERE = (digit: string) => ({
  vpcId: `vpc-0${digit}1b2c3d4e5f60718`,
  subnets: [
    { subnetId: `subnet-0${digit}1b2c3d4e5f60718`, routeTableId: `rtb-0${digit}1b2c3d4e5f60718` },
    { subnetId: `subnet-0${digit}2b2c3d4e5f60718`, routeTableId: `rtb-0${digit}2b2c3d4e5f60718` },
  ],
});
const THERE = having({ 'zones.internal.network': VPC_THERE('a') });
const IN_REGION = { region: 'eu-north-1', 'zones.public.callers': [] };
const VPN = { ...HELSENETTET, through: 'vgw-0a1b2c3d4e5f60718' };
const BY_VPN = having({ 'zones.internal.exits': { helsenettet: VPN } });
const ONE_ACCOUNT = having({ ...IN_REGION, account: '111111111111', 'signing.resourcePolicies': false });

const STACKS = [
  'journal-gateway-account',
  'journal-signing',
  'journal-zone-admin',
  'journal-zone-internal',
  'journal-zone-public',
];

/** In a zone with login too. */
const WITH_TOKENS = having({
  'zones.internal.tokens': 'function',
  'zones.public.tokens': 'function',
  'zones.public.callers': [],
});

interface Change {
  /** Fields that it changes. */
  fields: readonly string[];
  from: SystemDeclaration;
  to: SystemDeclaration;
  left: readonly string[];
  orphans: readonly string[];
  /** Whether nothing that has a name is made, replaced or deleted. */
  keepsNames: boolean;
}

/** Changes of these fields `of` a path. */
function change(fields: string, to: SystemDeclaration, more: Partial<Change> & { of?: string } = {}): Change {
  const { of = '', ...rest } = more;
  const paths = fields.split(' ').map((field) => of + field);
  return { fields: paths, from: BASE, to, left: [], orphans: [], keepsNames: false, ...rest };
}

const GONE = ['journal-zone-lab'];
const SIGNER_LEFT = ['/journal/signing/journal-signer-journal-internal'];
const ONE_KEEPS_NONE = having({ [`${KEEPER}.clientKeys`]: {} }, KEEPS);

/** Changes that make, replace or delete what has a name, and go through. */
const CHANGES: Readonly<Record<string, Change>> = {
  'another client, API and zone': change('clients.* apis.* zones.* zones.*.grants[].client', MORE),
  'a client, an API and a zone less': change('clients.* apis.* zones.*', BASE, {
    from: MORE,
    left: KEPT('lab', 'lab'),
    orphans: GONE,
  }),
  'a client and a zone renamed': change('clients.* zones.*', MORE_RENAMED, {
    from: MORE,
    left: KEPT('lab', 'lab'),
    orphans: GONE,
  }),
  'other addresses in every zone': change(
    'signing.cidr zones.*.cidr',
    having({
      'signing.cidr': '10.130.0.0/24',
      'zones.public.cidr': '10.110.0.0/24',
      'zones.internal.cidr': '10.20.0.0/21',
      'zones.admin.cidr': '10.140.0.0/16',
    }),
    { keepsNames: true },
  ),
  'a third availability zone, and a first way out': change(
    'availabilityZones signing.availabilityZones zones.*.grants[].client',
    having({ availabilityZones: 3 }),
    { from: having({ ...NO_WAY_OUT, 'signing.availabilityZones': 1 }) },
  ),
  'one availability zone, and no way out': change(
    'availabilityZones',
    having({ availabilityZones: 1, ...NO_WAY_OUT }),
    { from: having({ availabilityZones: 3 }), left: SIGNER_LEFT },
  ),
  'two availability zones after one': change('availabilityZones zones.*.availabilityZones', BASE, {
    from: having({ availabilityZones: 1, 'zones.public.availabilityZones': 3 }),
    keepsNames: true,
  }),
  'an exit in place of the internet': change('* *.hosts', EXIT, { of: 'zones.*.exits.', keepsNames: true }),
  'another exit, and a proxy there': change(
    'cidrs ports through proxy.url proxy.ca',
    having({
      'zones.internal.exits': {
        helsenettet: {
          ...HELSENETTET,
          through: 'tgw-0b1b2c3d4e5f60718',
          cidrs: ['10.200.4.0/28'],
          ports: [3128],
          proxy: helsenettet.zones.portal.exits.proxy.proxy,
        },
      },
    }),
    { of: 'zones.*.exits.*.', from: EXIT, keepsNames: true },
  ),
  'a VPC that is there': change('vpcId subnets[].subnetId subnets[].routeTableId', THERE, {
    of: 'zones.*.network.',
  }),
  'another one, whose names are its owner’s': change(
    'zones.*.network.dnsFirewall',
    having({ 'zones.internal.network': { ...VPC_THERE('b'), dnsFirewall: false } }),
    { from: THERE },
  ),
  'first entries': change('gateway.login.client events.function', BASE, {
    of: 'zones.*.',
    from: WITHOUT_ENTRIES,
  }),
  'no entries': change('gateway.login.client events.function', WITHOUT_ENTRIES, {
    of: 'zones.*.',
    left: SIGNER_LEFT,
    orphans: ['journal-gateway-account'],
  }),
  'first things of functions': change('* *.tables.* *.queues *.reads *.secrets', OWN, {
    of: 'zones.*.functions.',
  }),
  'no things of functions': change('zones.*.functions.*', BASE, {
    from: OWN,
    left: [
      'journal-internal-worker-drafts',
      'journal-internal-worker-letters',
      'journal/internal/summary/mail',
      'journal/internal/worker/partner-key',
      'journal/public/summary/lab',
      'journal/public/summary/other',
    ],
  }),
  'keys that a function keeps': change('zones.*.functions.*.clientKeys.*', KEEPS, { from: ONE_KEEPS_NONE }),
  'no keys that a function keeps': change('zones.*.functions.*.clientKeys.*', ONE_KEEPS_NONE, {
    from: KEEPS,
    left: ['journal/reports/report/reporting'],
  }),
  'other functions behind the entries': change(
    'zones.*.gateway.routes[].function zones.*.events.function',
    having({
      'zones.public.gateway.routes[0].function': 'worker',
      'zones.internal.events.function': 'summary',
    }),
  ),
  'no self-service any more, and the gateway account left to others': change(
    'apiGatewayAccount',
    having({ 'clients.journal.selfService': ABSENT, apiGatewayAccount: false }),
    { orphans: ['journal-gateway-account'] },
  ),
  'a tokens function': change('zones.*.tokens', WITH_TOKENS),
  'no tokens function any more': change('zones.*.tokens', BASE, { from: WITH_TOKENS }),
  'no policies of signers’ own': change(
    'signing.resourcePolicies',
    having({ 'signing.resourcePolicies': false }),
    { keepsNames: true },
  ),
  'other accounts': change(
    'account zones.*.account',
    having({ ...IN_REGION, account: '222222222222', 'zones.internal.account': '333333333333' }),
    { from: having({ ...IN_REGION, account: '111111111111' }), orphans: STACKS },
  ),
  'a zone moved to another account': change(
    'zones.*.account',
    having({ 'zones.internal.account': '333333333333' }, ONE_ACCOUNT),
    { from: ONE_ACCOUNT, orphans: ['journal-zone-internal'] },
  ),
  'a first VPN gateway': change('zones.*.exits.*', BY_VPN),
  'another name for the system': change('name', having({ name: 'record' }), { orphans: STACKS }),
};

interface InTwo {
  what: string;
  field: string;
  from?: SystemDeclaration;
  to: SystemDeclaration;
  /** Every line of what is refused at once. */
  refused: RegExp;
  first(): Stacks;
}

/** Changes that take two deploys: what CloudFormation would say, and what is deployed or deleted first. */
const IN_TWO: readonly InTwo[] = [
  {
    what: 'a parameter of a path renamed',
    field: 'zones.*.gateway.routes[].path',
    to: having({ 'zones.public.gateway.routes[0].path': '/summaries/{person}' }),
    refused: /"\{\}", which journal-zone-public\/Gateway/,
    first: () =>
      deployed(having({ 'zones.public.gateway.routes': BASE.zones['public']?.gateway?.routes.slice(1) })),
  },
  {
    what: 'the admin zone renamed',
    field: 'zones.*.admin',
    to: having({ 'zones.admin': ABSENT, 'zones.keys': ADMIN }),
    refused: /RotationSchedule|Alarm/,
    first: () => without(deployed(BASE), 'journal-zone-admin'),
  },
  {
    what: 'a zone renamed in a network that is there',
    field: 'zones.*.network',
    from: THERE,
    to: having({ 'zones.internal': ABSENT, 'zones.inner': THERE.zones['internal'] }, THERE),
    refused: /VPCEndpoint|FirewallRuleGroupAssociation/,
    first: () => without(deployed(THERE), 'journal-zone-internal'),
  },
  {
    what: 'another VPN gateway',
    field: 'zones.*.exits.*.through',
    from: BY_VPN,
    to: having({ 'zones.internal.exits': { helsenettet: { ...VPN, through: 'vgw-0b1b2c3d4e5f60718' } } }),
    refused: /VPCGatewayAttachment VPN/,
    first: () => deployed(BASE),
  },
  {
    what: 'other addresses of a zone at a VPN gateway',
    field: 'zones.*.cidr',
    from: BY_VPN,
    to: having({ 'zones.internal.cidr': '10.120.0.0/20' }, BY_VPN),
    refused: /VPCGatewayAttachment VPN/,
    first: () => deployed(BASE),
  },
  {
    what: 'another region in the same account',
    field: 'region',
    from: having({ account: '111111111111', region: 'eu-north-1' }),
    to: having({ account: '111111111111', region: 'eu-west-1', audit: ABSENT }),
    refused: /AWS::IAM::/,
    first: () => ({}),
  },
];

function without(stacks: Stacks, name: string): Stacks {
  return Object.fromEntries(Object.entries(stacks).filter(([stack]) => stack !== name));
}

describe('a change of the declaration', () => {
  test('that touches no name, network or entry replaces nothing that has a name', () => {
    const nothing = { refused: [], named: [], left: [], orphans: [] };
    expect(over(BASE, having(IN_PLACE))).toEqual(nothing);
    expect(over(OWN, having(IN_PLACE_OWN, OWN))).toEqual(nothing);
  });

  test('that touches what is registered of a client whose keys a function keeps leaves them', () => {
    const nothing = { refused: [], named: [], left: [], orphans: [] };
    expect(over(KEEPS, having(IN_PLACE_KEPT, KEEPS))).toEqual(nothing);
  });

  const changes = Object.entries(CHANGES);
  test.each(RUN_FULL ? changes : changes.slice(0, 2))('goes through: %s', (_, change) => {
    const { from, to, left, orphans, keepsNames } = change;
    const { named, ...found } = over(from, to);
    expect(found).toEqual({ refused: [], left, orphans });
    if (keepsNames) expect(named).toEqual([]);
  });

  test.runIf(RUN_FULL).each(IN_TWO)(
    'goes through in two deploys: $what',
    ({ from = BASE, to, refused, first }) => {
      const said = over(from, to).refused;
      expect(said).not.toEqual([]);
      for (const line of said) expect(line).toMatch(refused);
      expect(deploy(deployed(from), first()).refused).toEqual([]);
      expect(deploy(first(), deployed(to)).refused).toEqual([]);
    },
  );
});

describe('what has a name, and texts that would replace it', () => {
  const resources = Object.values(deployed(BASE)).flatMap((stack) => Object.values(stack.Resources));

  test('every fixed name is one that there can be once', () => {
    const names = resources.flatMap(({ Type, Properties = {} }) =>
      (CREATE_ONLY[Type] ?? [])
        .filter((property) => property.endsWith('Name') && typeof Properties[property] === 'string')
        .map((property) => `${Type} ${property}`),
    );
    // Validators of one API may share a name.
    const known = ['AWS::ApiGateway::RequestValidator Name'].concat(
      Object.entries(EXCLUSIVE).flatMap(([type, groups]) => groups.flat().map((each) => `${type} ${each}`)),
    );
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('of the texts that would replace what bears them there are two, on security groups', () => {
    const texts = resources.flatMap(({ Type, Properties = {} }) =>
      (CREATE_ONLY[Type] ?? []).flatMap((property) => {
        const value = Properties[property];
        return typeof value === 'string' && value.includes(' ') ? [`${Type} ${property}: ${value}`] : [];
      }),
    );
    expect([...new Set(texts)].sort()).toEqual([
      'AWS::EC2::SecurityGroup GroupDescription: Endpoints of the zone: 443 from its functions, nothing out.',
      'AWS::EC2::SecurityGroup GroupDescription: Functions of the zone: nothing in, 443 out.',
    ]);
  });
});

interface Schema {
  type: string;
  wrapped?: Schema;
  entries?: Record<string, Schema>;
  value?: Schema;
  item?: Schema;
}

/** Every field of a schema by its path, `*` for names and `[]` for places; a list of plain values is one field. */
function fieldsOf({ type, wrapped, entries, value, item }: Schema, path = ''): string[] {
  // Fields of events, not of a declaration.
  if (path.endsWith('.detail')) return [path];
  if (wrapped) return fieldsOf(wrapped, path);
  if (type === 'record' && value) return [`${path}.*`, ...fieldsOf(value, `${path}.*`)];
  if (item) return item.entries ? fieldsOf(item, `${path}[]`) : [path];
  if (!entries) return [path];
  return Object.entries(entries).flatMap(([name, each]) => fieldsOf(each, path ? `${path}.${name}` : name));
}

const FIELDS = [...new Set(fieldsOf(systemSchema as unknown as Schema))];

/** The field that a path of a declaration is of. */
const fieldOf = (path: string) =>
  path
    .replace(
      /\b(alarms|clients|apis|zones|reservedConcurrency|functions|clientKeys|environment|schedules)\.\w+/g,
      '$1.*',
    )
    .replace(/\.detail\..*/, '.detail')
    .replace(/\[\d+\]/g, '[]');

describe('docs/changing.md', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/changing.md', import.meta.url)), 'utf8');
  const rows = page.split('\n').flatMap((line) => {
    const [, first = '', what = ''] =
      line.split(' | ').length > 1 ? (/^\| (.*?) \| (.*)$/.exec(line) ?? []) : [];
    return [...first.matchAll(/`([^`]+)`/g)].map(([, field = '']) => ({
      field,
      inPlace: what.startsWith('In place'),
    }));
  });
  const covers = (row: string, field: string) =>
    field === row || (!row.endsWith('*') && (field.startsWith(`${row}.`) || field.startsWith(`${row}[`)));
  const changedInPlace = new Set([IN_PLACE, IN_PLACE_OWN, IN_PLACE_KEPT].flatMap(Object.keys).map(fieldOf));
  const changedElse = new Set([
    ...Object.values(CHANGES).flatMap(({ fields }) => fields),
    ...IN_TWO.map(({ field }) => field),
  ]);

  test.each(FIELDS)('says what a change of %s does, and a test has tried it', (field) => {
    // The deepest row: a part may be said apart from its whole.
    const [row] = rows
      .filter((each) => covers(each.field, field))
      .sort((a, b) => b.field.length - a.field.length);
    expect(row).toBeDefined();
    // Only one value of it is deployed.
    if (field === 'clients.*.custody') return;
    expect(row?.inPlace ? changedInPlace : changedElse).toContain(field);
  });

  test('says nothing of fields that are not there', () => {
    expect(rows.filter(({ field }) => !FIELDS.some((each) => covers(field, each)))).toEqual([]);
  });
});

describe('what CloudFormation refuses is found', () => {
  const VPC = { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/20' } };
  const stack = (
    Resources: Stacks[string]['Resources'],
    Outputs: Stacks[string]['Outputs'] = {},
  ): Stacks[string] => ({ environment: 'aws://111111111111/eu-north-1', Resources, Outputs });
  const of = (type: string, Properties: Readonly<Record<string, unknown>>) => ({
    r: { Type: `AWS::${type}`, Properties },
  });
  const role = (name: string, more = {}) => of('IAM::Role', { RoleName: name, ...more });
  const reads = (kind: string, operand: unknown) => of('SQS::Queue', { QueueName: { [kind]: operand } });
  const b = stack(reads('Fn::GetStackOutput', { StackName: 'a', OutputName: 'o' }));
  const read = (output: Stacks) => ({ ...output, b });
  const [imports, queue] = [stack(reads('Fn::ImportValue', 'n')), stack(of('SQS::Queue', {}))];
  const subnet = (CidrBlock: string, VpcId: unknown = 'vpc-1') => of('EC2::Subnet', { VpcId, CidrBlock });
  const output = { o: { Value: { Ref: 'v' } } };
  const exported = { o: { Value: 1, Export: { Name: 'n' } } };
  const elsewhere = { v: { ...VPC, Properties: { CidrBlock: '10.9.0.0/20' } } };
  const nat = of('EC2::NatGateway', { SubnetId: { Ref: 'v' }, AllocationId: 'e' });
  const a = (...of: Parameters<typeof stack>) => ({ a: stack(...of) });

  test.each<[string, Stacks, Stacks, string]>([
    ['a name that is replaced', a(role('x')), a(role('x', { Path: '/p/' })), '"x"'],
    ['a name under another id', a(role('x')), a({ other: role('x').r }), '"x"'],
    ['a name in another stack', a(role('x')), { b: stack(role('x')) }, 'a/r holds'],
    ['another type', a(role('x')), a(of('SQS::Queue', {})), 'another type'],
    ['an address that a NAT gateway holds', a({ v: VPC, ...nat }), a({ ...elsewhere, ...nat }), 'NatGateway'],
    ['subnets that overlap', a(subnet('10.0.0.0/20')), a(subnet('10.0.8.0/21')), 'overlaps'],
    ['an export in use', { ...a({}, exported), b: imports }, { ...a({}), b: queue }, 'export in use'],
    ['an output that is not there', {}, read(a({})), 'not there'],
    ['an output nobody reads anew', read(a({ v: VPC }, output)), read(a(elsewhere, output)), 'keeps the old'],
  ])('%s', (_, before, after, said) => {
    const { refused } = deploy(before, after);
    expect(refused).toHaveLength(1);
    expect(refused[0]).toContain(said);
  });

  test('and what it takes is not', () => {
    expect(deploy(a(role('x')), a(role('y', { Path: '/p/' }))).refused).toEqual([]);
    const moved = a({ ...elsewhere, ...subnet('10.0.0.0/20', { Ref: 'v' }) });
    expect(deploy(a({ v: VPC, ...subnet('10.0.8.0/21', { Ref: 'v' }) }), moved).refused).toEqual([]);
  });
});
