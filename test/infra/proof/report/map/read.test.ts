import { describe, expect, test } from 'vitest';
import { hasViolations } from '../../../../../infra/proof/report/map/model.ts';
import type { Finding } from '../../../../../infra/proof/rules/rule.ts';
import { FULL } from '../../../declaration/change.ts';
import { linesOf, mapOf, SMALL, synthesizedFolder, type Template } from './maps.ts';

const folder = synthesizedFolder(SMALL);
const map = mapOf(folder, SMALL);

describe('the map of a small system', () => {
  test('has the zones of the declaration, the admin zone and the signing zone last', () => {
    expect(map.zones.map(({ name, cidr, internet }) => [name, cidr, internet])).toEqual([
      ['public', '10.10.0.0/20', 'https'],
      ['internal', '10.20.0.0/20', 'https'],
      ['admin', '10.40.0.0/20', 'https'],
      ['signing', '10.30.0.0/20', 'none'],
    ]);
  });

  test('lets every function invoke the signer of its zone and no other', () => {
    expect(linesOf(map, ({ verb, through }) => verb === 'invoke' && through === 'lambda').sort()).toEqual([
      'key-watch invoke signer-journal-admin',
      'rotation invoke signer-journal-admin',
      'summary invoke signer-journal-public',
      'worker invoke signer-journal-internal',
    ]);
  });

  test('lets signers sign, through their endpoint, and nobody else', () => {
    const signing = map.calls.filter(({ verb }) => verb === 'sign with');
    expect(linesOf({ ...map, calls: signing }).sort()).toEqual(
      ['admin', 'internal', 'public'].map((zone) => `signer-journal-${zone} sign with client key`),
    );
    for (const { through } of signing) expect(through).toBe('kms');
  });

  test('says what a signer may sign and what a host is', () => {
    expect(map.nodes.find(({ label }) => label === 'signer-journal-public')?.notes).toEqual([
      'assertions of client journal',
      'proofs for its issuer',
      'proofs GET summaries.example.no/v1/summaries/*',
    ]);
    expect(
      map.nodes.filter(({ kind }) => kind === 'host').map(({ label, notes }) => [label, ...notes]),
    ).toEqual([
      ['helseid-sts.test.nhn.no', 'issuer of tokens'],
      ['summaries.example.no', 'API summaries'],
      ['documents.example.no', 'API documents'],
      ['api.selvbetjening.test.nhn.no', 'self-service API'],
    ]);
  });

  test('knows what starts functions', () => {
    expect(linesOf(map, ({ verb }) => verb === 'start')).toEqual([
      'GET\u00a0/summaries/{id} start summary',
      'DocumentCreated start worker',
      'rate(1\u00a0hour) start key-watch',
      'rotation of journal/client/journal start rotation',
    ]);
  });

  test('is without anything in red', () => {
    expect(linesOf(map, ({ violated }) => violated)).toEqual([]);
    expect(hasViolations(map)).toBe(false);
  });
});

test('a system with two clients, login and an account of its own has them all', () => {
  const full = mapOf(synthesizedFolder(FULL), FULL);
  expect(linesOf(full, ({ verb }) => verb === 'sign with')).toHaveLength(5);
  const keys = full.nodes.filter(({ kind }) => kind === 'key').map(({ notes }) => notes.slice(0, 2));
  expect(keys).toEqual([
    ['of client journal', 'ES256'],
    ['of client vendor', 'PS256'],
  ]);
});

describe('what no declaration has is there', () => {
  const EVERYTHING = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*', Principal: '*' }],
  };
  const ALL = { Effect: 'Allow', Action: '*', Resource: '*' };
  const WITHOUT_PRINCIPAL = { Version: '2012-10-17', Statement: [ALL] };

  /** Opens every policy of a zone: roles, boundary and endpoints. */
  function openZone(template: Template): void {
    for (const { Type, Properties } of Object.values(template.Resources)) {
      if (Type === 'AWS::IAM::Role')
        Properties['Policies'] = [{ PolicyName: 'all', PolicyDocument: WITHOUT_PRINCIPAL }];
      if (Type === 'AWS::IAM::ManagedPolicy') Properties['PolicyDocument'] = WITHOUT_PRINCIPAL;
      if (Type === 'AWS::EC2::VPCEndpoint') Properties['PolicyDocument'] = EVERYTHING;
    }
  }

  /** Takes the policy of a zone's signer away, which lets its own zone's roles in only. */
  function openSigner({ Resources }: Template): void {
    for (const [id, { Type }] of Object.entries(Resources))
      if (Type === 'AWS::Lambda::ResourcePolicy') delete Resources[id];
  }

  test('a function that may invoke the signer of another zone, once that has no policy of its own', () => {
    const invokes = 'summary invoke signer-journal-internal';
    const zone = mapOf(folder, SMALL, (template) => openZone(template('journal-zone-public')));
    expect(linesOf(zone)).not.toContain(invokes);
    const opened = mapOf(folder, SMALL, (template) => {
      openZone(template('journal-zone-public'));
      openSigner(template('journal-zone-internal'));
    });
    for (const line of [invokes, 'summary invoke worker', 'summary change client record'])
      expect(linesOf(opened)).toContain(line);
    expect(linesOf(opened)).not.toContain('summary sign with client key');
  });

  test('a host that the declaration does not have, and a way out on every port', () => {
    const opened = mapOf(folder, SMALL, (template) => {
      for (const { Type, Properties } of Object.values(template('journal-zone-public').Resources)) {
        const { Domains: domains } = Properties;
        if (
          Type === 'AWS::Route53Resolver::FirewallDomainList' &&
          Array.isArray(domains) &&
          !domains.includes('*')
        )
          domains.push('elsewhere.example.com');
      }
      for (const { Type, Properties } of Object.values(template('journal-zone-internal').Resources))
        if (Type === 'AWS::EC2::SecurityGroup')
          Properties['SecurityGroupEgress'] = [{ IpProtocol: '-1', CidrIp: '0.0.0.0/0' }];
    });
    for (const line of [
      'summary open https to elsewhere.example.com',
      'worker open any connection to helseid-sts.test.nhn.no',
      'worker open any connection to documents.example.no',
    ])
      expect(linesOf(opened)).toContain(line);
    expect(opened.nodes.find(({ label }) => label === 'elsewhere.example.com')?.notes).toEqual([
      'not in the declaration',
    ]);
  });

  test('a function in a stack that no zone owns', () => {
    const opened = mapOf(folder, SMALL, (template) => {
      openSigner(template('journal-zone-public'));
      template('journal-gateway-account').Resources['Stray'] = {
        Type: 'AWS::Lambda::Function',
        Properties: { FunctionName: 'stray', Role: { 'Fn::GetAtt': ['StrayRole', 'Arn'] } },
      };
      template('journal-gateway-account').Resources['StrayRole'] = {
        Type: 'AWS::IAM::Role',
        Properties: { Policies: [{ PolicyName: 'all', PolicyDocument: WITHOUT_PRINCIPAL }] },
      };
    });
    expect(opened.zones.at(-1)).toMatchObject({ name: 'outside', internet: 'any' });
    expect(linesOf(opened)).toContain('stray invoke signer-journal-public');
  });
});

test('what findings are about is red: the zone, the node and the call', () => {
  const role = map.nodes.find(({ label }) => label === 'summary')?.resources[1] ?? '';
  const signer = map.nodes.find(({ label }) => label === 'signer-journal-public')?.resources[0] ?? '';
  const finding: Finding = {
    rule: 'own-signer',
    invariant: 'I2',
    resource: role,
    message: 'It may.',
    remedy: 'Mend it.',
    about: ['lambda:InvokeFunction'],
    path: [role, 'its policies', signer],
  };
  const marked = mapOf(folder, SMALL, undefined, [finding]);
  expect(marked.zones.filter(({ violated }) => violated).map(({ name }) => name)).toEqual(['public']);
  expect(marked.nodes.filter(({ violated }) => violated).map(({ label }) => label)).toEqual([
    'signer-journal-public',
    'summary',
  ]);
  expect(linesOf(marked, ({ violated }) => violated)).toEqual(['summary invoke signer-journal-public']);
});
