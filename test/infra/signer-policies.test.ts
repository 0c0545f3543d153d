import { describe, expect, it } from 'vitest';
import { resolveAssembly } from '../../infra/proof/assembly/resolve.ts';
import { rolePrincipal } from '../../infra/proof/policy/principal.ts';
import type { Context } from '../../infra/proof/policy/request.ts';
import { buildWorld } from '../../infra/proof/policy/world/build.ts';
import { operatorRole } from '../../local/aws/authorize.ts';
import { decideRequest } from '../../local/aws/decide-request.ts';
import system from '../one-client.zones.ts';
import { dropStatement, find, idOf, role, signer, withTemplate } from './proof/mutate.ts';
import { oneClient, synthesize as synthesized } from './proof/one-client.ts';
import { statementsOf, synthesize, synthesizeTemplates, text } from './synthesize.ts';

const ZONES = ['public', 'internal', 'admin'];
const POLICY = 'SignerPolicyjournal';
const DEPLOYER = 'cdk-hnb659fds-cfn-exec-role-000000000000-eu-north-1';

describe('a policy of each signer’s own', () => {
  const assembly = synthesize();

  it('lies in its zone’s stack, which waits for the signers; no permission stands beside it', () => {
    for (const zone of ZONES) {
      const { Properties } = assembly.find(`journal-zone-${zone}`, POLICY);
      expect(text(Properties['ResourceArn'])).toBe(
        `arn:aws:lambda:<AWS::Region>:<AWS::AccountId>:function:journal-signer-journal-${zone}`,
      );
      expect(assembly.dependencies(`journal-zone-${zone}`)).toContain('journal-signing');
    }
    expect(assembly.ofType('AWS::Lambda::Permission', 'journal-signing')).toEqual([]);
  });

  it('denies, in statements that each stand alone, and lets everybody lift it', () => {
    const statements = statementsOf(assembly.find('journal-zone-internal', POLICY));
    const arn = 'arn:aws:lambda:<AWS::Region>:<AWS::AccountId>:function:journal-signer-journal-internal';
    for (const { Effect, Principal, Resource } of statements)
      expect([Effect, Principal, text(Resource)]).toEqual(['Deny', '*', `${arn} ${arn}:*`]);
    expect(statements.map(({ Sid, Action }) => [Sid, Action])).toEqual([
      ['OnlyItsZone', 'lambda:Invoke*'],
      [
        'OnlyDeploysChangeIt',
        [
          'AddPermission',
          'CreateAlias',
          'CreateFunctionUrlConfig',
          'DeleteFunctionEventInvokeConfig',
          'DeleteFunctionUrlConfig',
          'PublishVersion',
          'PutFunctionEventInvokeConfig',
          'UpdateFunctionCode',
          'UpdateFunctionConfiguration',
          'UpdateFunctionEventInvokeConfig',
          'UpdateFunctionUrlConfig',
        ].map((name) => `lambda:${name}`),
      ],
      ['OnlyFromItsZone', 'lambda:Invoke*'],
    ]);
  });

  it('is made for no signer where the declaration does without', () => {
    const without = synthesizeTemplates({
      ...system,
      signing: { ...system.signing, resourcePolicies: false },
    });
    expect(without.ofType('AWS::Lambda::ResourcePolicy')).toEqual([]);
    expect(without.dependencies('journal-zone-public')).not.toContain('journal-signing');
  });
});

/** The system with administrators of these names beside it, as `decideRequest` is asked about the public zone's signer. */
function askIn(assembly = oneClient) {
  const world = buildWorld(resolveAssembly(assembly));
  const administrators = ['operator', DEPLOYER, 'on-call', 'journal-public-summary'].map((name) => {
    const of = operatorRole('000000000000', name);
    return [of.arn, of] as const;
  });
  const roles = new Map([...world.roles, ...administrators]);
  return (name: string, action: string, context: Context = {}, resource = signer('public')) =>
    decideRequest({ principal: rolePrincipal(role(name)), action, resource, context }, { ...world, roles });
}

const ask = askIn();
const vpceOf = (zone: string) => {
  const { endpoints } = buildWorld(resolveAssembly(oneClient));
  const found = [...endpoints.values()].find(
    ({ service, constructPath }) => service === 'lambda' && constructPath.includes(`zone-${zone}`),
  );
  return { 'aws:SourceVpce': found?.id ?? '' };
};
const INVOKE = 'lambda:InvokeFunction';
const DENIED = { allowed: false, layer: 'resource policy', explicit: true };
const ALLOWED = { allowed: true };

describe('even an administrator, as the engine decides', () => {
  it('asks a signer as a role of its zone through its zone’s endpoint, and in no other way', () => {
    const here = vpceOf('public');
    expect(ask('journal-public-summary', INVOKE, here)).toEqual(ALLOWED);
    expect(ask('journal-public-summary', INVOKE)).toMatchObject(DENIED);
    expect(ask('journal-public-summary', INVOKE, vpceOf('admin'))).toMatchObject(DENIED);
    expect(ask('operator', INVOKE)).toMatchObject(DENIED);
    for (const action of [INVOKE, 'lambda:InvokeFunctionUrl', 'lambda:InvokeAsync'])
      for (const resource of [signer('public'), `${signer('public')}:7`, `${signer('public')}:live`])
        expect(ask('journal-public-summary', action, {}, resource)).toMatchObject(DENIED);
  });

  it.each([
    ['OnlyItsZone', 'operator', { 'aws:SourceVpce': 'vpce-1' }],
    ['OnlyFromItsZone', 'journal-public-summary', {}],
  ])('is denied by %s alone', (kept, name, context) => {
    const other = kept === 'OnlyItsZone' ? 'OnlyFromItsZone' : 'OnlyItsZone';
    const without = (...sids: string[]) =>
      askIn(
        withTemplate(oneClient, 'journal-zone-public', (r) => {
          for (const sid of sids) dropStatement(find(r, POLICY), sid);
        }),
      );
    expect(without(other)(name, INVOKE, context)).toMatchObject(DENIED);
    expect(without(other, kept)(name, INVOKE, context)).toEqual(ALLOWED);
  });

  it('changes no signer, but for CloudFormation’s role and declared ones; whoever may lifts its policy', () => {
    const update = 'lambda:UpdateFunctionCode';
    expect(ask('operator', update)).toMatchObject(DENIED);
    expect(ask(DEPLOYER, update)).toEqual(ALLOWED);
    expect(ask('on-call', update)).toMatchObject(DENIED);
    const declared = synthesized({ ...system, signing: { ...system.signing, deployers: [role('on-call')] } });
    expect(askIn(declared)('on-call', update)).toEqual(ALLOWED);
    for (const lifting of ['PutResourcePolicy', 'DeleteResourcePolicy', 'DeleteFunction'])
      expect(ask('operator', `lambda:${lifting}`)).toEqual(ALLOWED);
  });

  it('asks a signer as a role of its zone’s account from there, and as nobody else', () => {
    const [own, other] = ['111111111111', '222222222222'];
    const { public: entry } = system.zones;
    const spread = { ...system, zones: { ...system.zones, public: { ...entry, account: other } } };
    const place = { account: own, region: 'eu-north-1' };
    const world = buildWorld(resolveAssembly(synthesized(spread, place), place));
    const foreign = operatorRole(other, 'journal-public-summary');
    const home = operatorRole(own, 'operator');
    const roles = new Map([...world.roles, [foreign.arn, foreign], [home.arn, home]]);
    const from = (arn: string, context: Context) => {
      const resource = signer('public').replace('000000000000', own);
      return decideRequest(
        { principal: rolePrincipal(arn), action: INVOKE, resource, context },
        { ...world, roles },
      );
    };
    expect(from(foreign.arn, { 'aws:VpceAccount': other })).toEqual(ALLOWED);
    expect(from(foreign.arn, {})).toMatchObject(DENIED);
    expect(from(foreign.arn, { 'aws:VpceAccount': own })).toMatchObject(DENIED);
    expect(from(home.arn, { 'aws:VpceAccount': other })).toMatchObject(DENIED);
  });

  it('asks a signer without a policy as it likes', () => {
    const without = withTemplate(oneClient, 'journal-zone-public', (r) => void delete r[idOf(r, POLICY)]);
    expect(askIn(without)('operator', INVOKE)).toEqual(ALLOWED);
  });
});
