import type { Rule } from './rule.ts';

/** A rule that some resource types are not used. */
interface ForbiddenTypes extends Pick<Rule, 'name' | 'invariant' | 'title'> {
  /** What each does. A name that ends in `*` means every type that begins so. */
  types: Readonly<Record<string, string>>;
  remedy: string;
}

/** A {@link Rule} with the types that it knows. */
export interface TypeRule extends Rule {
  /** Whether the rule is about `type`. */
  knows(type: string): boolean;
}

function forbidTypes({ name, invariant, title, types, remedy }: ForbiddenTypes): TypeRule {
  const families = Object.entries(types).filter(([type]) => type.endsWith('*'));
  const meaning = (type: string) =>
    Object.hasOwn(types, type)
      ? types[type]
      : families.find(([family]) => type.startsWith(family.slice(0, -1)))?.[1];
  return {
    ...{ name, invariant, title },
    knows: (type) => meaning(type) !== undefined,
    check: ({ assembly }) =>
      assembly.resources.flatMap(({ type, constructPath: resource, stack }) => {
        const does = meaning(type);
        const path = [stack, resource, does ?? ''];
        return does === undefined ? [] : [{ resource, message: `${type} ${does}.`, path, remedy }];
      }),
  };
}

const TABLE: readonly ForbiddenTypes[] = [
  {
    name: 'no-data-outlets',
    invariant: 'I8',
    title: 'No template copies tables, queues or sessions to somewhere else.',
    types: {
      'AWS::DynamoDB::GlobalTable': 'copies a table to other regions',
      'AWS::Kinesis::*': 'carries data from one zone to another',
      'AWS::DMS::*': 'copies data',
      'AWS::Backup::*': 'copies data',
      'AWS::DAX::*': 'keeps data in a cluster of its own',
      'AWS::ElastiCache::*': 'keeps data in a cluster of its own',
      'AWS::RDS::*': 'keeps data in a database that the proof does not read',
      'AWS::Neptune::*': 'keeps data in a database that the proof does not read',
      'AWS::DocDB::*': 'keeps data in a database that the proof does not read',
      'AWS::MSK::*': 'carries data from one zone to another',
      'AWS::AmazonMQ::*': 'carries data from one zone to another',
      'AWS::DataSync::*': 'copies data',
      'AWS::Transfer::*': 'lets files in and out',
      'AWS::EFS::*': 'is a file system that zones might share',
      'AWS::FSx::*': 'is a file system that zones might share',
      'AWS::S3::AccessPoint': 'lets others into a bucket',
      'AWS::S3::AccessGrant*': 'lets others into a bucket',
      'AWS::S3ObjectLambda::*': 'lets others into a bucket',
      'AWS::SNS::TopicInlinePolicy': 'is a policy that the proof does not expect',
      'AWS::SQS::QueueInlinePolicy': 'is a policy that the proof does not expect',
    },
    remedy: 'Remove it. What a zone keeps stays in that zone.',
  },
  {
    name: 'no-other-identities',
    invariant: 'I1',
    title:
      'No template makes identities other than roles: users, access keys, identity providers, organization policies.',
    types: {
      'AWS::IAM::User': 'is an identity with long-lived credentials',
      'AWS::IAM::AccessKey': 'is a long-lived credential, and its secret is in the stack’s outputs or events',
      'AWS::IAM::Group': 'gives users permissions',
      'AWS::IAM::UserPolicy': 'gives a user permissions',
      'AWS::IAM::GroupPolicy': 'gives users permissions',
      'AWS::IAM::UserToGroupAddition': 'gives a user permissions',
      'AWS::IAM::InstanceProfile': 'lends a role to machines',
      'AWS::IAM::OIDCProvider': 'lets another issuer’s identities become roles',
      'AWS::IAM::SAMLProvider': 'lets another issuer’s identities become roles',
      'AWS::IAM::ServiceLinkedRole': 'is a role whose policies AWS decides',
      'AWS::Cognito::*': 'gives strangers credentials',
      'AWS::RolesAnywhere::*': 'lets certificates become roles',
      'AWS::SSO::*': 'gives people permissions in the account',
      'AWS::Organizations::*': 'changes what the account may do',
      'AWS::VerifiedPermissions::*': 'decides permissions where the proof does not look',
    },
    remedy: 'Remove it. Functions have roles, and people sign in elsewhere.',
  },
  {
    name: 'no-key-resources',
    invariant: 'I1',
    title: 'Client keys are made by rotation alone; no template makes one, copies one or imports one.',
    types: {
      'AWS::KMS::ReplicaKey': 'copies a key to another region',
      'AWS::SecretsManager::ResourcePolicy': 'lets others use a secret',
      'AWS::SecretsManager::SecretTargetAttachment': 'writes into a secret',
      'AWS::CloudHSM::*': 'keeps keys where the proof does not look',
      'AWS::CloudHSMV2::*': 'keeps keys where the proof does not look',
      'AWS::PaymentCryptography::*': 'keeps keys where the proof does not look',
      'AWS::ACMPCA::*': 'signs certificates',
      'AWS::Signer::*': 'decides which code runs',
    },
    remedy: 'Remove it. Keys of the system are made at run time, with the policy that rotation gives them.',
  },
  {
    name: 'no-function-doors',
    invariant: 'I2',
    title:
      'Nothing but the declared routes, events and schedules leads to a function, and no version or alias of one stands beside it.',
    types: {
      'AWS::Lambda::Url': 'opens a function to the internet',
      'AWS::Lambda::Alias':
        'keeps a second way to a function’s code, perhaps an older one with a wider grant',
      'AWS::Lambda::Version': 'keeps a function’s code, and its grant, invocable after it has changed',
      'AWS::Lambda::EventInvokeConfig': 'sends what a function answers to somewhere else',
      'AWS::Lambda::LayerVersion': 'is code beside a function’s own',
      'AWS::Lambda::LayerVersionPermission': 'shares code between functions',
      'AWS::Lambda::CapacityProvider': 'runs functions on machines',
      'AWS::ApiGatewayV2::*': 'is an entry that the proof does not read',
      'AWS::ApiGateway::DomainNameV2': 'is an entry that the proof does not read',
      'AWS::ElasticLoadBalancingV2::*': 'leads into a VPC',
      'AWS::ElasticLoadBalancing::*': 'leads into a VPC',
      'AWS::AppSync::*': 'calls functions',
      'AWS::Events::Connection': 'holds credentials for another service',
      'AWS::Events::ApiDestination': 'sends events out',
      'AWS::Events::EventBusPolicy': 'lets others put events',
      'AWS::Events::Endpoint': 'sends events to another region',
      'AWS::Events::Archive': 'keeps events, which may name patients',
      'AWS::Pipes::Pipe': 'moves data from one zone’s resource to another’s',
      'AWS::Scheduler::*': 'calls any service with a role',
      'AWS::StepFunctions::*': 'calls any service with a role',
      'AWS::SES::*': 'calls functions for mail',
      'AWS::IoT::*': 'calls functions for devices',
      'AWS::Lex::*': 'calls functions',
      'AWS::Connect::*': 'calls functions',
      'AWS::Bedrock::*': 'calls functions for a model',
      'AWS::BedrockAgentCore::*': 'calls functions for a model',
      'AWS::GlobalAccelerator::*': 'leads into a VPC',
      'AWS::CloudFront::*': 'is an entry that the proof does not read',
    },
    remedy: 'Remove it, and declare the entry in zones.ts.',
  },
  {
    name: 'no-log-outlets',
    invariant: 'I7',
    title: 'No template leads logs or the audit anywhere but into their own log groups.',
    types: {
      'AWS::Logs::SubscriptionFilter': 'sends a log somewhere else as it is written',
      'AWS::Logs::Destination': 'receives logs of other accounts',
      'AWS::Logs::DeliverySource': 'sends logs somewhere else',
      'AWS::Logs::DeliveryDestination': 'receives logs',
      'AWS::Logs::Delivery': 'sends logs somewhere else',
      'AWS::Logs::AccountPolicy': 'sends all logs of the account somewhere else',
      'AWS::Logs::ResourcePolicy': 'lets others write or subscribe to logs',
      'AWS::Logs::Transformer': 'changes log lines as they are written',
      'AWS::Logs::Integration': 'sends logs somewhere else',
      'AWS::KinesisFirehose::*': 'sends data somewhere else',
      'AWS::CloudWatch::MetricStream': 'sends metrics somewhere else',
      'AWS::Oam::*': 'shares logs with another account',
      'AWS::XRay::ResourcePolicy': 'shares traces with others',
      'AWS::CloudTrail::*': 'changes the audit, which is an administrator’s',
      'AWS::OpenSearchService::*': 'keeps copies of logs',
      'AWS::Elasticsearch::*': 'keeps copies of logs',
    },
    remedy: 'Remove it. Read logs where they are, with CloudWatch Logs Insights.',
  },
  {
    name: 'no-joined-networks',
    invariant: 'I4',
    title: 'No resource joins two networks, or a zone with a network outside.',
    types: {
      'AWS::EC2::VPCPeeringConnection': 'joins two VPCs',
      'AWS::EC2::TransitGateway': 'routes between VPCs',
      'AWS::EC2::TransitGatewayAttachment': 'attaches a VPC to a router between VPCs',
      'AWS::EC2::TransitGatewayVpcAttachment': 'attaches a VPC to a router between VPCs',
      'AWS::EC2::TransitGatewayPeeringAttachment': 'joins two routers between VPCs',
      'AWS::EC2::VPNGateway': 'joins a VPC with a network outside',
      'AWS::EC2::VPNConnection': 'joins a VPC with a network outside',
      'AWS::EC2::ClientVpnEndpoint': 'lets computers outside into a VPC',
      'AWS::EC2::CarrierGateway': 'joins a VPC with a carrier network',
      'AWS::EC2::LocalGatewayRouteTableVPCAssociation': 'joins a VPC with a network outside',
      'AWS::EC2::VPCEndpointService': 'offers a service of this VPC to other networks',
      'AWS::EC2::VPCEndpointServicePermissions': 'offers a service of this VPC to other accounts',
      'AWS::EC2::InstanceConnectEndpoint': 'lets administrators into a VPC from outside',
      'AWS::EC2::VerifiedAccessEndpoint': 'lets users into a VPC from outside',
      'AWS::NetworkManager::VpcAttachment': 'attaches a VPC to a router between VPCs',
      'AWS::VpcLattice::Service': 'offers a service across VPCs',
      'AWS::VpcLattice::ServiceNetwork': 'joins VPCs',
      'AWS::VpcLattice::ServiceNetworkVpcAssociation': 'joins VPCs',
      'AWS::VpcLattice::ResourceGateway': 'lets other networks into a VPC',
      'AWS::VpcLattice::ResourceConfiguration': 'offers a resource of this VPC to other networks',
      'AWS::RAM::ResourceShare': 'shares subnets or gateways with other accounts',
      'AWS::EC2::SubnetCidrBlock': 'gives a subnet IPv6 addresses, which no rule of a zone is written for',
      'AWS::EC2::VPCCidrBlock': 'gives a VPC addresses that the declaration does not know',
      'AWS::Route53Resolver::ResolverEndpoint': 'joins the resolvers of two networks',
      'AWS::Route53Resolver::ResolverRule': 'sends names to another resolver',
      'AWS::Route53Resolver::ResolverRuleAssociation': 'sends names to another resolver',
      'AWS::EC2::DHCPOptions': 'may send names to another resolver, past the DNS Firewall',
      'AWS::EC2::VPCDHCPOptionsAssociation': 'may send names to another resolver, past the DNS Firewall',
      'AWS::EFS::MountTarget': 'puts a shared file system into a subnet',
    },
    remedy: 'Remove it. Zones meet in nothing but the invocation of a signer.',
  },
  {
    name: 'no-deploying-resources',
    invariant: 'I1',
    title: 'No template runs anything that changes the account while or after it is deployed.',
    types: {
      'AWS::CloudFormation::CustomResource': 'runs a function during every deploy, outside every zone',
      'Custom::*': 'runs a function during every deploy, outside every zone',
      'AWS::CloudFormation::Macro': 'rewrites templates while they are deployed',
      'AWS::CloudFormation::Stack': 'is a template that the proof does not read',
      'AWS::CloudFormation::StackSet': 'deploys to other accounts',
      'AWS::CloudFormation::Hook*': 'runs code during deploys',
      'AWS::CloudFormation::Resource*': 'runs code during deploys',
      'AWS::CloudFormation::Type*': 'runs code during deploys',
      'AWS::CloudFormation::Module*': 'is a template that the proof does not read',
      'AWS::CloudFormation::PublicTypeVersion': 'runs code during deploys',
      'AWS::CodeBuild::*': 'runs commands with a role',
      'AWS::CodePipeline::*': 'deploys',
      'AWS::CodeDeploy::*': 'deploys',
      'AWS::CodeStar*': 'deploys',
      'AWS::SSM::Association': 'runs commands',
      'AWS::SSM::Document': 'runs commands',
      'AWS::SSM::MaintenanceWindow*': 'runs commands',
      'AWS::EC2::Instance': 'is a machine in a network',
      'AWS::EC2::LaunchTemplate': 'starts machines',
      'AWS::EC2::SpotFleet': 'starts machines',
      'AWS::EC2::EC2Fleet': 'starts machines',
      'AWS::AutoScaling::*': 'starts machines',
      'AWS::ImageBuilder::*': 'starts machines',
      'AWS::Cloud9::*': 'starts machines',
      'AWS::ECS::*': 'runs containers with roles',
      'AWS::EKS::*': 'runs containers with roles',
      'AWS::Batch::*': 'runs containers with roles',
      'AWS::AppRunner::*': 'runs containers with roles',
      'AWS::ElasticBeanstalk::*': 'runs machines with roles',
      'AWS::Glue::*': 'runs jobs with a role',
      'AWS::EMR*': 'runs jobs with a role',
      'AWS::SageMaker::*': 'runs jobs with a role',
      'AWS::ServiceCatalog::*': 'deploys',
      'AWS::Config::RemediationConfiguration': 'runs documents with a role',
      'AWS::FIS::*': 'breaks things with a role',
      'AWS::Synthetics::*': 'runs code in a network',
      'AWS::Amplify::*': 'deploys',
      'AWS::Serverless::*': 'is rewritten while it is deployed',
    },
    remedy: 'Remove it, or deploy it from another app, in another account.',
  },
];

/** The rules that no template has a resource of some types: what they do for good, a zone's boundary is not written for. */
export const FORBIDDEN_TYPES: readonly TypeRule[] = TABLE.map(forbidTypes);
