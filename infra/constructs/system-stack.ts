import { Fn, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ZONE_TAG } from '../declaration/names.ts';

/** The types of resources that a zone is known by. */
const TAGGED = [
  'AWS::DynamoDB::Table',
  'AWS::EC2::VPC',
  'AWS::IAM::Role',
  'AWS::KMS::Key',
  'AWS::Lambda::Function',
];

/** What a stack of the system is made with. */
export interface SystemStackProps extends StackProps {
  /** How many availability zones its VPC spans. */
  zones: number;
  /** The zone that it is, for {@link ZONE_TAG}. */
  zone: string;
}

/**
 * A stack that takes the first availability zones of whatever region it is deployed to. CDK would look them up in the account
 * when account and region are given, so that a synth needed credentials.
 */
export class SystemStack extends Stack {
  private readonly zones: number;

  constructor(scope: Construct, id: string, { zones, zone, ...props }: SystemStackProps) {
    super(scope, id, props);
    this.zones = zones;
    Tags.of(this).add(ZONE_TAG, zone, { includeResourceTypes: TAGGED });
  }

  override get availabilityZones(): string[] {
    return Array.from({ length: this.zones }, (_, index) => Fn.select(index, Fn.getAzs()));
  }
}
