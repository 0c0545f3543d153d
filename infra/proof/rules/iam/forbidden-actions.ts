import { actionsOf, type CapabilityRule, capabilityRule } from '../capability.ts';
import type { Capability } from '../judge.ts';
import { everyOf } from '../targets.ts';

/** A rule that nobody may do some things; the actions by service, as {@link actionsOf} takes them. */
interface ForbiddenActions extends Omit<Capability, 'actions' | 'allows' | 'who'> {
  actions: Readonly<Record<string, string>>;
}

/** One table: to read it is to read names of IAM actions. */
const TABLE: readonly ForbiddenActions[] = [
  {
    name: 'entries-are-not-changed',
    invariant: 'I2',
    title:
      'Nobody changes rules, targets, schedules, queues, topics, tables or APIs: what leads into a zone.',
    actions: {
      events: `
        ActivateEventSource CreateApiDestination CreateConnection CreateEndpoint CreateEventBus DeleteRule
        DisableRule EnableRule PutPermission PutRule PutTargets RemovePermission RemoveTargets StartReplay
        UpdateApiDestination UpdateConnection UpdateEventBus
      `,
      pipes: 'CreatePipe UpdatePipe',
      scheduler: 'CreateSchedule CreateScheduleGroup UpdateSchedule',
      sqs: 'AddPermission CreateQueue DeleteQueue RemovePermission SetQueueAttributes StartMessageMoveTask',
      sns: 'AddPermission CreateTopic DeleteTopic RemovePermission SetTopicAttributes Subscribe Unsubscribe',
      dynamodb: `
        CreateGlobalTable CreateTable CreateTableReplica DeleteResourcePolicy DeleteTable
        EnableKinesisStreamingDestination ExportTableToPointInTime GetRecords PutResourcePolicy
        RestoreTableFromBackup UpdateKinesisStreamingDestination UpdateTable UpdateTimeToLive
      `,
      kinesis: 'PutResourcePolicy',
      firehose: 'CreateDeliveryStream UpdateDestination',
      apigateway: 'DELETE PATCH POST PUT SetWebACL UpdateRestApiPolicy',
      'execute-api': 'InvalidateCache Invoke ManageConnections',
      wafv2: 'DisassociateWebACL UpdateWebACL',
    },
    remedy: 'Remove it. Entries change by a deploy only.',
  },
  {
    name: 'identities-are-not-changed',
    invariant: 'I1',
    title: 'Nobody passes a role, or changes a role, policy, boundary, user or provider of identities.',
    actions: {
      iam: `
        AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile AddUserToGroup AttachGroupPolicy
        AttachRolePolicy AttachUserPolicy ChangePassword CreateAccessKey CreateGroup CreateInstanceProfile
        CreateLoginProfile CreateOpenIDConnectProvider CreatePolicy CreatePolicyVersion CreateRole
        CreateSAMLProvider CreateServiceLinkedRole CreateServiceSpecificCredential CreateUser
        CreateVirtualMFADevice DeactivateMFADevice DeletePolicy DeletePolicyVersion DeleteRole
        DeleteRolePermissionsBoundary DeleteRolePolicy DeleteUserPermissionsBoundary DetachRolePolicy
        EnableMFADevice PassRole PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy
        PutUserPermissionsBoundary PutUserPolicy RemoveRoleFromInstanceProfile
        ResetServiceSpecificCredential ResyncMFADevice SetDefaultPolicyVersion TagRole TagUser UntagRole
        UpdateAccessKey UpdateAccountPasswordPolicy UpdateAssumeRolePolicy UpdateLoginProfile
        UpdateOpenIDConnectProviderThumbprint UpdateRole UpdateRoleDescription UpdateSAMLProvider UpdateUser
        UploadSSHPublicKey UploadSigningCertificate
      `,
      organizations: `
        AttachPolicy CreatePolicy DeletePolicy DetachPolicy DisablePolicyType LeaveOrganization UpdatePolicy
      `,
      rolesanywhere: 'CreateProfile CreateTrustAnchor UpdateProfile UpdateTrustAnchor',
      sso: 'CreateAccountAssignment PutInlinePolicyToPermissionSet',
    },
    remedy: 'Remove it. Identities change by a deploy only.',
  },
  {
    name: 'nobody-deploys',
    invariant: 'I1',
    title: 'No role deploys, writes what a deploy reads, or runs commands elsewhere.',
    actions: {
      cloudformation: `
        CancelUpdateStack ContinueUpdateRollback CreateChangeSet CreateResource CreateStack
        CreateStackInstances CreateStackSet DeleteChangeSet DeleteResource DeleteStack ExecuteChangeSet
        ExecuteStackRefactor ImportStacksToStackSet RegisterType RollbackStack SetStackPolicy
        SetTypeConfiguration UpdateResource UpdateStack UpdateStackSet UpdateTerminationProtection
      `,
      s3: 'DeleteObject PutBucketPolicy PutObject PutObjectAcl ReplicateObject',
      ecr: 'PutImage SetRepositoryPolicy',
      ssm: `
        CreateAssociation CreateDocument DeleteParameter PutParameter SendCommand StartAutomationExecution
        StartSession UpdateDocument
      `,
      codebuild: 'CreateProject StartBuild UpdateProject',
      codepipeline: 'PutJobSuccessResult StartPipelineExecution UpdatePipeline',
      codedeploy: 'CreateDeployment',
      states: 'CreateStateMachine StartExecution UpdateStateMachine',
      ecs: 'ExecuteCommand RegisterTaskDefinition RunTask UpdateService',
      glue: 'CreateDevEndpoint CreateJob',
      sagemaker: 'CreateNotebookInstance CreatePresignedNotebookInstanceUrl',
      cloud9: 'CreateEnvironmentEC2',
      batch: 'SubmitJob',
      servicecatalog: 'ProvisionProduct',
      config: 'PutConfigRule PutRemediationConfigurations',
      imagebuilder: 'CreateComponent',
    },
    remedy: 'Remove it. Whoever deploys is an administrator, and no function is one.',
  },
  {
    name: 'roles-are-not-assumed',
    invariant: 'I1',
    title:
      'No role assumes another one: not a signer’s, not an administrator’s, not the CDK’s bootstrap roles.',
    actions: {
      sts: `
        AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot GetFederationToken
        GetSessionToken SetContext SetSourceIdentity TagSession
      `,
    },
    on: () => [everyOf('iam')],
    remedy: 'Remove it. A function acts with the role that Lambda gives it and with no other.',
  },
  {
    name: 'keys-are-not-captured',
    invariant: 'I1',
    title: 'No role can re-policy, grant, delete, import, replicate or rename a key, or have key pairs made.',
    actions: {
      kms: `
        CancelKeyDeletion ConnectCustomKeyStore CreateAlias CreateCustomKeyStore CreateGrant DeleteAlias
        DeleteCustomKeyStore DeleteImportedKeyMaterial DeriveSharedSecret DisableKeyRotation
        DisconnectCustomKeyStore GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateMac
        GetParametersForImport ImportKeyMaterial PutKeyPolicy ReplicateKey RetireGrant RevokeGrant
        RotateKeyOnDemand ScheduleKeyDeletion SynchronizeMultiRegionKey UntagResource UpdateAlias
        UpdateCustomKeyStore UpdateKeyDescription UpdatePrimaryRegion
      `,
    },
    by: ({ client }) => [
      'identity policy',
      'permissions boundary',
      ...(client === undefined ? [] : (['endpoint policy'] as const)),
    ],
    remedy: 'Remove it. What needs it is an administrator’s act, with an administrator’s credentials.',
  },
  {
    name: 'functions-are-not-changed',
    invariant: 'I3',
    title: 'Nobody changes a function’s code, configuration, permissions, layers, concurrency or triggers.',
    actions: {
      lambda: `
        AddLayerVersionPermission AddPermission CreateAlias CreateCodeSigningConfig CreateEventSourceMapping
        CreateFunction CreateFunctionUrlConfig DeleteAlias DeleteCodeSigningConfig DeleteEventSourceMapping
        DeleteFunction DeleteFunctionCodeSigningConfig DeleteFunctionConcurrency
        DeleteFunctionEventInvokeConfig DeleteFunctionUrlConfig DeleteLayerVersion
        DeleteProvisionedConcurrencyConfig DisableReplication EnableReplication GetFunction
        GetFunctionConfiguration PublishLayerVersion PublishVersion PutFunctionCodeSigningConfig
        PutFunctionConcurrency PutFunctionEventInvokeConfig PutFunctionRecursionConfig
        PutFunctionScalingConfig PutProvisionedConcurrencyConfig PutRuntimeManagementConfig
        RemoveLayerVersionPermission RemovePermission TagResource UntagResource UpdateAlias
        UpdateCodeSigningConfig UpdateEventSourceMapping UpdateFunctionCode UpdateFunctionCodeSigningConfig
        UpdateFunctionConfiguration UpdateFunctionEventInvokeConfig UpdateFunctionUrlConfig
      `,
      signer: 'AddProfilePermission PutSigningProfile',
    },
    remedy: 'Remove it. Functions change by a deploy only.',
  },
  {
    name: 'logs-are-not-tapped',
    invariant: 'I7',
    title: 'Nobody redirects, exports, unencrypts or shortens logs, or stops the audit of AWS calls.',
    actions: {
      logs: `
        AssociateKmsKey AssociateSourceToS3TableIntegration CreateDelivery CreateExportTask
        CreateLogAnomalyDetector DeleteAccountPolicy DeleteDataProtectionPolicy DeleteDelivery
        DeleteDestination DeleteLogGroup DeleteLogStream DeleteResourcePolicy DeleteRetentionPolicy
        DeleteSubscriptionFilter DisassociateKmsKey Link PutAccountPolicy PutDataProtectionPolicy
        PutDeliveryDestination PutDeliveryDestinationPolicy PutDeliverySource PutDestination
        PutDestinationPolicy PutResourcePolicy PutRetentionPolicy PutSubscriptionFilter PutTransformer
        UpdateDeliveryConfiguration
      `,
      cloudtrail: `
        DeleteEventDataStore DeleteTrail PutEventSelectors PutResourcePolicy StopEventDataStoreIngestion
        StopLogging UpdateEventDataStore UpdateTrail
      `,
      cloudwatch: 'DeleteAlarms DisableAlarmActions PutMetricAlarm PutMetricStream SetAlarmState',
      xray: 'PutEncryptionConfig PutResourcePolicy',
      oam: 'CreateLink CreateSink PutSinkPolicy',
      config: 'DeleteConfigurationRecorder StopConfigurationRecorder',
      guardduty: 'DeleteDetector UpdateDetector',
      securityhub: 'DisableSecurityHub',
    },
    remedy: 'Remove it. Logs change by a deploy only, and are read by people.',
  },
  {
    name: 'networks-are-not-changed',
    invariant: 'I4',
    title:
      'Nobody changes endpoints, routes, security groups, firewalls or anything else that decides who reaches what.',
    actions: {
      ec2: `
        AcceptTransitGatewayVpcAttachment AcceptVpcEndpointConnections AcceptVpcPeeringConnection
        AllocateAddress AssociateAddress AssociateDhcpOptions AssociateRouteTable AssociateSubnetCidrBlock
        AssociateVpcCidrBlock AttachInternetGateway AttachNetworkInterface AttachVpnGateway
        AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateClientVpnEndpoint CreateDhcpOptions
        CreateEgressOnlyInternetGateway CreateInstanceConnectEndpoint CreateInternetGateway
        CreateManagedPrefixList CreateNatGateway CreateNetworkAclEntry CreateNetworkInterfacePermission
        CreateRoute CreateRouteTable CreateSecurityGroup CreateSubnet CreateTrafficMirrorSession
        CreateTrafficMirrorTarget CreateTransitGateway CreateTransitGatewayRoute
        CreateTransitGatewayVpcAttachment CreateVpc CreateVpcEndpoint CreateVpcEndpointServiceConfiguration
        CreateVpcPeeringConnection CreateVpnConnection CreateVpnGateway DeleteFlowLogs DeleteNetworkAclEntry
        DeleteRoute DeleteVpcEndpoints DisassociateRouteTable EnableTransitGatewayRouteTablePropagation
        EnableVgwRoutePropagation ModifyInstanceAttribute ModifyManagedPrefixList
        ModifyNetworkInterfaceAttribute ModifySecurityGroupRules ModifySubnetAttribute ModifyVpcAttribute
        ModifyVpcEndpoint ModifyVpcEndpointServicePermissions ModifyVpcPeeringConnectionOptions
        ReplaceNetworkAclAssociation ReplaceNetworkAclEntry ReplaceRoute ReplaceRouteTableAssociation
        RevokeSecurityGroupEgress RevokeSecurityGroupIngress RunInstances
      `,
      route53resolver: `
        AssociateFirewallRuleGroup AssociateResolverRule CreateFirewallDomainList CreateFirewallRule
        CreateResolverEndpoint CreateResolverRule DeleteFirewallRule DeleteFirewallRuleGroup
        DisassociateFirewallRuleGroup ImportFirewallDomains PutFirewallRuleGroupPolicy PutResolverRulePolicy
        UpdateFirewallConfig UpdateFirewallDomains UpdateFirewallRule UpdateFirewallRuleGroupAssociation
        UpdateResolverConfig UpdateResolverRule
      `,
      route53: `
        AssociateVPCWithHostedZone ChangeResourceRecordSets CreateHostedZone
        CreateVPCAssociationAuthorization
      `,
      'network-firewall': 'AssociateFirewallPolicy DeleteFirewallPolicy UpdateFirewallPolicy UpdateRuleGroup',
      'vpc-lattice': `
        CreateResourceConfiguration CreateResourceGateway CreateServiceNetworkVpcAssociation PutAuthPolicy
        PutResourcePolicy
      `,
      ram: 'AcceptResourceShareInvitation AssociateResourceShare CreateResourceShare',
      elasticfilesystem: 'ClientMount CreateMountTarget',
      globalaccelerator: 'CreateAccelerator CreateEndpointGroup',
      directconnect: 'CreatePrivateVirtualInterface',
    },
    remedy: 'Remove it. Networks change by a deploy only.',
  },
];

/** The rules that nobody in the system may do what would take a boundary away: by IAM, each held by two layers. */
export const FORBIDDEN_ACTIONS: readonly CapabilityRule[] = TABLE.map(({ actions, ...rule }) =>
  capabilityRule({ ...rule, actions: actionsOf(actions) }),
);
