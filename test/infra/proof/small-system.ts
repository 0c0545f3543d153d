import { ZONE_TAG } from '../../../infra/declaration/names.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { type JsonObject, listOf } from '../../../infra/proof/assembly/json.ts';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { readInput } from '../../../infra/proof/read-input.ts';
import { RULES } from '../../../infra/proof/rules/index.ts';
import type { ProofInput, Rule } from '../../../infra/proof/rules/rule.ts';
import oneClient from '../../one-client.zones.ts';

/** The rule of this name. */
export function ruleNamed(name: string): Rule {
  const found = RULES.find((rule) => rule.name === name);
  if (found === undefined) throw new Error(`no rule ${name}`);
  return found;
}

/** Resources of a template by logical id. */
export type Resources = Record<
  string,
  { Type: string; Properties?: JsonObject; DeletionPolicy?: string; UpdateReplacePolicy?: string }
>;

/** What a rule looks at, for a system of a few hand-written resources: templates by stack name, assets by object key. */
export function inputOf(
  stacks: Record<string, Resources>,
  assets: ReadonlyMap<string, string> = new Map(),
  declaration: SystemDeclaration = oneClient,
): ProofInput {
  const assembly = resolveAssembly({
    stacks: Object.entries(stacks).map(([name, Resources]) => ({
      name,
      account: undefined,
      region: undefined,
      template: { Resources: tagged(name, Resources) },
      assets,
      constructPaths: new Map(),
    })),
  });
  return readInput(assembly, declaration);
}

/** The resources of a zone's stack with the tag that says so. */
function tagged(stack: string, resources: Resources): Resources {
  const zone = /^journal-(?:zone-)?(signing|public|internal|admin)$/.exec(stack)?.[1];
  if (zone === undefined) return resources;
  const tag = { Key: ZONE_TAG, Value: zone };
  return Object.fromEntries(
    Object.entries(resources).map(([id, { Properties: properties = {}, ...resource }]) => [
      id,
      { ...resource, Properties: { ...properties, Tags: [...listOf(properties.Tags), tag] } },
    ]),
  );
}

/** The smallest network of a zone: a VPC, a subnet, a group for functions, one for endpoints, a firewall and one function. */
export function zoneNetwork(cidr: string, domains: readonly string[] = []): Resources {
  return {
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: cidr } },
    Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' } } },
    Table: { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: { Ref: 'Vpc' } } },
    TableOfSubnet: {
      Type: 'AWS::EC2::SubnetRouteTableAssociation',
      Properties: { SubnetId: { Ref: 'Subnet' }, RouteTableId: { Ref: 'Table' } },
    },
    Functions: {
      Type: 'AWS::EC2::SecurityGroup',
      Properties: {
        VpcId: { Ref: 'Vpc' },
        SecurityGroupEgress: [
          { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, DestinationSecurityGroupId: { Ref: 'Endpoints' } },
        ],
      },
    },
    Endpoints: {
      Type: 'AWS::EC2::SecurityGroup',
      Properties: { VpcId: { Ref: 'Vpc' }, SecurityGroupEgress: [none] },
    },
    IntoEndpoints: {
      Type: 'AWS::EC2::SecurityGroupIngress',
      Properties: {
        GroupId: { Ref: 'Endpoints' },
        IpProtocol: 'tcp',
        FromPort: 443,
        ToPort: 443,
        SourceSecurityGroupId: { Ref: 'Functions' },
      },
    },
    Allowed: { Type: 'AWS::Route53Resolver::FirewallDomainList', Properties: { Domains: domains } },
    Everything: { Type: 'AWS::Route53Resolver::FirewallDomainList', Properties: { Domains: ['*'] } },
    Names: {
      Type: 'AWS::Route53Resolver::FirewallRuleGroup',
      Properties: {
        FirewallRules: [
          { Priority: 1, Action: 'ALLOW', FirewallDomainListId: { 'Fn::GetAtt': ['Allowed', 'Id'] } },
          { Priority: 2, Action: 'BLOCK', FirewallDomainListId: { 'Fn::GetAtt': ['Everything', 'Id'] } },
        ],
      },
    },
    NamesOfVpc: {
      Type: 'AWS::Route53Resolver::FirewallRuleGroupAssociation',
      Properties: {
        VpcId: { Ref: 'Vpc' },
        FirewallRuleGroupId: { 'Fn::GetAtt': ['Names', 'Id'] },
        Priority: 101,
      },
    },
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { S3Key: 'code.zip' },
        VpcConfig: { SubnetIds: [{ Ref: 'Subnet' }], SecurityGroupIds: [{ Ref: 'Functions' }] },
      },
    },
  };
}

/** What CDK writes for a group without a way out: a rule that matches nothing. */
const none = { CidrIp: '255.255.255.255/32', IpProtocol: 'icmp', FromPort: 252, ToPort: 86 };

/** An interface endpoint of {@link zoneNetwork}. */
export function endpoint(service: string, properties: JsonObject = {}): Resources {
  return {
    [`${service}Endpoint`]: {
      Type: 'AWS::EC2::VPCEndpoint',
      Properties: {
        VpcId: { Ref: 'Vpc' },
        ServiceName: `com.amazonaws.eu-north-1.${service}`,
        SecurityGroupIds: [{ Ref: 'Endpoints' }],
        SubnetIds: [{ Ref: 'Subnet' }],
        PolicyDocument: { Statement: [] },
        ...properties,
      },
    },
  };
}

/** NAT and the route to it. */
export const NAT: Resources = {
  Nat: { Type: 'AWS::EC2::NatGateway' },
  RouteOut: {
    Type: 'AWS::EC2::Route',
    Properties: {
      RouteTableId: { Ref: 'Table' },
      DestinationCidrBlock: '0.0.0.0/0',
      NatGatewayId: { Ref: 'Nat' },
    },
  },
};
