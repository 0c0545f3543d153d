import { CfnOutput, Fn, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Alarms } from '../constructs/alarms.ts';
import type { Place } from '../constructs/arns.ts';
import { SIGNING_ZONE, ZONE_TAG, ZONE_TAGGED } from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';

/** What every stack of a system is made from. */
export interface SystemProps extends StackProps {
  system: SystemDeclaration;
  place: Place;
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

  constructor(scope: Construct, id: string, { system, zone, place: _, ...props }: SystemStackProps) {
    super(scope, id, props);
    const declared = zone === SIGNING_ZONE ? system.signing : system.zones[zone];
    this.zoneCount = declared?.availabilityZones ?? system.availabilityZones;
    Tags.of(this).add(ZONE_TAG, zone, { includeResourceTypes: ZONE_TAGGED });
  }

  protected say(id: string, value: string, description: string): void {
    new CfnOutput(this, id, { value, description });
  }

  protected sayTopic({ topic }: Alarms): void {
    this.say(
      'AlarmTopic',
      topic.topicArn,
      'Subscribe who is to be called: docs/operating.md has a row for each alarm.',
    );
  }

  override get availabilityZones(): string[] {
    return Array.from({ length: this.zoneCount }, (_, index) => Fn.select(index, Fn.getAzs()));
  }
}
