/** TLS 1.2 or newer, forward secrecy in every suite. {@link https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html} */
const TLS = [
  'SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09',
  'SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09',
  'SecurityPolicy_TLS13_1_3_2025_09',
  'SecurityPolicy_TLS13_1_3_FIPS_2025_09',
].join('|');

/** An alarm may also invoke a function, of any zone. */
const ALARM = `ActionsEnabled AlarmActions[]?@SNS::Topic AlarmDescription AlarmName AlarmRule ComparisonOperator DatapointsToAlarm
  Dimensions EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic InsufficientDataActions[]?@SNS::Topic MetricName
  Metrics Namespace OKActions[]?@SNS::Topic Period Statistic Threshold ThresholdMetricId TreatMissingData Unit`;

/** The same places below a path. */
const within = (path: string, words: string) => words.replace(/\S+/g, `${path}.$&`);

/** What a firewall tells of a rule. */
const METRICS_ONLY = 'CloudWatchMetricsEnabled MetricName SampledRequestsEnabled?=false';

const document = (path: string) => `${path}.Version=2012-10-17 ${path}.Statement!`;

/**
 * What is understood of the types that the constructs yield, in the notation of {@link placesOf}: places that are of no consequence, limited to
 * values or to resources, or judged by a rule. What somebody may add of a type ({@link ADDED}) is understood here too and not repeated.
 */
export const OURS: Readonly<Record<string, string>> = {
  'EC2::VPC': 'CidrBlock! EnableDnsHostnames=true EnableDnsSupport=true InstanceTenancy=default',
  'EC2::Subnet': 'AvailabilityZone! CidrBlock! MapPublicIpOnLaunch=false VpcId@EC2::VPC',
  'EC2::RouteTable': 'VpcId@EC2::VPC',
  'EC2::SubnetRouteTableAssociation': 'RouteTableId@EC2::RouteTable SubnetId@EC2::Subnet',
  'EC2::Route': `DestinationCidrBlock! GatewayId?@EC2::InternetGateway|EC2::VPNGateway NatGatewayId?@EC2::NatGateway
    RouteTableId@EC2::RouteTable TransitGatewayId?@EC2::TransitGateway`,
  'EC2::EIP': 'Domain=vpc',
  'EC2::InternetGateway': '',
  'EC2::NatGateway': 'AllocationId@EC2::EIP SubnetId@EC2::Subnet',
  'EC2::VPCGatewayAttachment':
    'InternetGatewayId?@EC2::InternetGateway VpcId@EC2::VPC VpnGatewayId?@EC2::VPNGateway',
  'EC2::TransitGatewayAttachment':
    'SubnetIds[]@EC2::Subnet TransitGatewayId@EC2::TransitGateway VpcId@EC2::VPC',
  // exits-are-declared judges ranges and ports.
  'EC2::SecurityGroup': `GroupDescription SecurityGroupEgress[].CidrIp SecurityGroupEgress[].Description
    SecurityGroupEgress[].FromPort SecurityGroupEgress[].IpProtocol SecurityGroupEgress[].ToPort VpcId@EC2::VPC`,
  'EC2::SecurityGroupIngress': `Description FromPort=443 GroupId@EC2::SecurityGroup IpProtocol=tcp
    SourceSecurityGroupId@EC2::SecurityGroup ToPort=443`,
  'EC2::SecurityGroupEgress': `Description DestinationSecurityGroupId@EC2::SecurityGroup FromPort=443
    GroupId@EC2::SecurityGroup IpProtocol=tcp ToPort=443`,
  'EC2::VPCEndpoint': `${document('PolicyDocument')} PrivateDnsEnabled?=true RouteTableIds[]?@EC2::RouteTable
    SecurityGroupIds[]?@EC2::SecurityGroup ServiceName! SubnetIds[]?@EC2::Subnet VpcEndpointType=Interface|Gateway
    VpcId@EC2::VPC`,
  'EC2::FlowLog': `DeliverLogsPermissionArn@IAM::Role LogDestinationType=cloud-watch-logs LogGroupName@Logs::LogGroup
    ResourceId@EC2::VPC ResourceType=VPC TrafficType=ALL`,
  'Route53Resolver::FirewallDomainList': 'Domains[]',
  'Route53Resolver::FirewallRuleGroup': `FirewallRules[].Action=ALLOW|BLOCK FirewallRules[].BlockResponse?=NXDOMAIN
    FirewallRules[].FirewallDomainListId@Route53Resolver::FirewallDomainList
    FirewallRules[].FirewallDomainRedirectionAction?=TRUST_REDIRECTION_DOMAIN FirewallRules[].Priority!`,
  'Route53Resolver::FirewallRuleGroupAssociation': `FirewallRuleGroupId@Route53Resolver::FirewallRuleGroup Priority!
    VpcId@EC2::VPC`,
  'KMS::Key': `Description EnableKeyRotation=true ${document('KeyPolicy')}`,
  'SecretsManager::Secret': 'Description GenerateSecretString* KmsKeyId@KMS::Key Name SecretString',
  'SecretsManager::RotationSchedule': `RotateImmediatelyOnUpdate=false RotationLambdaARN@Lambda::Function
    RotationRules.ScheduleExpression! SecretId@@SecretsManager::Secret`,
  // actions-are-known reads what AWS's own policies allow.
  'IAM::Role': `${document('AssumeRolePolicyDocument')} Description
    ManagedPolicyArns[]?=arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess PermissionsBoundary@IAM::ManagedPolicy
    ${document('Policies[].PolicyDocument')} Policies[].PolicyName! RoleName`,
  'IAM::ManagedPolicy': `Description ManagedPolicyName! Path=/ ${document('PolicyDocument')} Roles[]?@IAM::Role`,
  'IAM::Policy': `PolicyName ${document('PolicyDocument')} Roles[]@IAM::Role`,
  'Logs::LogGroup': 'KmsKeyId@KMS::Key LogGroupName RetentionInDays!',
  // logs-are-kept judges what is sent, and where to.
  'Logs::SubscriptionFilter': 'DestinationArn! FilterPattern LogGroupName@Logs::LogGroup',
  'Lambda::Function': `Architectures[]=arm64|x86_64 Code.S3Bucket! Code.S3Key! Description Environment.Variables.*
    Environment.Variables.NODE_OPTIONS?=--enable-source-maps
    FunctionName! Handler! LoggingConfig.LogFormat=Text LoggingConfig.LogGroup@Logs::LogGroup MemorySize
    ReservedConcurrentExecutions Role@IAM::Role Runtime! Timeout TracingConfig.Mode
    VpcConfig.SecurityGroupIds[]@EC2::SecurityGroup VpcConfig.SubnetIds[]@EC2::Subnet`,
  'Lambda::Permission': 'Action! FunctionName! Principal! SourceAccount SourceArn',
  'Lambda::ResourcePolicy': `${document('PolicyDocument')} ResourceArn@@Lambda::Function`,
  'Lambda::EventSourceMapping': `BatchSize EventSourceArn@SQS::Queue FunctionName@Lambda::Function
    FunctionResponseTypes[]=ReportBatchItemFailures ScalingConfig.MaximumConcurrency!`,
  'SNS::Topic': 'DisplayName KmsMasterKeyId@KMS::Key',
  'SNS::TopicPolicy': `${document('PolicyDocument')} Topics[]@SNS::Topic`,
  'SNS::Subscription': 'Endpoint Protocol=email|email-json|sms|https TopicArn@SNS::Topic',
  'CloudWatch::Alarm': 'ActionsEnabled?=true AlarmDescription AlarmName Dimensions[].Name Dimensions[].Value',
  'CloudWatch::Dashboard': 'DashboardBody DashboardName',
  'Logs::QueryDefinition': 'LogGroupNames[]@@Logs::LogGroup Name QueryString',
  'DynamoDB::Table': `AttributeDefinitions[].AttributeName AttributeDefinitions[].AttributeType BillingMode?=PAY_PER_REQUEST
    KeySchema[].AttributeName KeySchema[].KeyType SSESpecification.KMSMasterKeyId@KMS::Key SSESpecification.SSEEnabled?=true
    SSESpecification.SSEType?=KMS TableName TimeToLiveSpecification.AttributeName TimeToLiveSpecification.Enabled`,
  'SQS::Queue': `KmsMasterKeyId?@KMS::Key MessageRetentionPeriod QueueName RedrivePolicy.deadLetterTargetArn?@SQS::Queue
    RedrivePolicy.maxReceiveCount SqsManagedSseEnabled?=true VisibilityTimeout`,
  'SQS::QueuePolicy': `${document('PolicyDocument')} Queues[]@SQS::Queue`,
  'Events::EventBus': 'DeadLetterConfig.Arn@SQS::Queue Description KmsKeyIdentifier@KMS::Key Name!',
  'Events::Rule': `Description EventBusName?@Events::EventBus EventPattern.detail* EventPattern.detail-type[]
    EventPattern.source[] Name ScheduleExpression Targets[].Arn@Lambda::Function|SQS::Queue
    Targets[].DeadLetterConfig.Arn?@SQS::Queue Targets[].Id Targets[].RetryPolicy.*`,
  'ApiGateway::Account': 'CloudWatchRoleArn@IAM::Role',
  // routes-are-authorized takes a policy that only denies.
  'ApiGateway::RestApi': `BinaryMediaTypes[]?=*/* EndpointAccessMode=BASIC|STRICT EndpointConfiguration.Types[]=REGIONAL Name!
    Policy* SecurityPolicy=${TLS}`,
  'ApiGateway::Authorizer': `AuthorizerResultTtlInSeconds=0 AuthorizerUri! IdentitySource=method.request.header.Authorization
    Name RestApiId@ApiGateway::RestApi Type=REQUEST`,
  'ApiGateway::Deployment': 'Description RestApiId@ApiGateway::RestApi',
  'ApiGateway::Stage': `AccessLogSetting.DestinationArn@Logs::LogGroup AccessLogSetting.Format!
    DeploymentId@ApiGateway::Deployment MethodSettings[].DataTraceEnabled=false MethodSettings[].HttpMethod=*
    MethodSettings[].LoggingLevel?=ERROR|OFF MethodSettings[].MetricsEnabled MethodSettings[].ResourcePath=/*
    MethodSettings[].ThrottlingBurstLimit MethodSettings[].ThrottlingRateLimit! RestApiId@ApiGateway::RestApi StageName!
    TracingEnabled?=false`,
  'ApiGateway::Resource':
    'ParentId@ApiGateway::Resource|ApiGateway::RestApi PathPart! RestApiId@ApiGateway::RestApi',
  // Without a proxy integration's body, mapping templates are constants.
  'ApiGateway::Method': `AuthorizationType! AuthorizerId?@ApiGateway::Authorizer HttpMethod!
    Integration.IntegrationHttpMethod?=POST Integration.IntegrationResponses* Integration.PassthroughBehavior
    Integration.RequestTemplates* Integration.ResponseTransferMode?=STREAM|BUFFERED Integration.TimeoutInMillis
    Integration.Type=AWS_PROXY|MOCK Integration.Uri MethodResponses* RequestParameters.method.request.path.*
    RequestValidatorId?@ApiGateway::RequestValidator ResourceId@ApiGateway::Resource|ApiGateway::RestApi
    RestApiId@ApiGateway::RestApi`,
  'ApiGateway::GatewayResponse':
    'ResponseParameters.gatewayresponse.header.* ResponseTemplates.application/json ResponseType! RestApiId@ApiGateway::RestApi StatusCode',
  'ApiGateway::RequestValidator': `Name RestApiId@ApiGateway::RestApi ValidateRequestBody=true
    ValidateRequestParameters=true`,
};

/** What is understood of the types that people add to a system, in the same notation; functions, roles, networks and entries come by declaration alone. */
export const ADDED: Readonly<Record<string, string>> = {
  'DynamoDB::Table': `AttributeDefinitions BillingMode ContributorInsightsSpecification DeletionProtectionEnabled GlobalSecondaryIndexes
    KeySchema LocalSecondaryIndexes OnDemandThroughput PointInTimeRecoverySpecification ProvisionedThroughput
    SSESpecification.KMSMasterKeyId@KMS::Key SSESpecification.SSEEnabled?=true SSESpecification.SSEType?=KMS TableClass TableName
    TimeToLiveSpecification WarmThroughput`,
  // Whether it has a key data-is-encrypted judges. Dead letters SQS itself moves, past what the policy of their queue denies.
  'SQS::Queue': `ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit KmsDataKeyReusePeriodSeconds
    KmsMasterKeyId?@KMS::Key MaximumMessageSize MessageRetentionPeriod QueueName ReceiveMessageWaitTimeSeconds
    RedriveAllowPolicy.redrivePermission RedriveAllowPolicy.sourceQueueArns[]?@SQS::Queue
    RedrivePolicy.deadLetterTargetArn?@+SQS::Queue RedrivePolicy.maxReceiveCount SqsManagedSseEnabled VisibilityTimeout`,
  // The policies of what is added itself; outsiders-are-not-admitted and own-data-only judge what they say.
  'SQS::QueuePolicy': 'PolicyDocument Queues[]@+SQS::Queue',
  'S3::BucketPolicy': 'PolicyDocument Bucket@+S3::Bucket',
  'SNS::TopicPolicy': 'PolicyDocument Topics[]@+SNS::Topic',
  'S3::Bucket': `${within('BucketEncryption.ServerSideEncryptionConfiguration[]', 'BlockedEncryptionTypes.* BucketKeyEnabled')}
    ${within('BucketEncryption.ServerSideEncryptionConfiguration[].ServerSideEncryptionByDefault', 'KMSMasterKeyID?@KMS::Key SSEAlgorithm')}
    BucketName IntelligentTieringConfigurations LifecycleConfiguration MetricsConfigurations
    ObjectLockConfiguration ObjectLockEnabled OwnershipControls PublicAccessBlockConfiguration.*?=true VersioningConfiguration`,
  // Without SecretString, which everybody who sees the template would read.
  'SecretsManager::Secret': 'Description GenerateSecretString KmsKeyId@KMS::Key Name',
  'SNS::Topic':
    'ContentBasedDeduplication DisplayName FifoTopic KmsMasterKeyId@KMS::Key SignatureVersion TopicName TracingConfig',
  // Notices go to people, and to no function or queue.
  'SNS::Subscription':
    'Endpoint FilterPolicy FilterPolicyScope Protocol=email|email-json|sms TopicArn?@SNS::Topic',
  // Without a policy it has one that lets the account in.
  'KMS::Key': `Description EnableKeyRotation Enabled KeyPolicy.Id KeyPolicy.Statement! KeyPolicy.Version KeySpec?=SYMMETRIC_DEFAULT KeyUsage?=ENCRYPT_DECRYPT
    PendingWindowInDays RotationPeriodInDays`,
  'KMS::Alias': 'AliasName TargetKeyId@KMS::Key',
  // Every rule about who may do what judges what they allow; see also LIMITS of additions.ts.
  'IAM::Policy': 'PolicyDocument PolicyName Roles',
  'IAM::ManagedPolicy': 'Description ManagedPolicyName Path PolicyDocument Roles',
  'Logs::LogGroup': 'DeletionProtectionEnabled KmsKeyId@KMS::Key LogGroupClass LogGroupName RetentionInDays!',
  // Without dimensions, which it would take from the lines.
  'Logs::MetricFilter': `FilterName FilterPattern LogGroupName?@Logs::LogGroup MetricTransformations[].DefaultValue
    MetricTransformations[].MetricName MetricTransformations[].MetricNamespace MetricTransformations[].MetricValue
    MetricTransformations[].Unit`,
  'Logs::QueryDefinition': 'LogGroupNames Name QueryLanguage QueryString',
  'CloudWatch::Alarm': ALARM,
  'CloudWatch::CompositeAlarm': ALARM,
  'CloudWatch::Dashboard': 'DashboardBody DashboardName',
  'SSM::Parameter': 'AllowedPattern DataType Description Name Policies Tier Type Value',
  'CertificateManager::Certificate': `CertificateTransparencyLoggingPreference DomainName DomainValidationOptions KeyAlgorithm
    SubjectAlternativeNames ValidationMethod`,
  'Route53::RecordSet': `AliasTarget Comment Failover HealthCheckId HostedZoneId HostedZoneName Name Region ResourceRecords SetIdentifier TTL
    Type Weight`,
  'ApiGateway::DomainName': `CertificateArn DomainName EndpointAccessMode EndpointConfiguration RegionalCertificateArn
    SecurityPolicy=${TLS}`,
  // All that a host has mapped gets the session's cookie.
  'ApiGateway::BasePathMapping':
    'BasePath DomainName@ApiGateway::DomainName RestApiId?@ApiGateway::RestApi Stage',
  // The answer to a preflight (CORS), which routes-are-authorized takes.
  'ApiGateway::Method': `ApiKeyRequired AuthorizationType HttpMethod=OPTIONS Integration Integration.Type=MOCK MethodResponses OperationName
    RequestModels RequestParameters RequestValidatorId ResourceId@ApiGateway::Resource|ApiGateway::RestApi RestApiId?@ApiGateway::RestApi`,
  // One that lets nothing through. Endpoints of many other services take no policy.
  'EC2::VPCEndpoint':
    'PolicyDocument RouteTableIds[]?@EC2::RouteTable ServiceName VpcEndpointType=Gateway VpcId?@EC2::VPC',
  // It blocks, counts or lets through, answers nothing of its own, and keeps no samples, which hold headers and with them tokens.
  // What narrows a statement down has no action: AWS nests no group of rules.
  'WAFv2::WebACL': `DefaultAction.Allow?= DefaultAction.Block?= Description Name Rules[].Action.Allow?= Rules[].Action.Block?=
    Rules[].Action.Count?= Rules[].Name Rules[].OverrideAction.Count?= Rules[].OverrideAction.None?= Rules[].Priority
    Rules[].RuleLabels[].Name Rules[].Statement.GeoMatchStatement.* Rules[].Statement.IPSetReferenceStatement.*
    ${within('Rules[].Statement.ManagedRuleGroupStatement', 'Name RuleActionOverrides[].Name ScopeDownStatement.* VendorName?=AWS Version')}
    ${within('Rules[].Statement.ManagedRuleGroupStatement.RuleActionOverrides[].ActionToUse', 'Allow?= Block?= Count?=')}
    ${within('Rules[].Statement.RateBasedStatement', 'AggregateKeyType EvaluationWindowSec Limit ScopeDownStatement.*')}
    ${within('Rules[].VisibilityConfig', METRICS_ONLY)} Scope
    ${within('VisibilityConfig', METRICS_ONLY.replace('?', ''))}`,
  'WAFv2::WebACLAssociation': 'WebACLArn@WAFv2::WebACL ResourceArn',
  'CDK::Metadata': 'Analytics',
};

/** What some types do that nobody would guess from their names. Every other one is no less a finding. */
const DOES: Readonly<Record<string, string>> = {
  'AWS::BedrockAgentCore::OAuth2CredentialProvider':
    'it keeps an OAuth client’s secret, or has its assertions signed, past the signers',
  'AWS::EC2::VPCBlockPublicAccessExclusion': 'it takes a network out of the account’s Block Public Access',
  'AWS::EC2::VPCBlockPublicAccessOptions':
    'it decides for every VPC of the account, until its stack is deleted',
  'AWS::Lambda::CapacityProvider':
    'it runs functions on managed instances, where one process serves several requests at a time',
  'AWS::Lambda::MicrovmImage': 'it is a MicroVM, which runs what the proof does not read, for hours',
  'AWS::Lambda::NetworkConnector':
    'it is a network connector, which joins what Lambda runs elsewhere with a VPC',
  'AWS::Lambda::WebFunctionEndpoint':
    'it is a web function, which answers the internet past every declared route',
};

/** What is wrong with a resource of a type that nothing reads. */
export function notUnderstood(type: string): string {
  return `is a ${type}: ${DOES[type] ?? 'what it does is not understood; it may carry permissions, run code or lead somewhere'}`;
}
