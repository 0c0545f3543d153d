import { Fn, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** What a stack of the system is made with. */
export interface SystemStackProps extends StackProps {
  /** How many availability zones its VPC spans. */
  zones: number;
}

/**
 * A stack that takes the first availability zones of whatever region it is deployed to. CDK would look them up in the account
 * when account and region are given, so that a synth needed credentials.
 */
export class SystemStack extends Stack {
  private readonly zones: number;

  constructor(scope: Construct, id: string, { zones, ...props }: SystemStackProps) {
    super(scope, id, props);
    this.zones = zones;
  }

  override get availabilityZones(): string[] {
    return Array.from({ length: this.zones }, (_, index) => Fn.select(index, Fn.getAzs()));
  }
}
