import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { type App, CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, it } from 'vitest';
import helsenettet from '../../../../examples/helsenettet.zones.ts';
import { defineSystem } from '../../../../infra/declaration/define.ts';
import { recordName } from '../../../../infra/declaration/names.ts';
import type { Assembly } from '../../../../infra/proof/assembly/read-assembly.ts';
import { readAssembly } from '../../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { deriveAssembly } from '../../../../infra/proof/derived/derive.ts';
import { type Proof, prove } from '../../../../infra/proof/prove.ts';
import { readInput } from '../../../../infra/proof/read-input.ts';
import { summarize } from '../../../../infra/proof/report/map/model.ts';
import { readZoneMap } from '../../../../infra/proof/report/map/read.ts';
import { proofAsJson } from '../../../../infra/proof/report/proof-json.ts';
import { reportSummary } from '../../../../infra/proof/report/summary.ts';
import { untouching } from '../../../../infra/proof/rules/others.ts';
import { coded } from '../../../coded.ts';
import system from '../../../one-client.zones.ts';
import { synthesizedFolder } from '../../synthesize.ts';
import {
  adds,
  arn,
  type Change,
  type Changeable,
  find,
  findingsOf,
  idOf,
  role,
  STACKS,
  signer,
  withTemplate,
} from '../mutate.ts';
import { faultOf } from '../replay.ts';

const SHOP = 'shop-web';
const declaration = defineSystem({ ...system, otherStacks: [SHOP, 'shop-data'] });

/** A shop as anybody writes one: a bucket, a queue, a network, functions that use them. It knows nothing of zones. */
function addShop(app: App): void {
  const data = new Stack(app, 'shop-data');
  const pictures = new Bucket(data, 'Pictures');
  const orders = new Queue(data, 'Orders', { visibilityTimeout: Duration.minutes(1) });
  const web = new Stack(app, SHOP);
  new CfnParameter(web, 'Password', { noEcho: true });
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

  it('are findings as long as nobody says so, one by one, which say what to do', () => {
    const { violations } = proofOf(assembly, defineSystem({ ...system, otherStacks: ['shop-data'] }));
    expect(new Set(violations.map(({ resource }) => resource.split('/')[0]))).toEqual(new Set([SHOP]));
    const added = violations.filter(({ rule }) => rule === 'additions-are-understood');
    expect(added.length).toBeGreaterThan(0);
    for (const { remedy } of added)
      expect(remedy).toMatch(/^Where shop-web is another team's, name it in otherStacks\./);
  });

  it('are there: a name that no stack has is refused, since nothing could be assumed of it', () => {
    const misspelt = defineSystem({ ...system, otherStacks: [SHOP, 'shop-dta'] });
    expect(() => prove(assembly, misspelt)).toThrow(
      coded(
        'declaration_invalid',
        /shop-dta, which is not synthesized; there are: .*shop-data.*\(--assembly DIR\)/,
        {
          field: 'otherStacks[1]',
        },
      ),
    );
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
    expect(own).toThrow(coded('declaration_invalid'));
  });
});

/** Gives the shop's function a permission more. */
const may = (action: unknown, on: string): Change =>
  adds('AWS::IAM::Policy', (r) => ({
    PolicyName: 'more',
    Roles: [{ Ref: idOf(r, 'ShopServiceRole', 'IAM::Role') }],
    PolicyDocument: { Statement: [{ Effect: 'Allow', Action: action, Resource: on }] },
  }));

type Touch = readonly [message: string, rule: string, change: Change];
const kept = (message: string, action: string, on = '*'): Touch => [
  message,
  'others-keep-out',
  may(action, on),
];
const added = (type: string, properties: Changeable = {}, message = type): Touch => [
  message,
  'additions-are-understood',
  adds(type, properties),
];
const policy = (role: string, ...Statement: object[]) =>
  adds('AWS::IAM::Policy', { PolicyName: 'more', Roles: [role], PolicyDocument: { Statement } });

/** A function that nothing but its zone's gateway invokes, and that has no policy of its own. */
const SUMMARY = signer('public').replace('signer-journal-public', 'public-summary');

/** What touches the system, and what is found of it. */
const TOUCHES: readonly Touch[] = [
  kept('may lambda:Invoke\\* on .*:function:journal-', 'lambda:Invoke*', SUMMARY),
  kept('may kms:ScheduleKeyDeletion on .*:key/', 'kms:ScheduleKeyDeletion', 'arn:aws:kms:*:*:key/*'),
  kept('may iam:PassRole on .*:role/journal-', 'iam:PassRole', role('journal-*')),
  kept('may iam:CreateRole on ', 'iam:CreateRole'),
  kept('may sts:AssumeRole on .*cdk-', 'sts:AssumeRole', role('cdk-*')),
  kept('may s3:PutObject on .*cdk-', 's3:PutObject', 'arn:aws:s3:::cdk-*/*'),
  kept('may cloudformation:UpdateStack on .*journal-', 'cloudformation:UpdateStack'),
  kept(
    'may lambda:UpdateEventSourceMapping on .*event-source-mapping',
    ...(['lambda:UpdateEventSourceMapping', 'arn:aws:lambda:*:*:event-source-mapping:*'] as const),
  ),
  kept(
    'may apigateway:PATCH on .*restapis',
    ...(['apigateway:PATCH', 'arn:aws:apigateway:*::/restapis/*/stages/*'] as const),
  ),
  kept('may ec2:DeleteFlowLogs on .*vpc-flow-log/', 'ec2:DeleteFlowLogs', 'arn:aws:ec2:*:*:vpc-flow-log/*'),
  kept(
    'may ec2:CreateNetworkAclEntry on .*network-acl/',
    ...(['ec2:CreateNetworkAclEntry', 'arn:aws:ec2:*:*:network-acl/*'] as const),
  ),
  kept('may apigateway:PUT on .*/account', 'apigateway:PUT', 'arn:aws:apigateway:*::/account'),
  kept(
    'may route53resolver:UpdateFirewallConfig on .*firewall-config/',
    ...(['route53resolver:UpdateFirewallConfig', 'arn:aws:route53resolver:*:*:firewall-config/*'] as const),
  ),
  kept(
    'may cloudwatch:PutDashboard on .*dashboard/journal',
    ...(['cloudwatch:PutDashboard', 'arn:aws:cloudwatch::000000000000:dashboard/journal*'] as const),
  ),
  // Whoever makes a role, or says what one may do, may do everything; and what is beside the templates is not theirs.
  ...['iam:PutRolePolicy', 'iam:UpdateAssumeRolePolicy', 'iam:Create*'].map((action) =>
    kept(`may ${action.replace('*', '\\*')} on arn:aws:iam::000000000000:\\*`, action, role('shop-*')),
  ),
  ...['cloudtrail:StopLogging', 'oam:CreateLink', 'ram:CreateResourceShare'].map((action) =>
    kept(`may ${action} on `, action),
  ),
  kept(
    'may cloudformation:SetStackPolicy on .*CDKToolkit',
    ...(['cloudformation:SetStackPolicy', 'arn:aws:cloudformation:*:*:stack/CDKToolkit/*'] as const),
  ),
  added('AWS::IAM::AccessKey', { UserName: 'administrator' }),
  added('AWS::CloudWatch::InsightRule', { RuleBody: '{"LogGroupNames":["*"]}' }),
  added('AWS::S3::AccessPoint', { Bucket: { 'Fn::Sub': 'cdk-hnb659fds-assets-${AWS::AccountId}-x' } }),
  ...['\n', '\t', '\u0001'].map((before) =>
    added('AWS::EC2::Instance', { UserData: JSON.stringify(`x${before}journal-internal-worker`) }),
  ),
  kept('may DynamoDB:GetItem on .*table/journal-', 'DynamoDB:GetItem'),
  added('AWS::Lambda::Url', { TargetFunctionArn: signer('public'), AuthType: 'NONE' }),
  [
    'journal-signer-journal-public',
    'function-permissions-are-own',
    adds('AWS::Lambda::Permission', {
      FunctionName: 'journal-signer-journal-public',
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
    }),
  ],
  added('AWS::Logs::SubscriptionFilter', { LogGroupName: '/journal/signing/journal-signer-journal-public' }),
  added('AWS::Logs::AccountPolicy'),
  ...`AWS::CloudFormation::Stack AWS::CloudTrail::Trail AWS::CloudWatch::MetricStream AWS::Config::ConfigurationRecorder
    AWS::EC2::VPCBlockPublicAccessOptions AWS::Oam::Link AWS::ObservabilityAdmin::OrganizationCentralizationRule
    AWS::ObservabilityAdmin::S3TableIntegration AWS::ObservabilityAdmin::TelemetryRule AWS::Organizations::Policy
    AWS::SSM::Association AWS::XRay::ResourcePolicy Unknown::New::Type`
    .split(/\s+/)
    .map((type) => added(type, { Says: 'nothing' })),
  added('AWS::IAM::User'),
  added('AWS::ApiGateway::Account', { CloudWatchRoleArn: 'arn:aws:iam::000000000000:role/shop' }),
  [
    'writes, or may write, the figures',
    'additions-are-understood',
    adds('AWS::Logs::MetricFilter', { MetricTransformations: [{ MetricNamespace: METRICS_NAMESPACE }] }),
  ],
  kept('may execute-api:Invoke on .*:execute-api:', 'execute-api:Invoke'),
  [
    'role journal-public-login, which no other stack has',
    'policies-are-for-own-roles',
    policy('journal-public-login'),
  ],
  ['role elsewhere', 'policies-are-for-own-roles', policy('elsewhere')],
  added('AWS::Lambda::EventSourceMapping', { FunctionName: 'journal-internal-worker' }),
  [
    "journal-internal-worker can't iam:PassRole",
    'identities-are-not-changed',
    policy('journal-internal-worker', { Effect: 'Allow', Action: 'iam:PassRole', Resource: '*' }),
  ],
  [
    'Shop/Resource is a AWS::Lambda::Function',
    'additions-are-understood',
    (r) =>
      Object.assign(find(r, 'Shop', 'Lambda::Function').Properties, {
        VpcConfig: {
          SubnetIds: [{ 'Fn::GetStackOutput': { StackName: STACKS.internal, OutputName: 'Subnet' } }],
          SecurityGroupIds: ['sg-1'],
        },
      }),
  ],
];

/** Has a deploy write what a reference leads to into something of the shop that does nothing, by the type that has it. */
const asText = (value: unknown): Readonly<Record<string, Change>> => ({
  'AWS::Lambda::Function': (r) =>
    Object.assign(find(r, 'Shop', 'Lambda::Function').Properties, {
      Environment: { Variables: { X: value } },
    }),
  'AWS::SQS::Queue': adds('AWS::SQS::Queue', { Tags: [{ Key: 'x', Value: value }] }),
  'AWS::Logs::LogGroup': adds('AWS::Logs::LogGroup', { Description: value }),
  'AWS::IAM::Role': (r) =>
    Object.assign(find(r, 'ShopServiceRole', 'IAM::Role').Properties, { Description: value }),
});

const RECORD = recordName(system.name, 'journal');
const join = (...parts: unknown[]) => ({ 'Fn::Join': ['', parts] });

/** References to a secret of the system, and to what may be one. */
const READS: Readonly<Record<string, unknown>> = {
  'by name': `{{resolve:secretsmanager:${RECORD}}}`,
  'by ARN, among other text': `a={{resolve:secretsmanager:${arn('secretsmanager', `secret:${RECORD}`)}:SecretString:keys::}}`,
  'in parts': join('{{resol', 've:secretsmanager:', RECORD.slice(0, 4), RECORD.slice(4), '}}'),
  'in parts, where a condition decides': {
    'Fn::If': ['C', join('{{re', `solve:secretsmanager:${RECORD}}}`), ''],
  },
  'that a parameter names': { 'Fn::Sub': '{{resolve:secretsmanager:${Wanted}}}' },
  'whose beginning the deploy decides': join({ Ref: 'Begin' }, `resolve:secretsmanager:${RECORD}}}`),
  'whose kind the deploy decides': join('{{', { Ref: 'Kind' }, `:${RECORD}}}`),
  'from the parameter store': `{{resolve:ssm-secure:/aws/reference/secretsmanager/${RECORD}}}`,
};

describe('a secret that a deploy reads for another stack', () => {
  const touched = (change: Change) => {
    const changed = withTemplate(assembly, SHOP, change);
    const resolved = resolveAssembly(changed);
    const spared = untouching(resolved, declaration);
    return resolved.resources.filter(
      ({ stack, constructPath }) => stack === SHOP && !spared.has(constructPath),
    );
  };

  it.each(Object.entries(READS))('is the system’s, or may be: %s', (_name, value) => {
    for (const [type, change] of Object.entries(asText(value)))
      expect(touched(change).map((one) => one.type)).toEqual([type]);
  });

  it.each(Object.entries(READS))('is found by one rule wherever it is: %s', (_name, value) => {
    const changed = withTemplate(assembly, SHOP, (r) => {
      for (const change of Object.values(asText(value))) change(r);
    });
    const fields = findingsOf('no-key-material', changed, declaration).map(({ about }) =>
      String(about).replace(/^\w+\./, ''),
    );
    const at = ['Description', 'Description', 'Environment.Variables.X', 'Tags[0].Value'];
    expect(fields.sort()).toEqual(at);
  });

  const inOutput = (Value: unknown) => {
    const stacks = assembly.stacks.map((stack) =>
      stack.name === SHOP
        ? { ...stack, template: { ...stack.template, Outputs: { Told: { Value } } } }
        : stack,
    );
    return findingsOf('no-key-material', { stacks }, declaration).map(({ resource }) => resource);
  };

  it.each(Object.entries(READS))('is found in what the stack tells too: %s', (_name, value) => {
    expect(inOutput(value)).toContain(SHOP);
  });

  it('is the other stack’s own to tell where it is none of the system’s', () => {
    expect(inOutput('{{resolve:secretsmanager:shop/database:SecretString:x}}')).toEqual([]);
    expect(inOutput(join('{{resolve:secretsmanager:', 'shop/database', '}}'))).toEqual([]);
  });

  it('is what a project of CodeBuild fetches', () => {
    const reads = (Value: string, Type: string) =>
      adds('AWS::CodeBuild::Project', {
        Environment: { EnvironmentVariables: [{ Name: 'X', Type, Value }] },
      });
    expect(touched(reads(RECORD, 'SECRETS_MANAGER'))).toHaveLength(1);
    expect(touched(reads(`/aws/reference/secretsmanager/${RECORD}`, 'PARAMETER_STORE'))).toHaveLength(1);
    expect(touched(reads('shop/database', 'SECRETS_MANAGER'))).toEqual([]);
  });

  it('may be one of its own, and a name does nothing', () => {
    const named = asText(
      `see ${RECORD}, {{resolve:secretsmanager:shop/database:SecretString:x}}, {{resolve:ssm:/shop/x}} and {{ name }}`,
    );
    for (const change of Object.values(named)) expect(touched(change)).toEqual([]);
    const attached: Change = (r) => {
      r.Secret = { Type: 'AWS::SecretsManager::Secret', Properties: {} };
      r.Attached = {
        Type: 'AWS::SecretsManager::SecretTargetAttachment',
        Properties: { SecretId: { Ref: 'Secret' } },
      };
      const of = (id: string) => join('{{resolve:secretsmanager:', { Ref: id }, ':SecretString:password::}}');
      adds('AWS::RDS::DBInstance', { MasterUserPassword: of('Secret'), MasterUsername: of('Attached') })(r);
    };
    expect(touched(attached)).toEqual([]);
  });
});

describe('what was there before and a zone is in', () => {
  const there = defineSystem({ ...helsenettet, otherStacks: [SHOP] });
  const touched = (Type: string, Properties: object, Mappings = {}) => {
    const template = { Resources: { A: { Type, Properties } }, Mappings };
    const of = { name: SHOP, account: undefined, region: undefined };
    const stacks = [{ ...of, template, assets: new Map(), constructPaths: new Map() }];
    return !untouching(resolveAssembly({ stacks }), there).has(`${SHOP}/A`);
  };
  const Names = { portal: { table: 'rtb-0b1b2c3d4e5f60718' } };

  it.each<[string, object]>([
    ['AWS::EC2::Route', { RouteTableId: 'rtb-0a1b2c3d4e5f60718', DestinationCidrBlock: '10.30.0.0/20' }],
    ['AWS::EC2::Route', { RouteTableId: { 'Fn::FindInMap': ['Names', 'portal', 'table'] } }],
    ['AWS::EC2::Route', { RouteTableId: { 'Fn::FindInMap': ['Names', { Ref: 'AWS::Region' }, 'table'] } }],
    ['AWS::EC2::VPCPeeringConnection', { VpcId: 'vpc-0a1b2c3d4e5f60718', PeerVpcId: 'vpc-1' }],
    ['AWS::EC2::Instance', { SubnetId: 'subnet-0b1b2c3d4e5f60718' }],
    ['AWS::Route53::HostedZone', { VPCs: [{ VPCId: 'vpc-0a1b2c3d4e5f60718' }] }],
  ])('is touched by a %s that names it: %j', (type, properties) => {
    expect(touched(type, properties, { Names })).toBe(true);
  });

  it('is not by another network, nor by what leads to the owner’s gateway', () => {
    expect(touched('AWS::EC2::Route', { RouteTableId: 'rtb-0c1b2c3d4e5f60718' }, { Names })).toBe(false);
    const elsewhere = { Names: { ...Names, shop: { table: 'rtb-0c1b2c3d4e5f60718' } } };
    const mapped = { RouteTableId: { 'Fn::FindInMap': ['Names', 'shop', 'table'] } };
    expect(touched('AWS::EC2::Route', mapped, elsewhere)).toBe(false);
    const attached = { TransitGatewayId: 'tgw-0a1b2c3d4e5f60718', VpcId: 'vpc-1' };
    expect(touched('AWS::EC2::TransitGatewayAttachment', attached)).toBe(false);
  });
});

it('other stacks that say a region and account are judged there, though the system says none', () => {
  const at = { account: '111111111111', region: 'eu-west-1' };
  const given = withTemplate(assembly, SHOP, may('dynamodb:GetItem', '*'));
  const stacks = given.stacks.map((stack) => (stack.name === SHOP ? { ...stack, ...at } : stack));
  const found = findingsOf('others-keep-out', { stacks }, declaration).map(({ message }) => message);
  expect(found).toContainEqual(
    expect.stringMatching('may dynamodb:GetItem on .*eu-west-1:111111111111:table'),
  );
});

/** In a stack of the system: lets the shop's function send to a queue, and says where a subnet is. */
const LETS_IN: Change = adds('AWS::SQS::QueuePolicy', (r) => ({
  Queues: [{ Ref: idOf(r, 'EventsQueue', 'SQS::Queue') }],
  PolicyDocument: {
    Statement: [
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Resource: '*',
        Principal: { AWS: proof.input.actors.find(({ other }) => other)?.role.arn },
      },
    ],
  },
}));

/** The shop twice, each with one resource more of the same id. */
const twice = (...types: string[]): Assembly => ({
  stacks: assembly.stacks.flatMap((stack) =>
    stack.name !== SHOP
      ? [stack]
      : types.map((Type) => ({
          ...stack,
          template: { Resources: { A: { Type, Properties: {} } } },
          constructPaths: new Map(),
        })),
  ),
});

it.each([
  ['AWS::SQS::Queue', 'AWS::IAM::User'],
  ['AWS::IAM::User', 'AWS::SQS::Queue'],
])('of two stacks of one name each is judged: %s, %s', (...types) => {
  const messages = proofOf(twice(...types)).violations.map(({ message }) => message);
  expect(messages).toContainEqual(expect.stringMatching(/is a AWS::IAM::User/));
});

describe('what in them touches the system', () => {
  const exporting = {
    stacks: assembly.stacks.map((stack) => {
      const id = Object.keys(Object(stack.template['Resources'])).find((one) => /Subnet1Subnet/.test(one));
      const template = { ...stack.template, Outputs: { Subnet: { Value: { Ref: String(id) } } } };
      return stack.name === STACKS.internal ? { ...stack, template } : stack;
    }),
  };
  const changed = withTemplate(withTemplate(exporting, STACKS.internal, LETS_IN), SHOP, (r) => {
    for (const [, , change] of TOUCHES) change(r);
  });
  const touched = findingsOf(
    [...new Set(TOUCHES.map(([, rule]) => rule)), 'outsiders-are-not-admitted'],
    changed,
    declaration,
    deriveAssembly(declaration, assembly),
  );

  it.each(TOUCHES)('is found: %s', (message, rule) => {
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

  const keptOut = (change: Change) =>
    findingsOf('others-keep-out', withTemplate(assembly, SHOP, change), declaration).map(
      ({ message }) => message,
    );
  const attaches =
    (name: string): Change =>
    (r) =>
      Object.assign(find(r, 'ShopServiceRole', 'IAM::Role').Properties, {
        ManagedPolicyArns: [`arn:aws:iam::aws:policy/${name}`],
      });

  it.each<[string, RegExp, Change]>([
    ['by a policy that nobody knows', /may /, attaches('PowerUserAccess')],
    [
      'by a policy of AWS that everybody knows',
      /may sqs:ReceiveMessage on /,
      attaches('service-role/AWSLambdaSQSQueueExecutionRole'),
    ],
    ...['s3:GetObject', 's3:ListBucket'].map((other): [string, RegExp, Change] => [
      `where a condition decides between it and ${other}`,
      /may .* on /,
      may({ 'Fn::If': ['C', 'dynamodb:GetItem', other] }, '*'),
    ]),
  ])('is allowed %s', (_, message, change) => {
    expect(keptOut(change)).toContainEqual(expect.stringMatching(message));
  });

  it.each<[string, Change]>([
    ['writes logs and runs in a network', attaches('service-role/AWSLambdaVPCAccessExecutionRole')],
    ['lends a role of its own', may('iam:PassRole', role('shop-*'))],
    ['becomes a role of its own', may('sts:AssumeRole', role('shop-*'))],
    ['has AWS make its own', may('iam:CreateServiceLinkedRole', '*')],
    ['looks who there is', may('iam:Get*', '*')],
  ])('is nothing that one does who %s', (_, change) => {
    expect(keptOut(change)).toEqual([]);
  });
});
