import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assembly } from './synthesize.ts';

/** A stack as CloudFormation gets it. */
export interface Stack {
  /** Account and region. */
  environment: string;
  Resources: Readonly<Record<string, StackResource>>;
  Outputs?: Readonly<Record<string, { Value: unknown; Export?: { Name: unknown } }>>;
}

interface StackResource {
  Type: string;
  DeletionPolicy?: string;
  Properties?: Readonly<Record<string, unknown>>;
}

/** Stack name to stack. */
export type Stacks = Readonly<Record<string, Stack>>;

/** What comes of deploying all stacks over those that stand. */
export interface Deployment {
  /** What CloudFormation would refuse or get wrong, one line each. */
  refused: string[];
  /** Resources with a physical name that are made, replaced or deleted, by that name. */
  named: string[];
  /** Physical names of what is taken out of its stack and stays. */
  left: string[];
  /** Stacks that nobody deploys any more, and nobody deletes. */
  orphans: string[];
}

/**
 * Properties that replace their resource when they change, sometimes included: `createOnlyProperties` and
 * `conditionalCreateOnlyProperties` of CloudFormation's schemas, which .ci/lint-templates compares with those of cfn-lint.
 */
export const CREATE_ONLY: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'create-only.json'), 'utf8'),
);

/** Of what there can be one at a time. CloudFormation makes the new before it deletes the old, so a second one is refused. */
export const EXCLUSIVE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'AWS::ApiGateway::GatewayResponse': [['RestApiId', 'ResponseType']],
  'AWS::ApiGateway::Method': [['RestApiId', 'ResourceId', 'HttpMethod']],
  'AWS::ApiGateway::Resource': [['RestApiId', 'ParentId', 'PathPart']],
  'AWS::ApiGateway::Stage': [['RestApiId', 'StageName']],
  'AWS::CloudWatch::Alarm': [['AlarmName']],
  'AWS::CloudWatch::Dashboard': [['DashboardName']],
  'AWS::DynamoDB::Table': [['TableName']],
  'AWS::EC2::NatGateway': [['AllocationId']],
  'AWS::EC2::Route': [['RouteTableId', 'DestinationCidrBlock']],
  'AWS::EC2::SubnetRouteTableAssociation': [['SubnetId']],
  'AWS::EC2::VPCEndpoint': [['VpcId', 'ServiceName']],
  'AWS::EC2::VPCGatewayAttachment': [['InternetGatewayId'], ['VpnGatewayId'], ['VpcId']],
  'AWS::Events::EventBus': [['Name']],
  'AWS::Events::Rule': [['EventBusName', 'Name']],
  'AWS::IAM::ManagedPolicy': [['ManagedPolicyName']],
  'AWS::IAM::Role': [['RoleName']],
  'AWS::Lambda::EventSourceMapping': [['EventSourceArn', 'FunctionName']],
  'AWS::Lambda::Function': [['FunctionName']],
  'AWS::Logs::LogGroup': [['LogGroupName']],
  'AWS::Logs::QueryDefinition': [['Name']],
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': [['VpcId', 'Priority']],
  'AWS::SQS::Queue': [['QueueName']],
  // Two are not refused: deleting the old one ends the rotation that the new one has set
  // (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1813).
  'AWS::SecretsManager::RotationSchedule': [['SecretId']],
  'AWS::SecretsManager::Secret': [['Name']],
  'AWS::SNS::Topic': [['TopicName']],
};

/** The stacks of an assembly. */
export function stacksOf({ folder, stacks }: Assembly): Stacks {
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const { artifacts } = read('manifest.json');
  return Object.fromEntries(
    stacks.map((name) => [
      name,
      { environment: artifacts[name].environment, ...read(`${name}.template.json`) },
    ]),
  );
}

/** What CloudFormation does with `after` where `before` stands. Every type must be in the table of what replaces. */
export function deploy(before: Stacks, after: Stacks): Deployment {
  const updated = Object.fromEntries(
    Object.entries(before).filter(([name, { environment }]) => after[name]?.environment === environment),
  );
  const fresh = findFresh(updated, after);
  const standing = new Map(
    resourcesOf(before).flatMap(({ id, identities }) => identities(NONE).map((each) => [each, id] as const)),
  );
  const refused = resourcesOf(after).flatMap(({ id, type, identities }) => {
    if (!fresh.has(id)) return [];
    const [stack = '', logicalId = ''] = id.split('/');
    const was = updated[stack]?.Resources[logicalId]?.Type ?? type;
    if (was !== type) return [`${id} was of another type`];
    return identities(fresh).flatMap((each) => {
      const holder = standing.get(each);
      return holder === undefined ? [] : [`${id} asks for ${each}, which ${holder} holds`];
    });
  });
  const now = new Set(resourcesOf(after).map(({ id }) => id));
  const gone = resourcesOf(updated).filter(({ id }) => !now.has(id));
  const made = resourcesOf(after).filter(({ id }) => fresh.has(id));
  return {
    refused: [...refused, ...overlapping(updated, after, fresh), ...badReferences(updated, after, fresh)],
    named: [...new Set([...made, ...gone].flatMap(({ name }) => name ?? []))].sort(),
    left: gone.flatMap(({ kept, name }) => (kept ? (name ?? []) : [])).sort(),
    orphans: Object.keys(before)
      .filter((stack) => !(stack in updated))
      .sort(),
  };
}

const NONE: ReadonlySet<string> = new Set();

/** A resource as it stands or is to stand; `fresh` are those that are made in this deploy. */
interface Standing {
  /** Stack and logical id. */
  id: string;
  type: string;
  name?: string;
  /** Whether it outlives its place in the template. */
  kept: boolean;
  identities(fresh: ReadonlySet<string>): string[];
}

function resourcesOf(stacks: Stacks): Standing[] {
  return Object.entries(stacks).flatMap(([stack, { environment, Resources }]) =>
    Object.entries(Resources).map(([logicalId, { Type: type, Properties = {}, DeletionPolicy = '' }]) => {
      const groups = (EXCLUSIVE[type] ?? []).filter((group) => group.every((name) => name in Properties));
      const [name] = groups.map(([property = '']) => Properties[property]).filter(isText);
      return {
        id: `${stack}/${logicalId}`,
        type,
        kept: DeletionPolicy.startsWith('Retain'),
        ...(name === undefined ? {} : { name }),
        identities: (fresh: ReadonlySet<string>) =>
          groups.map((group) =>
            [
              placeOf(type, environment),
              kindOf(type, Properties),
              ...group.map((part) => render(pathPart(Properties[part]), stack, fresh)),
            ].join(' '),
          ),
      };
    }),
  );
}

/** A VPC has an internet gateway and a VPN gateway, one of either. */
const kindOf = (type: string, properties: object) => ('VpnGatewayId' in properties ? `${type} VPN` : type);

/** Names of IAM are an account's, others a region's. */
function placeOf(type: string, environment: string): string {
  return type.startsWith('AWS::IAM::') ? environment.replace(/\/[^/]*$/, '') : environment;
}

/** API Gateway takes one parameter at a place, whatever it is called. */
function pathPart(value: unknown): unknown {
  return isText(value) && /^\{\w+\+?\}$/.test(value) ? '{}' : value;
}

/** Stack and id of whatever is made, or has another value, after the deploy: resources and outputs. */
function findFresh(before: Stacks, after: Stacks): Set<string> {
  const fresh = new Set<string>();
  for (let size = -1; size !== fresh.size; ) {
    size = fresh.size;
    for (const [stack, { Resources, Outputs = {} }] of Object.entries(after)) {
      const differs = (was: unknown, is: unknown) => render(was, stack, NONE) !== render(is, stack, fresh);
      for (const [id, { Type, Properties }] of Object.entries(Resources)) {
        const replacing = CREATE_ONLY[Type];
        if (!replacing) throw new Error(`create-only.json does not know ${Type}`);
        const old = before[stack]?.Resources[id];
        if (
          old?.Type !== Type ||
          replacing.some((name) => differs(old.Properties?.[name], Properties?.[name]))
        )
          fresh.add(`${stack}/${id}`);
      }
      for (const [id, { Value }] of Object.entries(Outputs))
        if (differs(before[stack]?.Outputs?.[id]?.Value, Value)) fresh.add(`${stack}/${id}`);
    }
  }
  return fresh;
}

/** A value as text in which what is referred to bears its stack's name, and a mark where it is made anew. */
function render(value: unknown, stack: string, fresh: ReadonlySet<string>): string {
  const mark = (id: string) => (fresh.has(id) ? `${id} (new)` : id);
  const text = JSON.stringify(value, (_key, part: unknown) => {
    const [[kind, operand] = []] = typeof part === 'object' && part !== null ? Object.entries(part) : [];
    if (kind === 'Ref' && !String(operand).startsWith('AWS::')) return mark(`${stack}/${operand}`);
    if (kind === 'Fn::GetAtt')
      return (operand as string[]).map((id, at) => (at ? id : mark(`${stack}/${id}`)));
    if (kind === 'Fn::GetStackOutput') return mark(outputRead(operand));
    return part;
  });
  return text ?? '';
}

function outputRead(operand: unknown): string {
  const { StackName, OutputName } = operand as { StackName: string; OutputName: string };
  return `${StackName}/${OutputName}`;
}

/** New subnets in a network that stands, over addresses that a subnet there has. */
function overlapping(before: Stacks, after: Stacks, fresh: ReadonlySet<string>): string[] {
  const subnets = (stacks: Stacks, made: ReadonlySet<string>) =>
    Object.entries(stacks).flatMap(([stack, { Resources }]) =>
      Object.entries(Resources)
        .filter(([, { Type }]) => Type === 'AWS::EC2::Subnet')
        .map(([id, { Properties }]) => ({
          id: `${stack}/${id}`,
          vpc: render(Properties?.['VpcId'], stack, made),
          ...rangeOf(String(Properties?.['CidrBlock'])),
        })),
    );
  const old = subnets(before, NONE);
  return subnets(after, fresh)
    .filter(({ id }) => fresh.has(id))
    .flatMap(({ id, vpc, first, last }) =>
      old
        .filter((other) => other.vpc === vpc && other.first <= last && first <= other.last)
        .map((other) => `${id} overlaps ${other.id}`),
    );
}

function rangeOf(cidr: string): { first: number; last: number } {
  const [address = '', bits] = cidr.split('/');
  const first = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { first, last: first + 2 ** (32 - Number(bits)) - 1 };
}

/** Exports that go or change while they are used, outputs that are not there, and values that nobody reads anew. */
function badReferences(before: Stacks, after: Stacks, fresh: ReadonlySet<string>): string[] {
  const exports = Object.entries(before).flatMap(([stack, { Outputs = {} }]) =>
    Object.entries(Outputs).flatMap(([id, { Export }]) =>
      Export ? [{ stack, id, name: JSON.stringify(Export.Name) }] : [],
    ),
  );
  const used = new Set(referencesOf(before, 'Fn::ImportValue').map(({ operand }) => JSON.stringify(operand)));
  const reads = referencesOf(after, 'Fn::GetStackOutput');
  return [
    ...exports
      .filter(({ name }) => used.has(name))
      .filter(({ stack, id }) => !after[stack]?.Outputs?.[id]?.Export || fresh.has(`${stack}/${id}`))
      .map(({ stack, id }) => `${stack}/${id} is an export in use`),
    ...reads.flatMap(({ stack, operand }) => {
      const output = outputRead(operand);
      const [producer = '', id = ''] = output.split('/');
      if (!after[producer]?.Outputs?.[id]) return [`${stack} reads ${output}, which is not there`];
      const same = JSON.stringify(before[stack]) === JSON.stringify(after[stack]);
      return same && fresh.has(output) ? [`${stack} keeps the old ${output}: its template is the same`] : [];
    }),
  ];
}

function referencesOf(stacks: Stacks, kind: string): { stack: string; operand: unknown }[] {
  const found: { stack: string; operand: unknown }[] = [];
  for (const [stack, { Resources }] of Object.entries(stacks))
    JSON.stringify(Resources, (key, value: unknown) => {
      if (key === kind) found.push({ stack, operand: value });
      return value;
    });
  return found;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
