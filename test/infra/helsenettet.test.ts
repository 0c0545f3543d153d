import { describe, expect, it } from 'vitest';
import system from '../../examples/helsenettet.zones.ts';
import { assumptionsOf } from '../../infra/declaration/assumptions.ts';
import { defineSystem, findProblems } from '../../infra/declaration/define.ts';
import { deriveAssembly } from '../../infra/proof/derived/derive.ts';
import { matrixOf, prove } from '../../infra/proof/prove.ts';
import { readZoneMap } from '../../infra/proof/report/map/read.ts';
import { FULL } from '../full.ts';
import { ABSENT, changed } from './declaration/change.ts';
import {
  adds,
  type Change,
  type Changeable,
  find,
  findingsOf,
  idOf,
  sets,
  setsVariables,
  withAsset,
  withTemplate,
} from './proof/mutate.ts';
import { synthesize as read } from './proof/one-client.ts';
import { synthesize, synthesizeTemplates, text } from './synthesize.ts';

const [RECORDS, PORTAL] = ['kommune-zone-records', 'kommune-zone-portal'];
const SIGNING = 'kommune-signing';
const TGW = 'tgw-0a1b2c3d4e5f60718';
const OTHER_TGW = { TransitGatewayId: 'tgw-0f1f2f3f4f5f6f7f8' };
const PROXY = 'http://proxy.kommune.example.no:3128';
const VPC = 'vpc-0a1b2c3d4e5f60718';
const assembly = read(system);
const folder = synthesize(system);
const whole = prove(assembly, system, { derived: deriveAssembly(system, assembly) });

describe('a system on networks that exist', () => {
  it('holds assuming what no template shows, compared with what is declared and by the rules alone', () => {
    expect(whole.violations).toEqual([]);
    if (FULL) expect(prove(assembly, system).violations).toEqual([]);
    expect(whole.verdict).toBe('holds assuming');
    expect(whole.assumptions.map(({ kind, field }) => `${kind} ${field}`)).toEqual([
      'exit zones.records.exits.helsenettet',
      'network zones.portal.network',
      'exit zones.portal.exits.proxy',
      'proxy zones.portal.exits.proxy.proxy',
      'exit zones.admin.exits.helsenettet',
      'audit audit.export',
    ]);
    expect(whole.assumptions[0]?.assumes).toContain(
      `91.186.92.124/32, 91.186.86.41/32, 91.186.80.0/24 behind ${TGW}`,
    );
    expect(whole.assumptions[3]?.assumes).toMatch(
      /to helseid-sts.test.nhn.no, summaries.example.no and to nothing else.*authority’s key.*assertions/,
    );
  });

  it('has no way to the internet, and none to Helsenettet beside what is declared', () => {
    for (const type of ['NatGateway', 'InternetGateway', 'EIP'])
      expect(folder.ofType(`AWS::EC2::${type}`)).toEqual([]);
    const reached = matrixOf(whole).filter(({ action }) => action === 'network:connect');
    const of = (principal: string) =>
      reached
        .filter((row) => row.principal === principal && !row.resource.includes('vpce-'))
        .map(({ resource, verdict }) => `${verdict} ${resource}`);
    // 443, since its tables' endpoint has no group; the routes lead to the exit's ranges alone.
    expect(of('kommune-records-worker')).toEqual([
      'never the internet',
      ...['91.186.92.124/32', '91.186.86.41/32', '91.186.80.0/24'].map(
        (range) => `always ${range} on tcp 443 through ${TGW}`,
      ),
    ]);
    expect([...new Set(of('kommune-portal-summary'))]).toEqual([
      'never the internet',
      `always 10.200.4.0/28 on tcp 3128 through ${VPC}`,
    ]);
    for (const signer of ['journal-records', 'archive-portal'])
      expect(of(`kommune-signer-${signer}`)).toEqual(['never the internet']);
  });

  it('puts nothing of a network into the VPC that is there but groups, endpoints, a flow log and its names', () => {
    const types = new Set(Object.values(folder.resources(PORTAL)).map(({ Type }) => Type));
    expect([...types].filter((type) => /^AWS::(?:EC2|Route53Resolver)::/.test(type)).sort()).toEqual([
      'AWS::EC2::FlowLog',
      'AWS::EC2::SecurityGroup',
      'AWS::EC2::SecurityGroupEgress',
      'AWS::EC2::SecurityGroupIngress',
      'AWS::EC2::VPCEndpoint',
      'AWS::Route53Resolver::FirewallDomainList',
      'AWS::Route53Resolver::FirewallRuleGroup',
      'AWS::Route53Resolver::FirewallRuleGroupAssociation',
    ]);
    const { VpcConfig } = folder.ofType('AWS::Lambda::Function', PORTAL)[0]?.[1].Properties ?? {};
    expect(VpcConfig).toMatchObject({ SubnetIds: ['subnet-0a1b2c3d4e5f60718', 'subnet-0b1b2c3d4e5f60718'] });
  });

  it('answers the names of its hosts, and of those behind a proxy none but the proxy’s', () => {
    const names = (stack: string) =>
      (folder.find(stack, 'NetworkAllowedNames').Properties['Domains'] as unknown[]).map(text);
    expect(names(RECORDS)).toEqual(
      expect.arrayContaining(['documents.example.no', 'helseid-sts.test.nhn.no']),
    );
    expect(names(PORTAL)).toEqual(['proxy.kommune.example.no', 'lambda.<AWS::Region>.amazonaws.com']);
  });

  it('leaves a VPC that others run in its names, and says so', () => {
    const { portal } = system.zones;
    const shared = defineSystem({
      ...system,
      zones: { ...system.zones, portal: { ...portal, network: { ...portal.network, dnsFirewall: false } } },
    });
    expect(findingsOf('names-answered', read(shared), shared)).toEqual([]);
    if (FULL) expect(prove(read(shared), shared).violations).toEqual([]);
    expect(assumptionsOf(shared)[1]?.assumes).toMatch(/resolver answers whatever its owner lets it/);
    expect(synthesizeTemplates(shared).ofType('AWS::Route53Resolver::FirewallRuleGroup', PORTAL)).toEqual([]);
  });

  it('is drawn with the other networks outside, and a call of a function to each', () => {
    const map = readZoneMap(whole.input);
    const outside = map.nodes.filter(({ zone }) => zone === 'other networks');
    expect(outside.map(({ label }) => label).sort()).toEqual(['helsenettet', 'helsenettet', 'proxy']);
    const ofSummary = map.calls.filter(({ from }) => from.endsWith(':kommune-portal-summary'));
    expect(ofSummary.map(({ verb, to }) => `${verb} ${to.split(':').at(-1)}`)).toEqual([
      'invoke kommune-signer-archive-portal',
      'open connections to proxy',
    ]);
    expect(map.calls.filter(({ violated }) => violated)).toEqual([]);
  });
});

const egress =
  (change: (rules: Changeable[]) => void): Change =>
  (r) =>
    change(find(r, 'NetworkFunctionGroup', 'SecurityGroup').Properties.SecurityGroupEgress as Changeable[]);
const toRange = (cidr: string, more: object): Change =>
  egress((rules) => void Object.assign(rules.find(({ CidrIp }) => CidrIp === cidr) ?? {}, more));
const HTTPS_EVERYWHERE = { CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 };
const firstRoute =
  (properties: object): Change =>
  (r) => {
    const route = Object.values(r).find(({ Type }) => Type === 'AWS::EC2::Route');
    Object.assign(route?.Properties ?? {}, properties);
  };
const TGW_ATTACHED = 'TransitGatewayAttachment';
const VGW_ATTACHED = 'VPCGatewayAttachment';
const attachment =
  (type: string, properties: object): Change =>
  (r) =>
    void Object.assign(find(r, 'NetworkAttachment', type).Properties, properties);
/** Adds something of a network. */
const net = (type: string, properties: Changeable): Change => adds(`AWS::EC2::${type}`, properties);
const attached = net(TGW_ATTACHED, { TransitGatewayId: TGW });
const VGW = { VpnGatewayId: 'vgw-0a1b2c3d4e5f60718' };
const elsewhere = { SubnetIds: ['subnet-0c1b2c3d4e5f60718'] };
const everywhere = { DestinationCidrBlock: '0.0.0.0/0' };

/** Hostile changes, by the rule that finds each where nothing is compared. */
const HOSTILE: Readonly<Record<string, readonly [name: string, stack: string, change: Change][]>> = {
  // ./proof/rules/network.test.ts has the others.
  'exits-are-declared': [
    ['a range widened', RECORDS, toRange('91.186.80.0/24', { CidrIp: '91.186.0.0/16' })],
    ['https to everywhere beside the proxy', PORTAL, toRange('10.200.4.0/28', HTTPS_EVERYWHERE)],
    ['everything to the transit gateway', RECORDS, firstRoute(everywhere)],
    ['NAT where nothing on the internet is called', RECORDS, net('NatGateway', {})],
    [
      'a route in a network that is there',
      PORTAL,
      net('Route', { RouteTableId: 'rtb-0a1b2c3d4e5f60718', ...everywhere }),
    ],
  ],
  'properties-are-understood': [
    ['a route through a gateway that nobody declared', RECORDS, firstRoute(OTHER_TGW)],
    ['another VPC attached', RECORDS, attachment(TGW_ATTACHED, { VpcId: VPC })],
    [
      'a function in another subnet',
      PORTAL,
      (r) => void Object.assign(find(r, 'summaryFunction').Properties.VpcConfig as Changeable, elsewhere),
    ],
  ],
  'signing-zone-has-no-way-out': [
    ['a way out of the signing zone', SIGNING, attached],
    ['a VPN of the signing zone', SIGNING, net(VGW_ATTACHED, VGW)],
    [
      'a route of the signing zone',
      SIGNING,
      net('Route', { DestinationCidrBlock: '91.186.80.0/24', TransitGatewayId: TGW }),
    ],
  ],
  'networks-are-declared': [
    ['a VPC beside the one that is there', PORTAL, net('VPC', { CidrBlock: '10.20.0.0/20' })],
  ],
  'endpoints-are-own': [['an endpoint in another subnet', PORTAL, sets('Networklambdaendpoint', elsewhere)]],
  'names-answered': [
    ['no firewall of names', PORTAL, (r) => void delete r[idOf(r, 'NetworkNameRulesOfVpc')]],
    [
      'a name that the proxy should look up',
      PORTAL,
      sets('NetworkAllowedNames', { Domains: ['summaries.example.no'] }),
    ],
  ],
  'zone-functions-are-declared': [
    ['another proxy', PORTAL, setsVariables('summary', { HTTPS_PROXY: 'http://10.9.9.9:3128' })],
    ['AWS through the proxy', PORTAL, setsVariables('summary', { NO_PROXY: 'localhost' })],
    ['no proxy', PORTAL, setsVariables('summary', { NODE_USE_ENV_PROXY: '0' })],
    ['other authorities', PORTAL, setsVariables('summary', { NODE_EXTRA_CA_CERTS: '/tmp/ca.pem' })],
    ['a proxy where none is declared', RECORDS, setsVariables('worker', { HTTPS_PROXY: PROXY })],
  ],
};

describe('what leads elsewhere than declared is found without a comparison', () => {
  const cases = Object.entries(HOSTILE).flatMap(([rule, changes]) =>
    changes.map((change) => [rule, ...change] as const),
  );
  it.each(cases)('by %s: %s', (rule, _name, stack, change) => {
    const found = findingsOf(rule, withTemplate(assembly, stack, change), system);
    expect(found.map(({ resource }) => resource.split('/')[0])).toContain(stack);
  });

  it('other certificates in the bundle', () => {
    const other = withAsset(assembly, 'kommune-portal-summary', 'proxy-ca.pem', (pem) =>
      pem.replace('MIIB', 'MIIC'),
    );
    expect(findingsOf('zone-functions-are-declared', other, system)).not.toEqual([]);
    expect(findingsOf('zone-functions-are-declared', assembly, system)).toEqual([]);
  });
});

describe('a declaration of networks that exist', () => {
  type Wrong = [value: unknown, message: RegExp, field?: string];
  const PROXY_URL = 'zones.portal.exits.proxy.proxy.url';
  const at = (hosts: string, message: RegExp) =>
    hosts.split(' ').map((host): Wrong => [`https://${host}:3128`, message]);
  const wrong: Record<string, Wrong[]> = {
    'zones.records.exits.helsenettet.through': [
      [ABSENT, /is missing: name the transit gateway/],
      ['tgw-1', /must be an id such as tgw-/],
      ['vgw-0a1b2c3d4e5f60718', /names vgw-0a1b2c3d4e5f60718 a second time/, 'zones.admin.exits'],
    ],
    'zones.records.exits.helsenettet.cidrs[0]': [
      ['0.0.0.0/0', /IPv4 range of \/16 to \/32/],
      ...['91.0.0.0/8', '91.186.92.124/24', '169.254.169.254/32'].map(
        (cidr): Wrong => [cidr, /\/16 to \/32/],
      ),
      ['10.30.4.0/24', /overlaps the network of signing/],
      ['10.20.4.0/24', /overlaps the network of portal/],
      ['10.10.4.0/24', /overlaps the network of records/],
    ],
    'zones.records.exits.helsenettet.hosts[1]': [
      ['summaries.example.no', /the zone calls documents.example.no, helseid-sts.test.nhn.no/],
      ['helseid-sts.test.nhn.no', /name helseid-sts.test.nhn.no twice/, 'zones.records.exits'],
    ],
    'zones.records.exits.helsenettet.ports': [
      [[8443], /called on port 443: add it/, 'zones.records.exits.helsenettet.hosts[0]'],
      [[0], /at least 1/, 'zones.records.exits.helsenettet.ports[0]'],
    ],
    'zones.portal.exits.proxy.through': [[TGW, /can't be set: the zone's VPC is there/]],
    'zones.portal.exits.proxy.ports': [[[8080], /lack that of http:\/\/proxy/]],
    [PROXY_URL]: [
      ['http://user:word@proxy.example.no:3128', /without path and credentials/],
      ...at('s3.eu-north-1.amazonaws.com sts.eu-north-1.amazonaws.com', /where AWS itself is called/),
      ...at('x..y proxy 1.2.3 0x7f.1 10.9.9.999', /names of the public DNS only/),
      ['http://10.9.9.9:3128', /add 10.9.9.9\/32/, 'zones.portal.exits.proxy.cidrs'],
    ],
    'zones.portal.exits.proxy.proxy.ca': [
      ['-----BEGIN PRIVATE KEY-----', /certificates of authorities/],
      ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /certificates of authorities/],
    ],
    'zones.portal.network.subnets[1].subnetId': [
      ['subnet-0a1b2c3d4e5f60718', /names subnet-0a1b2c3d4e5f60718 a second time/, 'zones.portal.network'],
    ],
    'signing.exits': [[{}, /is not a field/]],
    'signing.network': [[{}, /is not a field/]],
  };
  it.each(['proxy.kommune.local', 'proxy.internal', '10.200.4.1'])('takes a proxy at %s', (host) => {
    expect(findProblems(changed(PROXY_URL, `http://${host}:3128`, system))).toEqual([]);
  });
  it.each([
    ['the same VPN gateway, to which a VPC is attached once', 'vgw-0c1b2c3d4e5f60718', []],
    ['a transit gateway beside it', TGW, []],
    ['another VPN gateway', 'vgw-0d1b2c3d4e5f60718', ['zones.records.exits']],
  ])('of a second exit: %s', (_, through, fields) => {
    const exit = (host: string, cidr: string, through: string) => ({ hosts: [host], cidrs: [cidr], through });
    const exits = {
      issuer: exit('helseid-sts.test.nhn.no', '91.186.92.124/32', 'vgw-0c1b2c3d4e5f60718'),
      documents: exit('documents.example.no', '91.186.80.0/24', through),
    };
    const found = findProblems(changed('zones.records.exits', exits, system));
    expect(found.map(({ field }) => field)).toEqual(fields);
  });
  it('takes a host of a function on its exit’s ports alone, where no API is called there', () => {
    const exit = { hosts: ['db.example.no'], cidrs: ['10.90.8.0/24'], ports: [5432], through: TGW };
    const reached = changed('zones.records.functions', { worker: { hosts: ['db.example.no'] } }, system);
    expect(findProblems(changed('zones.records.exits.database', exit, reached))).toEqual([]);
    const api = changed('apis.documents.baseUrl', 'https://db.example.no', reached);
    const problems = findProblems(changed('zones.records.exits.database', exit, api));
    const own = problems.find(({ field }) => field === 'zones.records.exits.database.hosts[0]');
    expect(own?.message).toMatch(/called on port 443: add it/);
  });
  it.each(
    Object.entries(wrong).flatMap(([at, cases]) =>
      cases.map(([value, message, field = at]) => [at, value, field, message] as const),
    ),
  )('is refused: %s as %j', (at, value, field, message) => {
    const problems = findProblems(changed(at, value, system));
    expect(problems.find((one) => one.field === field)?.message).toMatch(message);
  });
});
