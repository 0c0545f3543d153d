import { CfnOutput, Fn, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Alarms } from '../constructs/alarms.ts';
import { SIGNING_ZONE, ZONE_TAG, ZONE_TAGGED } from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';

/**
 * What shapes templates. Here and not in cdk.json, and set on each stack: so an app built in-process, and an application that the system
 * is added to, synthesize the same ones.
 */
export const TEMPLATE_CONTEXT: Readonly<Record<string, unknown>> = {
  // An export that another stack uses can't be taken back, so no client could ever leave (docs/decisions/references.md).
  '@aws-cdk/core:defaultCrossStackReferences': 'weak',
  // What the check of templates finds is an error, not a warning.
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  '@aws-cdk/core:checkSecretUsage': true,
  '@aws-cdk/aws-iam:minimizePolicies': true,
  '@aws-cdk/core:target-partitions': ['aws'],
  // The CDK command line sets it, and the id of an API's deployment is a hash of that too: else in-process ones would differ from what
  // is deployed.
  'aws:cdk:enable-path-metadata': true,
};

/** Makes a new stack's templates the same whatever application it is in: nothing of that one's context, nothing added to count uses. */
export function shapeTemplate(stack: Stack): void {
  for (const [key, value] of Object.entries(TEMPLATE_CONTEXT)) stack.node.setContext(key, value);
}

/** What every stack of a system is made from. */
export interface SystemProps extends StackProps {
  system: SystemDeclaration;
}

/** What a zone's stack is made from. */
export interface SystemStackProps extends SystemProps {
  /** The zone that it is, for {@link ZONE_TAG}. */
  zone: string;
}

/**
 * A stack that takes the first availability zones of whatever region it is deployed to. CDK would look them up in the account
 * when account and region are given, so that a synth needed credentials.
 */
export class SystemStack extends Stack {
  private readonly zoneCount: number;

  constructor(scope: Construct, id: string, { system, zone, ...props }: SystemStackProps) {
    super(scope, id, { analyticsReporting: false, stackName: id, ...props });
    shapeTemplate(this);
    const declared = zone === SIGNING_ZONE ? system.signing : system.zones[zone];
    this.zoneCount = declared?.availabilityZones ?? system.availabilityZones;
    Tags.of(this).add(ZONE_TAG, zone, { includeResourceTypes: ZONE_TAGGED });
  }

  protected say(id: string, value: string, description: string): void {
    new CfnOutput(this, id, { value, description });
  }

  protected sayTopic({ topic }: Alarms): void {
    const what = 'Subscribe who is to be called: docs/operating.md has a row for each alarm.';
    this.say('AlarmTopic', topic.topicArn, what);
  }

  override get availabilityZones(): string[] {
    return Array.from({ length: this.zoneCount }, (_, index) => Fn.select(index, Fn.getAzs()));
  }
}
