import { type App, Duration, Stack } from 'aws-cdk-lib';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, it } from 'vitest';
import { defineSystem } from '../../../infra/declaration/define.ts';
import type { Assembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { deriveAssembly } from '../../../infra/proof/derived/derive.ts';
import { type Proof, prove } from '../../../infra/proof/prove.ts';
import { summarize } from '../../../infra/proof/report/map/model.ts';
import { readZoneMap } from '../../../infra/proof/report/map/read.ts';
import { proofAsJson } from '../../../infra/proof/report/proof-json.ts';
import { reportSummary } from '../../../infra/proof/report/summary.ts';
import { readInput } from '../../../infra/proof/rules/actors.ts';
import system from '../../one-client.zones.ts';
import { synthesizedFolder } from '../synthesize.ts';
import { adds, type Change, find, findingsOf, idOf, role, STACKS, signer, withTemplate } from './mutate.ts';

import { faultOf } from './replay.ts';

const SHOP = 'shop-web';
const declaration = defineSystem({ ...system, otherStacks: [SHOP, 'shop-data'] });

/** A shop as anybody writes one: a bucket, a queue, a network, functions that use them. It knows nothing of zones. */
function addShop(app: App): void {
  const data = new Stack(app, 'shop-data');
  const pictures = new Bucket(data, 'Pictures');
  const orders = new Queue(data, 'Orders', { visibilityTimeout: Duration.minutes(1) });
  const web = new Stack(app, SHOP);
  const code = Code.fromInline('exports.handler = async () => 1');
  const runtime = Runtime.NODEJS_24_X;
  const shop = new LambdaFunction(web, 'Shop', { code, runtime, handler: 'index.handler' });
  pictures.grantReadWrite(shop);
  orders.grantSendMessages(shop);
  const subnetConfiguration = [{ name: 'in', subnetType: SubnetType.PRIVATE_ISOLATED }];
  new Vpc(web, 'Vpc', { subnetConfiguration, restrictDefaultSecurityGroup: false });
  shop.addToRolePolicy(
    new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [shop.functionArn] }),
  );
}

const assembly = readAssembly(synthesizedFolder(system, {}, addShop));
const proofOf = (given: Assembly, by = declaration): Proof =>
  prove(given, by, { derived: deriveAssembly(by, given) });
const proof = proofOf(assembly);

describe('stacks that are somebody else’s', () => {
  it('are assumed, by name, and not judged for what is their own', () => {
    expect(proof.violations).toEqual([]);
    expect(proof).toMatchObject({ ok: true, verdict: 'holds assuming' });
    expect(proof.input.comparison?.additions).toEqual([]);
  });

  it('are findings as long as nobody says so, one by one', () => {
    const rule = 'additions-are-understood';
    expect(findingsOf(rule, assembly, system, deriveAssembly(system, assembly))).not.toEqual([]);
    const one = proofOf(assembly, defineSystem({ ...system, otherStacks: [SHOP] }));
    expect(one.violations.map(({ resource }) => resource.split('/')[0])).toContain('shop-data');
  });

  it('are there: a name that no stack has is refused, since nothing could be assumed of it', () => {
    const misspelt = defineSystem({ ...system, otherStacks: [SHOP, 'shop-dta'] });
    expect(() => proofOf(assembly, misspelt)).toThrow(
      expect.objectContaining({
        code: 'declaration_invalid',
        facts: { field: 'otherStacks[1]' },
        message: expect.stringMatching(/shop-dta, which is not synthesized; there are: .*shop-data/),
      }),
    );
  });

  it('are named in what to do about them', () => {
    const { violations } = proofOf(assembly, system);
    const added = violations.filter(
      ({ rule, resource }) => rule === 'additions-are-understood' && /^shop/.test(resource),
    );
    expect(added.length).toBeGreaterThan(0);
    for (const { remedy } of added)
      expect(remedy).toMatch(/^Where shop-\w+ is another team's, name it in otherStacks\./);
  });

  it('are said first in the report, in JSON and on the map, which draws none of them', () => {
    expect(reportSummary(proof, 120)).toMatch(
      /^The boundaries of journal hold assuming 2 things[^\n]*\n\nASSUMED[^\n]*\n {2}other stack shop-web /,
    );
    expect(proofAsJson(proof)).toMatchObject({
      ok: true,
      verdict: 'holds assuming',
      assumptions: [{ kind: 'other stack', name: SHOP, field: 'otherStacks[0]' }, { name: 'shop-data' }],
    });
    const map = readZoneMap(proof.input);
    expect(summarize(map)).toMatch(/assuming what no template shows: other stack shop-web/);
    expect(map.zones.map(({ name }) => name)).not.toContain('outside');
  });

  it('can’t be the system’s own', () => {
    const own = () => defineSystem({ ...system, otherStacks: [STACKS.internal] });
    expect(own).toThrow(expect.objectContaining({ code: 'declaration_invalid' }));
  });
});

/** Gives the shop's function a permission more. */
const may = (action: string, on: string): Change =>
  adds('AWS::IAM::Policy', (r) => ({
    PolicyName: 'more',
    Roles: [{ Ref: idOf(r, 'ShopServiceRole', 'IAM::Role') }],
    PolicyDocument: { Statement: [{ Effect: 'Allow', Action: action, Resource: on }] },
  }));

/** What touches the system, and what is found of it. */
const TOUCHES: Readonly<Record<string, readonly [rule: string, Change]>> = {
  'may lambda:Invoke\\* on .*:function:journal-': [
    'others-keep-out',
    may('lambda:Invoke*', signer('public')),
  ],
  'may kms:ScheduleKeyDeletion on .*:key/': [
    'others-keep-out',
    may('kms:ScheduleKeyDeletion', 'arn:aws:kms:*:*:key/*'),
  ],
  'may iam:PassRole on .*:role/journal-': ['others-keep-out', may('iam:PassRole', role('journal-*'))],
  'may iam:CreateRole on ': ['others-keep-out', may('iam:CreateRole', '*')],
  'may sts:AssumeRole on .*cdk-': ['others-keep-out', may('sts:AssumeRole', role('cdk-*'))],
  'may s3:PutObject on .*cdk-': ['others-keep-out', may('s3:PutObject', 'arn:aws:s3:::cdk-*/*')],
  'may cloudformation:UpdateStack on .*journal-': ['others-keep-out', may('cloudformation:UpdateStack', '*')],
  'may lambda:UpdateEventSourceMapping on .*event-source-mapping': [
    'others-keep-out',
    may('lambda:UpdateEventSourceMapping', 'arn:aws:lambda:*:*:event-source-mapping:*'),
  ],
  'may apigateway:PATCH on .*restapis': [
    'others-keep-out',
    may('apigateway:PATCH', 'arn:aws:apigateway:*::/restapis/*/stages/*'),
  ],
  'may DynamoDB:GetItem on .*table/journal-': ['others-keep-out', may('DynamoDB:GetItem', '*')],
  'AWS::Lambda::Url': [
    'additions-are-understood',
    adds('AWS::Lambda::Url', { TargetFunctionArn: signer('public'), AuthType: 'NONE' }),
  ],
  'journal-signer-journal-public': [
    'function-permissions-are-own',
    adds('AWS::Lambda::Permission', {
      FunctionName: 'journal-signer-journal-public',
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
    }),
  ],
  'AWS::Logs::SubscriptionFilter': [
    'additions-are-understood',
    adds('AWS::Logs::SubscriptionFilter', {
      LogGroupName: '/journal/signing/journal-signer-journal-public',
    }),
  ],
  'AWS::Logs::AccountPolicy': ['additions-are-understood', adds('AWS::Logs::AccountPolicy')],
  'AWS::IAM::User': ['additions-are-understood', adds('AWS::IAM::User')],
  'role elsewhere': [
    'policies-are-for-own-roles',
    adds('AWS::IAM::Policy', { PolicyName: 'more', Roles: ['elsewhere'], PolicyDocument: { Statement: [] } }),
  ],
  'AWS::Lambda::EventSourceMapping': [
    'additions-are-understood',
    adds('AWS::Lambda::EventSourceMapping', { FunctionName: 'journal-internal-worker' }),
  ],
  "journal-internal-worker can't iam:PassRole": [
    'identities-are-not-changed',
    adds('AWS::IAM::Policy', {
      PolicyName: 'more',
      Roles: ['journal-internal-worker'],
      PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'iam:PassRole', Resource: '*' }] },
    }),
  ],
  'Shop/Resource is a AWS::Lambda::Function': [
    'additions-are-understood',
    (r) =>
      Object.assign(find(r, 'Shop', 'Lambda::Function').Properties, {
        VpcConfig: {
          SubnetIds: [{ 'Fn::GetStackOutput': { StackName: STACKS.internal, OutputName: 'Subnet' } }],
          SecurityGroupIds: ['sg-1'],
        },
      }),
  ],
};

/** In a stack of the system: lets the shop's function send to a queue, and says where a subnet is. */
const LETS_IN: Change = adds('AWS::SQS::QueuePolicy', (r) => ({
  Queues: [{ Ref: idOf(r, 'EventsQueue', 'SQS::Queue') }],
  PolicyDocument: {
    Statement: [
      {
        ...{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' },
        Principal: { AWS: proof.input.actors.find(({ other }) => other)?.role.arn },
      },
    ],
  },
}));

describe('what in them touches the system', () => {
  const exporting = {
    stacks: assembly.stacks.map((stack) => {
      const id = Object.keys(Object(stack.template['Resources'])).find((one) => /Subnet1Subnet/.test(one));
      const template = { ...stack.template, Outputs: { Subnet: { Value: { Ref: String(id) } } } };
      return stack.name === STACKS.internal ? { ...stack, template } : stack;
    }),
  };
  const changed = withTemplate(withTemplate(exporting, STACKS.internal, LETS_IN), SHOP, (r) => {
    for (const [, change] of Object.values(TOUCHES)) change(r);
  });
  const touched = findingsOf(
    [...new Set(Object.values(TOUCHES).map(([rule]) => rule)), 'outsiders-are-not-admitted'],
    changed,
    declaration,
    deriveAssembly(declaration, assembly),
  );

  it.each(Object.entries(TOUCHES))('is found: %s', (message, [rule]) => {
    const found = touched.filter((one) => one.rule === rule).map((one) => one.message);
    expect(found).toContainEqual(expect.stringMatching(message));
  });

  it.each(['others-keep-out', 'outsiders-are-not-admitted'])('is shown by requests, by %s', (rule) => {
    const { world } = readInput(resolveAssembly(changed), declaration);
    const requests = touched.filter((one) => one.rule === rule).map(({ request }) => request?.());
    expect(requests.map((one) => faultOf(one, world)).filter(Boolean)).toEqual([]);
    expect(requests.map((one) => one?.action).filter((action) => /[*?]/.test(String(action)))).toEqual([]);
  });

  it('is found where the system itself lets one of theirs in', () => {
    const found = touched.filter(({ rule }) => rule === 'outsiders-are-not-admitted');
    expect(found.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/lets in .*shop-web-Shop/),
    );
  });

  it('is what a policy allows that nobody knows', () => {
    const changed = withTemplate(assembly, SHOP, (r) =>
      Object.assign(find(r, 'ShopServiceRole', 'IAM::Role').Properties, {
        ManagedPolicyArns: ['arn:aws:iam::aws:policy/PowerUserAccess'],
      }),
    );
    const rules = proofOf(changed).violations.map(({ rule }) => rule);
    expect([...new Set(rules)]).toEqual(['others-keep-out']);
  });
});
