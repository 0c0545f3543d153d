import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnFlowLog } from 'aws-cdk-lib/aws-ec2';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { allowFlowLog } from './statements.ts';
import type { ZoneRuntime } from './zone-function.ts';

/** Records every connection of a zone's VPC: the one trace of a connection to an address that no name was asked for. */
export class FlowLog extends Construct {
  constructor(scope: Construct, id: string, { network, boundary, key, logPrefix }: ZoneRuntime) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `${logPrefix}/flow`,
      retention: RetentionDays.THREE_MONTHS,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', {
      description: 'Writes the flow log of this VPC.',
      assumedBy: new ServicePrincipal('vpc-flow-logs.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: { 'aws:SourceArn': `arn:aws:ec2:${region}:${account}:vpc-flow-log/*` },
        },
      }),
      permissionsBoundary: boundary,
      inlinePolicies: { own: new PolicyDocument({ statements: [allowFlowLog(logGroup.logGroupArn)] }) },
    });
    new CfnFlowLog(this, 'Log', {
      resourceType: 'VPC',
      resourceId: network.vpc.vpcId,
      trafficType: 'ALL',
      logDestinationType: 'cloud-watch-logs',
      logGroupName: logGroup.logGroupName,
      deliverLogsPermissionArn: role.roleArn,
    });
  }
}
