import { FORBIDDEN_TYPES, isOfFamily } from '../forbidden-types.ts';
import { type Rule, wordsOf } from '../rule.ts';

/** Types that other rules read. */
const READ = wordsOf(`
  AWS::ApiGateway::Account AWS::ApiGateway::Authorizer AWS::ApiGateway::Method AWS::ApiGateway::Resource
  AWS::ApiGateway::RestApi AWS::ApiGateway::Stage AWS::DynamoDB::Table AWS::EC2::FlowLog
  AWS::EC2::InternetGateway AWS::EC2::EgressOnlyInternetGateway AWS::EC2::NatGateway AWS::EC2::EIP
  AWS::EC2::Route AWS::EC2::RouteTable AWS::EC2::SecurityGroup AWS::EC2::SecurityGroupEgress
  AWS::EC2::SecurityGroupIngress AWS::EC2::Subnet AWS::EC2::SubnetRouteTableAssociation AWS::EC2::VPC
  AWS::EC2::VPCEndpoint AWS::EC2::VPCGatewayAttachment AWS::Events::EventBus AWS::Events::Rule
  AWS::IAM::ManagedPolicy AWS::IAM::Policy AWS::IAM::Role AWS::IAM::RolePolicy AWS::KMS::Key
  AWS::Lambda::EventSourceMapping AWS::Lambda::Function AWS::Lambda::Permission AWS::Logs::LogGroup
  AWS::Route53Resolver::FirewallConfig AWS::Route53Resolver::FirewallDomainList
  AWS::Route53Resolver::FirewallRuleGroup AWS::Route53Resolver::FirewallRuleGroupAssociation AWS::S3::Bucket
  AWS::S3::BucketPolicy AWS::SecretsManager::RotationSchedule AWS::SecretsManager::Secret
  AWS::SNS::Subscription AWS::SNS::Topic AWS::SNS::TopicPolicy AWS::SQS::Queue AWS::SQS::QueuePolicy
`);

/** Types that give nobody a permission and lead nowhere. A type that ends in `*` means every type that begins so. */
const HARMLESS = wordsOf(`
  AWS::ApiGateway::ApiKey AWS::ApiGateway::BasePathMapping AWS::ApiGateway::Deployment
  AWS::ApiGateway::Documentation* AWS::ApiGateway::DomainName AWS::ApiGateway::GatewayResponse
  AWS::ApiGateway::Model AWS::ApiGateway::RequestValidator AWS::ApiGateway::UsagePlan*
  AWS::ApplicationAutoScaling::ScalingPolicy AWS::Budgets::Budget AWS::CDK::Metadata AWS::CE::*
  AWS::CertificateManager::Certificate AWS::CloudFormation::WaitCondition* AWS::CloudWatch::Alarm
  AWS::CloudWatch::AnomalyDetector AWS::CloudWatch::CompositeAlarm AWS::CloudWatch::Dashboard
  AWS::CloudWatch::InsightRule AWS::EC2::NetworkAcl* AWS::EC2::PrefixList
  AWS::EC2::SubnetNetworkAclAssociation AWS::KMS::Alias AWS::Lambda::CodeSigningConfig AWS::Logs::LogStream
  AWS::Logs::MetricFilter AWS::Logs::QueryDefinition AWS::NetworkFirewall::* AWS::ResourceGroups::Group
  AWS::Route53::HealthCheck AWS::Route53::RecordSet* AWS::Route53Resolver::ResolverQueryLogging*
  AWS::ServiceCatalogAppRegistry::* AWS::SSM::Parameter AWS::WAFv2::* AWS::XRay::Group
  AWS::XRay::SamplingRule
`);

/** Every resource is of a type that the proof has thought about. */
export const resourceTypesAreKnown: Rule = {
  name: 'resource-types-are-known',
  invariant: 'I1',
  title: 'Every resource is of a type that the proof has thought about.',
  check: ({ assembly }) =>
    assembly.resources
      .filter(({ type }) => !isKnown(type))
      .map(({ type, constructPath, stack }) => ({
        resource: constructPath,
        message: `${type} is not a type that the proof knows; it may carry permissions or lead somewhere.`,
        path: [stack, constructPath, type],
        remedy:
          'Judge what it can do. If it gives nobody a permission and leads nowhere, declare an exception with that reason; better, teach the proof its type.',
      })),
};

function isKnown(type: string): boolean {
  const known = [...READ, ...HARMLESS].some((name) => isOfFamily(type, name));
  return known || FORBIDDEN_TYPES.some((rule) => rule.knows(type));
}
