import { type Stack, Token, Validations } from 'aws-cdk-lib';
import { anyKeyArn, logStreamsArn, type Place, recordArnPattern } from './constructs/arns.ts';
import { recordName } from './declaration/names.ts';
import rules from './nag-suppressions.json' with { type: 'json' };

/** What the ids of findings in one stack are made of. */
interface StackFacts {
  system: string;
  /** Zone, or `signing`; absent in stacks of no zone. */
  zone?: string;
  /** Physical names of the stack's functions. */
  functions: readonly string[];
  /** Whether users log in, or webhooks come in, here. */
  open?: boolean | undefined;
  /** Whether functions are started on schedules here. */
  schedules?: boolean | undefined;
  /** Whether functions are in other languages here. */
  foreign?: boolean | undefined;
}

/** One of cdk-nag's rules that we break on purpose, with why, and where it has several findings, which. */
interface NagSuppression {
  rule: string;
  findings?: (facts: StackFacts & { place: Place }) => string[];
  /** Only in stacks of that kind. */
  only?: 'open' | 'schedules' | 'foreign';
  reason: string;
}

const resource = (arn: string) => `Resource::${arn}`;

/** Every suppression there is; those of a rule as a whole are in `nag-suppressions.json`. cdk-nag matches whole findings, so each wildcard is spelt out. */
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
  ...(rules as NagSuppression[]),
];

/** Suppresses, in one stack, the findings of cdk-nag that are there on purpose. */
export function suppressFindings(stack: Stack, facts: StackFacts): void {
  const shown = { ...facts, place: showPlace(stack) };
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
