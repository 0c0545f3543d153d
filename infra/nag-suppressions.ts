import { type Stack, Token, Validations } from 'aws-cdk-lib';
import { anyKeyArn, logStreamsArn, type Place, recordArnPattern } from './constructs/arns.ts';
import { recordName } from './declaration/names.ts';

/** What the ids of findings in one stack are made of. */
interface StackFacts {
  system: string;
  /** Zone, or `signing`; absent in stacks of no zone. */
  zone?: string;
  place: Place;
  /** Physical names of the stack's functions. */
  functions: readonly string[];
  /** Whether users log in, or webhooks come in, here. */
  open?: boolean | undefined;
  /** Whether functions are started on schedules here. */
  schedules?: boolean | undefined;
}

/** One of cdk-nag's rules that we break on purpose, with why, and where it has several findings, which. */
interface NagSuppression {
  rule: string;
  findings?: (facts: StackFacts) => string[];
  /** Only in stacks of that kind. */
  only?: 'open' | 'schedules';
  reason: string;
}

const resource = (arn: string) => `Resource::${arn}`;

/** Every suppression there is. cdk-nag matches whole findings, so each wildcard is spelt out. */
const NAG_SUPPRESSIONS: readonly NagSuppression[] = [
  {
    rule: 'AwsSolutions-IAM5',
    findings: () => [resource('*')],
    reason:
      'Actions without a resource to name: X-Ray, ListKeys, CreateKey (bound by conditions), and the network interfaces that Lambda itself makes, which function code is denied. In boundaries also Deny statements. API Gateway writes a log group for each API of the account.',
  },
  {
    rule: 'AwsSolutions-IAM5',
    findings: ({ system, zone = '', place, functions }) => [
      ...functions.map((name) => resource(logStreamsArn(place, `/${system}/${zone}/${name}`))),
      resource(logStreamsArn(place, `/${system}/${zone}/*`)),
      resource(logStreamsArn(place, `/${system}/${zone}/flow`)),
    ],
    reason:
      'Names of log streams are made up at run time: a role writes to the streams of its own log group, a boundary covers those of its zone.',
  },
  {
    rule: 'AwsSolutions-IAM5',
    findings: ({ place }) => [resource(anyKeyArn(place))],
    reason:
      'Client keys are made at run time by rotation. Which signer may use a key is in the key policy; identity and boundary bind endpoint, digest and algorithm.',
  },
  {
    rule: 'AwsSolutions-IAM5',
    findings: ({ system, place }) => [resource(recordArnPattern(place, recordName(system, '*')))],
    reason: "A boundary covers all client records; each signer's own policy names one.",
  },
  {
    rule: 'AwsSolutions-SMG4',
    reason:
      "The rotation schedule of a client record is in the admin zone's stack, beside the function that rotates. Secrets of functions are somebody else's to rotate: of whoever shares them.",
  },
  {
    rule: 'AwsSolutions-APIG3',
    reason:
      'A web ACL costs by the month and its rules depend on who calls: it is associated by the operator. The stage is throttled.',
  },
  {
    rule: 'AwsSolutions-APIG4',
    only: 'open',
    reason:
      'Routes of user login are called by browsers; their functions check session, state or logout token (docs/decisions/login-routes.md). Webhooks are checked by the guard before the function.',
  },
  {
    rule: 'AwsSolutions-COG4',
    reason:
      "Routes are authorised by SigV4 or by HelseID's tokens, not by Cognito, which HelseID's profile has no place for.",
  },
  {
    rule: 'AwsSolutions-DDB3',
    reason:
      'Items live for hours and are worth nothing in a backup; a restored session or replay entry would be wrong.',
  },
  {
    rule: 'AwsSolutions-SQS3',
    reason:
      'The queue is itself the dead-letter queue of an EventBridge target, which the rule does not see.',
  },
  {
    rule: 'Serverless-SQSRedrivePolicy',
    reason: 'These queues are themselves dead-letter queues.',
  },
  {
    rule: 'Serverless-LambdaDLQ',
    reason:
      'Invoked synchronously (signers, gateway, rotation), by a queue that has a dead-letter queue, or on a schedule that comes again and alarms.',
  },
  {
    rule: 'Serverless-EventBusDLQ',
    only: 'schedules',
    reason:
      'A check of the keys that is missed comes again within the hour or the day, and silence alarms; so does a scheduled function that fails.',
  },
  {
    rule: 'Serverless-LambdaEventSourceMappingDestination',
    reason: "Lambda has no failure destination for queues; the queue's redrive policy does it.",
  },
  {
    rule: 'Serverless-LambdaStarPermissions',
    reason: 'See AwsSolutions-IAM5: each wildcard is suppressed there on its own.',
  },
];

/** Suppresses, in one stack, the findings of cdk-nag that are there on purpose. */
export function suppressFindings(stack: Stack, facts: StackFacts): void {
  const shown = { ...facts, place: showPlace(facts.place) };
  Validations.of(stack).acknowledge(
    ...NAG_SUPPRESSIONS.filter(({ only }) => !only || facts[only]).flatMap(({ rule, findings, reason }) =>
      findings
        ? findings(shown).map((finding) => ({ id: `${rule}[${finding}]`, reason }))
        : [{ id: rule, reason }],
    ),
  );
}

/** How cdk-nag writes what only CloudFormation knows. */
function showPlace({ account, region }: Place): Place {
  return {
    account: Token.isUnresolved(account) ? '<AWS::AccountId>' : account,
    region: Token.isUnresolved(region) ? '<AWS::Region>' : region,
  };
}
