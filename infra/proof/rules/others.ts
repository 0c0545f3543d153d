import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { required } from '@helseid-zones/protocol/values';
import type { SystemDeclaration } from '../../declaration/schema.ts';
import { remembered } from '../assembly/remembered.ts';
import { type ResolvedAssembly, type ResolvedResource, resourceByArn } from '../assembly/resolve.ts';
import { namedActions, policiesOf } from '../assembly/roles.ts';
import { hasUnknown } from '../assembly/unknown.ts';
import { awsManagedActions } from '../policy/world/build.ts';
import { type Actor, isOther } from './actors.ts';
import { ask } from './ask.ts';
import { HARMLESS } from './iam/actions-are-known.ts';
import { type ProofInput, type Rule, violationsOf, wordsOf } from './rule.ts';
import { accountsOf, clientKeyArns, withParts } from './targets.ts';
import { idsOfNetwork } from './templates/places.ts';
import { findWitness } from './witness.ts';

/** Services whose types act on what they name, or by a role: what is of any other may act on a whole account, and so touches the system. */
const NARROW = new RegExp(
  `^(?:Custom|AWS::(?:${wordsOf(
    `AmazonMQ Amplify ApiGateway ApiGatewayV2 AppConfig AppRunner AppSync ApplicationAutoScaling Athena AutoScaling Batch CDK
    CertificateManager CloudFront CloudWatch CodeArtifact CodeBuild CodeCommit CodeDeploy CodePipeline Cognito DocDB DynamoDB EC2 ECR
    ECS EFS EKS ElastiCache ElasticLoadBalancingV2 Events GlobalAccelerator Glue IAM KMS Kinesis KinesisFirehose Lambda Logs MSK
    MemoryDB Neptune OpenSearchService Pipes RDS Redshift Route53 Route53Resolver S3 SES SNS SQS SSM Scheduler SecretsManager
    ServiceDiscovery StepFunctions Synthetics Transfer WAFv2`,
  ).join('|')}))::|^AWS::CloudFormation::(?:CustomResource|WaitCondition)`,
);

/** Types of theirs that act on a whole account all the same, whatever they name. */
const WIDE =
  /^AWS::(?:ApiGateway::Account|CloudWatch::(?:InsightRule|MetricStream|OTel|Integration)|EC2::.*BlockPublic|IAM::(?:AccessKey|User|Group)|Logs::(?:(?:Account|Resource|StorageTier)Policy|Integration)|S3::StorageLens|SSM::(?:Association|CloudConnector|MaintenanceWindow|ResourceDataSync|ServiceSetting))/;

/** Types that are judged by what the roles they are for may do. */
const BY_ROLE = wordsOf('AWS::IAM::ManagedPolicy AWS::IAM::Policy AWS::IAM::Role AWS::IAM::RolePolicy');

/** Members that name something and do nothing to it. What else has an `Environment` may fetch what it names, as CodeBuild does. */
const NAMING = /(?:\.Description|\.Tags|^AWS::Lambda::Function\.Environment)$/;

/** What a deploy puts in the place of a dynamic reference to anything but a plain parameter; parts of an expression are together where JSON's own marks are left out. */
const REFERENCES =
  /(?<=[{\uE000\uE001])resolve:(?!ssm:(?!\/aws\/reference\/))(.*?)(?:\}\}|\uE001|$)|\{\{[\w:-]*\uE000/g;

/** A reference that is all there: names and ARNs have no blanks, expressions do. */
const PLAIN = /^[\w/+=.@:-]+$/;

/** Which stacks are somebody else's, what lies in the system's own, and which of its secrets, or of those that nobody knows yet, a deploy reads. */
export function readOthers({ stacks, resources }: ResolvedAssembly, declaration: SystemDeclaration) {
  const others = new Set(stacks.filter((stack) => isOther(declaration, stack)).map(({ name }) => name));
  const owned = resources.filter(({ stack }) => !others.has(stack));
  const secrets = owned.flatMap(
    ({ arn = '' }) => /^arn:[^:]*:secretsmanager:.*:secret:(.+)-\w+$/.exec(arn)?.[1] ?? [],
  );
  const isOwn = (secret: string) => !PLAIN.test(secret) || secrets.some((name) => secret.includes(name));
  const isRead = (value: unknown) => {
    const text = JSON.stringify(value).replace(/["\\,[\]]/g, '');
    return text.matchAll(REFERENCES).some(([, secret = '']) => isOwn(secret));
  };
  return { others, owned, secrets, isRead };
}

/** Construct paths of what lies in other stacks and names nothing of the system. */
export function untouching(assembly: ResolvedAssembly, declaration: SystemDeclaration) {
  const { others, owned, secrets, isRead } = readOthers(assembly, declaration);
  if (others.size === 0) return others;
  const { stacks, resources } = assembly;
  const networks = Object.values(declaration.zones).flatMap(({ network }) => idsOfNetwork(network));
  const own = [...owned.flatMap(({ names }) => names), ...networks, ...secrets, METRICS_NAMESPACE];
  // Names of stages and the like are words that anything may hold.
  const telling = own.filter((name) => name.length > 5).map((name) => name.replace(/[^\w:/-]/g, '\\$&'));
  // What is before a name may be written as JSON writes it (a tab, the end of a line).
  const named = new RegExp(`(?<!(?<!\\\\(?:u00.)?)\\w)(?:${telling.join('|')})(?!\\w)`);
  // Which part of a map a deploy takes, it decides by its region.
  const mapped = (of: string) =>
    JSON.stringify(stacks.filter(({ name }) => name === of).map(({ template }) => template.Mappings));
  const names = (stack: string, value: unknown) => {
    const text = JSON.stringify(value);
    return named.test(text) || (/Fn::FindInMap/.test(text) && named.test(mapped(stack)));
  };
  const touches = ({ stack, type, properties }: ResolvedResource) =>
    !NARROW.test(type) ||
    WIDE.test(type) ||
    (/^AWS::S3::/.test(type) && /\bcdk-/.test(JSON.stringify(properties))) ||
    // Whoever deploys reads it, whatever the resource itself may do.
    isRead(properties) ||
    (!BY_ROLE.includes(type) &&
      Object.entries(properties).some(
        ([name, value]) => !NAMING.test(`${type}.${name}`) && names(stack, value),
      ));
  const theirs = resources.filter(({ stack }) => others.has(stack));
  // Findings go by path, and two may have the same: where two stacks have one name, or one has none of its own.
  const touching = new Set(theirs.filter(touches).map(({ constructPath }) => constructPath));
  return new Set(theirs.map(({ constructPath }) => constructPath).filter((path) => !touching.has(path)));
}

/**
 * What is assumed of the roles of other stacks: what AWS's own policies let functions do anywhere in the account, to write logs and to
 * run in a network.
 */
const ASSUMED = new Set([
  ...HARMLESS,
  'iam:CreateServiceLinkedRole',
  ...(awsManagedActions('service-role/AWSLambdaVPCAccessExecutionRole') ?? []),
]);

/** Reads what there is by name and setting, and nothing that is kept. */
const LOOKS = /^(?:[\w-]+:(?:Describe|List)|(?:cloudtrail|iam):(?:Get|Lookup|Generate|Simulate))/i;

/** What an application does with roles of its own: lends and takes them. */
const LENDS = /^(?:iam:PassRole$|sts:)/i;

/** How the methods of an API are called, by those who are declared to call its zone's entry. */
const ROUTES = 'arn:aws:execute-api:';

/** All identities of an account. */
const EVERYBODY = /^arn:aws:iam::\d+:\*$/;

/** What the CDK's bootstrap and AWS keep for the system beside its templates. */
const BESIDE = [
  'arn:aws:iam::*:role/cdk-*',
  'arn:aws:s3:::cdk-*',
  'arn:aws:lambda:*:*:event-source-mapping:*',
  ...wordsOf('network-acl network-interface security-group-rule').map((of) => `arn:aws:ec2:*:*:${of}/*`),
  'arn:aws:apigateway:*::/account',
  'arn:aws:cloudformation:*:*:stack/CDKToolkit/*',
  // The audit of AWS's calls, and what hands networks, logs and figures to other accounts.
  ...wordsOf('cloudtrail oam observabilityadmin ram').map((of) => `arn:aws:${of}:*:*:*`),
  ...['firewall', 'resolver'].map((of) => `arn:aws:route53resolver:*:*:${of}-config/*`),
];

/** Whatever a role of another stack is allowed, also what no rule judges, it is not allowed of a resource of the system. */
export const othersKeepOut: Rule = {
  name: 'others-keep-out',
  invariant: 'I2',
  ofOthers: true,
  title: 'A role of another stack may do nothing to a resource of the system.',
  check: (input) => {
    const others = input.actors.filter(({ other }) => other);
    const own = others.length === 0 ? [] : ownArns(input);
    const callers = Object.values(input.declaration.zones).flatMap((zone) => zone.callers);
    const isCaller = ({ role }: Actor) =>
      callers.some((one) => one.calls === 'entry' && one.role === role.arn);
    const reached = (actor: Actor, action: string) =>
      own.find((arn) => {
        const isTheirs =
          (arn.startsWith(ROUTES) && isCaller(actor)) || (EVERYBODY.test(arn) && LENDS.test(action));
        const asked = isTheirs ? undefined : actionOn(arn, action);
        return asked !== undefined && ask(actor, asked, arn).verdict !== 'never';
      });
    return others.flatMap((actor) =>
      actionsOfRole(actor, input).flatMap((action) => {
        const arn = reached(actor, action);
        if (arn === undefined) return [];
        const question = { principal: actor.principal, action, resource: arn };
        const request = remembered(() => findWitness(question, actor.view));
        return violationsOf([[action, `may ${action} on ${arn}`, request]], {
          resource: actor.path,
          subject: actor.name,
          remedy: 'Name its own resources in its policies.',
        });
      }),
    );
  },
};

/** The action, if it may be one on this resource; of all services only that of the resource. */
function actionOn(arn: string, action: string): string | undefined {
  const [, , service = ''] = arn.split(':', 3);
  const [of = ''] = action.toLowerCase().split(':', 1);
  if (/[*?]/.test(of) || hasUnknown(of)) return `${service}:*`;
  return of === service || (of === 'sts' && service === 'iam') ? action : undefined;
}

/** The actions that a role's policies allow, with their wildcards. */
function actionsOfRole({ role: { arn } }: Actor, { assembly }: ProofInput): string[] {
  const { identity, foreign } = policiesOf(required(resourceByArn(assembly, arn), arn), assembly);
  const named = identity.flatMap(({ document }) => namedActions(document));
  const managed = foreign.flatMap((policy) => awsManagedActions(policy) ?? '*');
  return [...new Set([...named, ...managed])].filter((action) => !ASSUMED.has(action) && !LOOKS.test(action));
}

function ownArns(input: ProofInput): string[] {
  const { assembly, declaration } = input;
  const stacks = assembly.stacks.filter((stack) => !isOther(declaration, stack)).map(({ name }) => name);
  return [
    ...stacks.map((name) => `arn:aws:cloudformation:*:*:stack/${name}/*`),
    ...assembly.resources
      .filter(({ stack }) => stacks.includes(stack))
      .flatMap(({ arn, type, account, region, physicalId }) => [
        ...(arn === undefined ? [] : withParts(arn)),
        ...(type === 'AWS::ApiGateway::RestApi' ? [`${ROUTES}${region}:${account}:${physicalId}/*`] : []),
      ]),
    ...clientKeyArns(input),
    ...BESIDE,
    // Who makes, or says what may be done by, anybody of the account may do everything in it.
    ...accountsOf(input).map((account) => `arn:aws:iam::${account}:*`),
  ];
}
