import { RemovalPolicy } from 'aws-cdk-lib';
import { CfnFlowLog } from 'aws-cdk-lib/aws-ec2';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { allowFlowLog } from './statements.ts';
import type { ZoneRuntime } from './zone-function.ts';

/** Records every connection of a zone's VPC: the one trace of a connection to an address that no name was asked for. */
export function addFlowLog(stack: Construct, { place, network, boundary, key, logPrefix }: ZoneRuntime) {
  const scope = new Construct(stack, 'FlowLog');
  const logGroup = new LogGroup(scope, 'Logs', {
    logGroupName: `${logPrefix}/flow`,
    retention: RetentionDays.THREE_MONTHS,
    encryptionKey: key,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(scope, 'Role', {
    description: 'Writes the flow log of this VPC.',
    assumedBy: new ServicePrincipal('vpc-flow-logs.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': place.account },
        ArnLike: { 'aws:SourceArn': `arn:aws:ec2:${place.region}:${place.account}:vpc-flow-log/*` },
      },
    }),
    permissionsBoundary: boundary,
    inlinePolicies: { own: new PolicyDocument({ statements: [allowFlowLog(logGroup.logGroupArn)] }) },
  });
  new CfnFlowLog(scope, 'Log', {
    resourceType: 'VPC',
    resourceId: network.vpc.vpcId,
    trafficType: 'ALL',
    logDestinationType: 'cloud-watch-logs',
    logGroupName: logGroup.logGroupName,
    deliverLogsPermissionArn: role.roleArn,
  });
}
