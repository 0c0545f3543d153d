import { type Rule, resourceRule, wordsOf } from '../rule.ts';

/** A rule that some resource types are not used. */
interface ForbiddenTypes extends Pick<Rule, 'name' | 'invariant' | 'title'> {
  /** By what they do, the types that do it, apart by blanks. A name that ends in `*` means every type that begins so. */
  types: Readonly<Record<string, string>>;
  remedy: string;
}

const TABLE: readonly ForbiddenTypes[] = [
  {
    name: 'no-data-outlets',
    invariant: 'I8',
    title: 'No template copies tables, queues or sessions to somewhere else.',
    types: {
      'copies a table to other regions': 'AWS::DynamoDB::GlobalTable',
      'carries data from one zone to another': 'AWS::Kinesis::* AWS::MSK::* AWS::AmazonMQ::*',
      'copies data': 'AWS::DMS::* AWS::Backup::* AWS::DataSync::*',
      'keeps data in a cluster of its own': 'AWS::DAX::* AWS::ElastiCache::*',
      'keeps data in a database that the proof does not read': 'AWS::RDS::* AWS::Neptune::* AWS::DocDB::*',
      'lets files in and out': 'AWS::Transfer::*',
      'is a file system that zones might share': 'AWS::EFS::* AWS::FSx::*',
      'lets others into a bucket': 'AWS::S3::AccessPoint AWS::S3::AccessGrant* AWS::S3ObjectLambda::*',
      'is a policy that the proof does not expect': 'AWS::SNS::TopicInlinePolicy AWS::SQS::QueueInlinePolicy',
    },
    remedy: 'Remove it. What a zone keeps stays in that zone.',
  },
  {
    name: 'no-other-identities',
    invariant: 'I1',
    title:
      'No template makes identities other than roles: users, access keys, identity providers, organization policies.',
    types: {
      'is an identity with long-lived credentials': 'AWS::IAM::User',
      'is a long-lived credential, and its secret is in the stack’s outputs or events': 'AWS::IAM::AccessKey',
      'gives users permissions': 'AWS::IAM::Group AWS::IAM::GroupPolicy',
      'gives a user permissions': 'AWS::IAM::UserPolicy AWS::IAM::UserToGroupAddition',
      'lends a role to machines': 'AWS::IAM::InstanceProfile',
      'lets another issuer’s identities become roles': 'AWS::IAM::OIDCProvider AWS::IAM::SAMLProvider',
      'is a role whose policies AWS decides': 'AWS::IAM::ServiceLinkedRole',
      'gives strangers credentials': 'AWS::Cognito::*',
      'lets certificates become roles': 'AWS::RolesAnywhere::*',
      'gives people permissions in the account': 'AWS::SSO::*',
      'changes what the account may do': 'AWS::Organizations::*',
      'decides permissions where the proof does not look': 'AWS::VerifiedPermissions::*',
    },
    remedy: 'Remove it. Functions have roles, and people sign in elsewhere.',
  },
  {
    name: 'no-key-resources',
    invariant: 'I1',
    title: 'Client keys are made by rotation alone; no template makes one, copies one or imports one.',
    types: {
      'copies a key to another region': 'AWS::KMS::ReplicaKey',
      'lets others use a secret': 'AWS::SecretsManager::ResourcePolicy',
      'writes into a secret': 'AWS::SecretsManager::SecretTargetAttachment',
      'keeps keys where the proof does not look': `
        AWS::CloudHSM::* AWS::CloudHSMV2::* AWS::PaymentCryptography::*
      `,
      'signs certificates': 'AWS::ACMPCA::*',
      'keeps an OAuth client’s secret, or has its assertions signed, past the signers':
        'AWS::BedrockAgentCore::OAuth2CredentialProvider',
      'decides which code runs': 'AWS::Signer::*',
    },
    remedy: 'Remove it. Keys of the system are made at run time, with the policy that rotation gives them.',
  },
  {
    name: 'no-function-doors',
    invariant: 'I2',
    title:
      'Nothing but the declared routes, events and schedules leads to a function, and no version or alias of one stands beside it.',
    types: {
      'opens a function to the internet': 'AWS::Lambda::Url',
      'keeps a second way to a function’s code, perhaps an older one with a wider grant':
        'AWS::Lambda::Alias',
      'keeps a function’s code, and its grant, invocable after it has changed': 'AWS::Lambda::Version',
      'sends what a function answers to somewhere else': 'AWS::Lambda::EventInvokeConfig',
      'is code beside a function’s own': 'AWS::Lambda::LayerVersion',
      'shares code between functions': 'AWS::Lambda::LayerVersionPermission',
      'runs functions on managed instances, where one process serves several requests at a time':
        'AWS::Lambda::CapacityProvider',
      'is a web function, which answers the internet past every declared route': 'AWS::Lambda::WebFunction*',
      'is an entry that the proof does not read': `
        AWS::ApiGatewayV2::* AWS::ApiGateway::DomainNameV2 AWS::CloudFront::*
      `,
      'leads into a VPC': `
        AWS::ElasticLoadBalancingV2::* AWS::ElasticLoadBalancing::* AWS::GlobalAccelerator::*
      `,
      'calls functions': 'AWS::AppSync::* AWS::Lex::* AWS::Connect::*',
      'holds credentials for another service': 'AWS::Events::Connection',
      'sends events out': 'AWS::Events::ApiDestination',
      'lets others put events': 'AWS::Events::EventBusPolicy',
      'sends events to another region': 'AWS::Events::Endpoint',
      'keeps events, which may name patients': 'AWS::Events::Archive',
      'moves data from one zone’s resource to another’s': 'AWS::Pipes::Pipe',
      'calls any service with a role': 'AWS::Scheduler::* AWS::StepFunctions::*',
      'calls functions for mail': 'AWS::SES::*',
      'calls functions for devices': 'AWS::IoT::*',
      'calls functions for a model': 'AWS::Bedrock::* AWS::BedrockAgentCore::*',
    },
    remedy: 'Remove it, and declare the entry in zones.ts.',
  },
  {
    name: 'no-log-outlets',
    invariant: 'I7',
    title: 'No template leads logs or the audit anywhere but into their own log groups.',
    types: {
      'sends a log somewhere else as it is written': 'AWS::Logs::SubscriptionFilter',
      'receives logs of other accounts': 'AWS::Logs::Destination',
      'sends logs somewhere else': 'AWS::Logs::DeliverySource AWS::Logs::Delivery AWS::Logs::Integration',
      'receives logs': 'AWS::Logs::DeliveryDestination',
      'sends all logs of the account somewhere else': 'AWS::Logs::AccountPolicy',
      'lets others write or subscribe to logs': 'AWS::Logs::ResourcePolicy',
      'changes log lines as they are written': 'AWS::Logs::Transformer',
      'sends data somewhere else': 'AWS::KinesisFirehose::*',
      'sends metrics somewhere else': 'AWS::CloudWatch::MetricStream',
      'shares logs with another account': 'AWS::Oam::*',
      'shares traces with others': 'AWS::XRay::ResourcePolicy',
      'changes the audit, which is an administrator’s': 'AWS::CloudTrail::*',
      'keeps copies of logs': 'AWS::OpenSearchService::* AWS::Elasticsearch::*',
    },
    remedy: 'Remove it. Read logs where they are, with CloudWatch Logs Insights.',
  },
  {
    name: 'no-joined-networks',
    invariant: 'I4',
    title: 'No resource joins two networks, or a zone with a network outside.',
    types: {
      'joins two VPCs': 'AWS::EC2::VPCPeeringConnection',
      'is a network connector, which joins what Lambda runs elsewhere with a VPC':
        'AWS::Lambda::NetworkConnector',
      'decides for every VPC of the account, until its stack is deleted':
        'AWS::EC2::VPCBlockPublicAccessOptions',
      'takes a network out of the account’s Block Public Access': 'AWS::EC2::VPCBlockPublicAccessExclusion',
      'routes between VPCs': 'AWS::EC2::TransitGateway',
      'attaches a VPC to a router between VPCs': `
        AWS::EC2::TransitGatewayAttachment AWS::EC2::TransitGatewayVpcAttachment
        AWS::NetworkManager::VpcAttachment
      `,
      'joins two routers between VPCs': 'AWS::EC2::TransitGatewayPeeringAttachment',
      'joins a VPC with a network outside': `
        AWS::EC2::VPNGateway AWS::EC2::VPNConnection AWS::EC2::LocalGatewayRouteTableVPCAssociation
      `,
      'lets computers outside into a VPC': 'AWS::EC2::ClientVpnEndpoint',
      'joins a VPC with a carrier network': 'AWS::EC2::CarrierGateway',
      'offers a service of this VPC to other networks': 'AWS::EC2::VPCEndpointService',
      'offers a service of this VPC to other accounts': 'AWS::EC2::VPCEndpointServicePermissions',
      'lets administrators into a VPC from outside': 'AWS::EC2::InstanceConnectEndpoint',
      'lets users into a VPC from outside': 'AWS::EC2::VerifiedAccessEndpoint',
      'offers a service across VPCs': 'AWS::VpcLattice::Service',
      'joins VPCs': 'AWS::VpcLattice::ServiceNetwork AWS::VpcLattice::ServiceNetworkVpcAssociation',
      'lets other networks into a VPC': 'AWS::VpcLattice::ResourceGateway',
      'offers a resource of this VPC to other networks': 'AWS::VpcLattice::ResourceConfiguration',
      'shares subnets or gateways with other accounts': 'AWS::RAM::ResourceShare',
      'gives a subnet IPv6 addresses, which no rule of a zone is written for': 'AWS::EC2::SubnetCidrBlock',
      'gives a VPC addresses that the declaration does not know': 'AWS::EC2::VPCCidrBlock',
      'joins the resolvers of two networks': 'AWS::Route53Resolver::ResolverEndpoint',
      'sends names to another resolver': `
        AWS::Route53Resolver::ResolverRule AWS::Route53Resolver::ResolverRuleAssociation
      `,
      'may send names to another resolver, past the DNS Firewall': `
        AWS::EC2::DHCPOptions AWS::EC2::VPCDHCPOptionsAssociation
      `,
      'puts a shared file system into a subnet': 'AWS::EFS::MountTarget',
    },
    remedy: 'Remove it. Zones meet in nothing but the invocation of a signer.',
  },
  {
    name: 'no-deploying-resources',
    invariant: 'I1',
    title: 'No template runs anything that changes the account while or after it is deployed.',
    types: {
      'runs a function during every deploy, outside every zone': `
        AWS::CloudFormation::CustomResource Custom::*
      `,
      'rewrites templates while they are deployed': 'AWS::CloudFormation::Macro',
      'is a template that the proof does not read': 'AWS::CloudFormation::Stack AWS::CloudFormation::Module*',
      'deploys to other accounts': 'AWS::CloudFormation::StackSet',
      'runs code during deploys': `
        AWS::CloudFormation::Hook* AWS::CloudFormation::Resource* AWS::CloudFormation::Type*
        AWS::CloudFormation::PublicTypeVersion
      `,
      'runs commands with a role': 'AWS::CodeBuild::*',
      deploys: `
        AWS::CodePipeline::* AWS::CodeDeploy::* AWS::CodeStar* AWS::ServiceCatalog::* AWS::Amplify::*
      `,
      'runs commands': 'AWS::SSM::Association AWS::SSM::Document AWS::SSM::MaintenanceWindow*',
      'is a machine in a network': 'AWS::EC2::Instance',
      'is a MicroVM, which runs what the proof does not read, for hours': 'AWS::Lambda::MicrovmImage',
      'starts machines': `
        AWS::EC2::LaunchTemplate AWS::EC2::SpotFleet AWS::EC2::EC2Fleet AWS::AutoScaling::*
        AWS::ImageBuilder::* AWS::Cloud9::*
      `,
      'runs containers with roles': 'AWS::ECS::* AWS::EKS::* AWS::Batch::* AWS::AppRunner::*',
      'runs machines with roles': 'AWS::ElasticBeanstalk::*',
      'runs jobs with a role': 'AWS::Glue::* AWS::EMR* AWS::SageMaker::*',
      'runs documents with a role': 'AWS::Config::RemediationConfiguration',
      'breaks things with a role': 'AWS::FIS::*',
      'runs code in a network': 'AWS::Synthetics::*',
      'is rewritten while it is deployed': 'AWS::Serverless::*',
    },
    remedy: 'Remove it, or deploy it from another app, in another account.',
  },
];

/** Types that other rules read. */
const READ = wordsOf(`
  AWS::ApiGateway::Account AWS::ApiGateway::Authorizer AWS::ApiGateway::Method AWS::ApiGateway::Resource
  AWS::ApiGateway::RestApi AWS::ApiGateway::Stage AWS::CloudWatch::Alarm AWS::CloudWatch::CompositeAlarm
  AWS::DynamoDB::Table AWS::EC2::FlowLog
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
  AWS::CertificateManager::Certificate AWS::CloudFormation::WaitCondition*
  AWS::CloudWatch::AnomalyDetector AWS::CloudWatch::Dashboard
  AWS::CloudWatch::InsightRule AWS::EC2::NetworkAcl* AWS::EC2::PrefixList
  AWS::EC2::SubnetNetworkAclAssociation AWS::KMS::Alias AWS::Lambda::CodeSigningConfig AWS::Logs::LogStream
  AWS::Logs::MetricFilter AWS::Logs::QueryDefinition AWS::NetworkFirewall::* AWS::ResourceGroups::Group
  AWS::Route53::HealthCheck AWS::Route53::RecordSet* AWS::Route53Resolver::ResolverQueryLogging*
  AWS::ServiceCatalogAppRegistry::* AWS::SSM::Parameter AWS::WAFv2::* AWS::XRay::Group
  AWS::XRay::SamplingRule
`);

/** Names of types and families of types, each with what it does. */
function namesOf({ types }: ForbiddenTypes): (readonly [name: string, does: string])[] {
  return Object.entries(types).flatMap(([does, names]) =>
    wordsOf(names).map((name) => [name, does] as const),
  );
}

const KNOWN = [...READ, ...HARMLESS, ...TABLE.flatMap(namesOf).map(([name]) => name)];

/** Whether `type` is the one of this name or, where the name ends in `*`, begins with it. */
function isOf(type: string, name: string): boolean {
  return name.endsWith('*') ? type.startsWith(name.slice(0, -1)) : type === name;
}

/** The rules about types of resources: some are not used, since a zone's boundary is not written for what they do; of the others every one is known. */
export const RESOURCE_TYPES: readonly Rule[] = [
  ...TABLE.map((forbidden) => {
    const { types: _, ...rule } = forbidden;
    const names = namesOf(forbidden);
    return resourceRule({
      ...rule,
      problems: ({ type }) => [names.find(([name]) => isOf(type, name))?.[1]],
      subject: ({ type }) => type,
    });
  }),
  resourceRule({
    name: 'resource-types-are-known',
    invariant: 'I1',
    title: 'Every resource is of a type that the proof has thought about.',
    problems: ({ type }) => [
      !KNOWN.some((name) => isOf(type, name)) &&
        'is not a type that the proof knows; it may carry permissions or lead somewhere',
    ],
    subject: ({ type }) => type,
    remedy:
      'Judge what it can do. If it gives nobody a permission and leads nowhere, declare an exception with that reason; better, teach the proof its type.',
  }),
];
