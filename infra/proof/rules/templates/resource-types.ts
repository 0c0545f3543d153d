import { ADDABLE, notUnderstood } from '../../derived/additions.ts';
import { type Rule, resourceRule, wordsOf } from '../rule.ts';

/** Types that rules read or that the declaration yields, beside those that a system may add. */
const READ = wordsOf(`
  AWS::ApiGateway::Account AWS::ApiGateway::Authorizer AWS::ApiGateway::Deployment
  AWS::ApiGateway::GatewayResponse AWS::ApiGateway::Method AWS::ApiGateway::RequestValidator
  AWS::ApiGateway::Resource AWS::ApiGateway::RestApi AWS::ApiGateway::Stage AWS::EC2::EIP AWS::EC2::FlowLog
  AWS::EC2::InternetGateway AWS::EC2::NatGateway AWS::EC2::Route AWS::EC2::RouteTable
  AWS::EC2::SecurityGroup AWS::EC2::SecurityGroupEgress AWS::EC2::SecurityGroupIngress AWS::EC2::Subnet
  AWS::EC2::SubnetRouteTableAssociation AWS::EC2::VPC AWS::EC2::VPCEndpoint AWS::EC2::VPCGatewayAttachment
  AWS::Events::EventBus AWS::Events::Rule AWS::IAM::Role AWS::Lambda::EventSourceMapping
  AWS::Lambda::Function AWS::Lambda::Permission AWS::Route53Resolver::FirewallDomainList
  AWS::Route53Resolver::FirewallRuleGroup AWS::Route53Resolver::FirewallRuleGroupAssociation
  AWS::SecretsManager::RotationSchedule
`);

/**
 * Every resource is of a type that rules read. What a compared assembly has beside what the declaration yields is for
 * `additions-are-understood`, which also looks at properties.
 */
export const resourceTypesAreKnown: Rule = resourceRule({
  name: 'resource-types-are-known',
  invariant: 'I1',
  title: 'Every resource is of a type that the proof has thought about.',
  problems: ({ type }, { comparison }) => [
    comparison === undefined && !READ.includes(type) && !ADDABLE.includes(type) && notUnderstood(type),
  ],
  remedy:
    'Remove it, or deploy it from another app, in another account. What a zone needs is declared in zones.ts.',
});
