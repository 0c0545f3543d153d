import type { Context } from '../../../../infra/proof/policy/request.ts';
import {
  ACCOUNT,
  type Case,
  type Document,
  ENDPOINT,
  KEY,
  OTHER_ACCOUNT,
  OTHER_ENDPOINT,
  OTHER_VPC,
  ROLE,
  VPC,
} from './arbitrary.ts';

/** A request written by hand, and whether AWS allows it. */
export interface HandWritten {
  name: string;
  given: Case;
  context: Context;
  allowed: boolean;
}

/** A hand-written request on which the other implementation decides otherwise; docs/decisions/differential.md says why. */
export interface Difference extends HandWritten {
  /** Heading on the page. */
  heading: string;
}

type Statement = Record<string, unknown>;

const allow = (action: string, more: Statement = {}): Statement => ({
  Effect: 'Allow',
  Action: action,
  Resource: '*',
  ...more,
});
const deny = (action: string, more: Statement = {}): Statement => ({
  ...allow(action, more),
  Effect: 'Deny',
});
const policy = (...Statement: Statement[]): Document => ({ Version: '2012-10-17', Statement });
const to = (Principal: unknown, condition?: unknown): Statement => ({
  Principal,
  ...(condition === undefined ? {} : { Condition: condition }),
});

const ROOT = { AWS: `arn:aws:iam::${ACCOUNT}:root` };
const QUEUE = `arn:aws:sqs:eu-north-1:${ACCOUNT}:events`;
const FUNCTION = `arn:aws:lambda:eu-north-1:${ACCOUNT}:function:journal-signer-journal-public`;

const NOTHING: Omit<Case, 'service' | 'action' | 'resource'> = {
  principal: 'session',
  identity: [],
  contexts: [],
  boundary: undefined,
  resourcePolicy: undefined,
  endpointPolicy: undefined,
};
const KMS = { ...NOTHING, service: 'kms', action: 'kms:Sign', resource: KEY } as const;
const SQS = { ...NOTHING, service: 'sqs', action: 'sqs:SendMessage', resource: QUEUE } as const;
const INVOKE = 'lambda:InvokeFunction';
const LAMBDA = { ...NOTHING, service: 'lambda', action: INVOKE, resource: FUNCTION } as const;
const FOREIGN = { ...SQS, resource: QUEUE.replace(ACCOUNT, OTHER_ACCOUNT) };

/** What is allowed by which policy. */
const may = (...actions: string[]) => ({ identity: [policy(...actions.map((action) => allow(action)))] });
const given = (Condition: unknown) => ({ identity: [policy(allow('*', { Condition }))] });
const says = (...statements: Statement[]) => ({ resourcePolicy: policy(...statements) });
const within = (...statements: Statement[]) => ({ boundary: policy(...statements) });
const through = (action: string) => ({ endpointPolicy: policy(allow(action, to('*'))) });

const here = { 'aws:SourceVpce': ENDPOINT, 'aws:SourceVpc': VPC };
const elsewhere = { 'aws:SourceVpce': OTHER_ENDPOINT, 'aws:SourceVpc': OTHER_VPC };
const digest = { 'kms:MessageType': 'DIGEST', 'kms:SigningAlgorithm': 'ECDSA_SHA_256' };

/** Under the key policy that the system ships. */
const SHIPPED: Case = {
  ...KMS,
  ...says(
    allow('kms:DisableKey', to(ROOT)),
    allow(
      'kms:Sign',
      to('*', {
        StringEquals: { 'aws:SourceVpc': VPC, ...digest },
        ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/journal-sign*` },
      }),
    ),
  ),
};
const onlyHere = deny('kms:Sign', { Condition: { StringNotEquals: { 'aws:SourceVpce': ENDPOINT } } });
const toRole = to({ AWS: ROLE });
const OTHER_THAN = { StringNotEquals: { 'aws:SourceVpce': [ENDPOINT, OTHER_ENDPOINT] } };
const TAGS = { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'a' } };
const SIGNER = { 'aws:PrincipalArn': 'arn:aws:iam::*signer' };
const rule = (account: string) => ({ 'aws:SourceArn': `arn:aws:events:eu-north-1:${account}:rule/x` });
const asked = (Service: string, condition?: unknown): Case => ({
  ...LAMBDA,
  principal: 'service',
  ...says(allow('lambda:InvokeFunction', to({ Service: `${Service}.amazonaws.com` }, condition))),
});
const BY_RULE = asked('events', { ArnLike: { 'aws:SourceArn': `arn:aws:events:*:${ACCOUNT}:rule/*` } });

const ROWS: readonly [name: string, given: Case, allowed: boolean, context?: Context][] = [
  ['identity policy alone, most services', { ...SQS, ...may('sqs:*') }, true],
  ['no policy at all', SQS, false],
  ['resource policy alone, naming the role', { ...SQS, ...says(allow('sqs:SendMessage', toRole)) }, true],
  ['resource policy alone, of the account', { ...SQS, ...says(allow('sqs:SendMessage', to(ROOT))) }, false],
  ['a Deny of the resource policy', { ...SQS, ...may('*'), ...says(deny('sqs:*', to('*'))) }, false],
  [
    'identity policy alone, KMS key without a word for the account',
    { ...KMS, ...may('kms:*'), ...says(allow('kms:DisableKey', to(ROOT))) },
    false,
  ],
  [
    'the default key policy lets identity policies decide',
    { ...KMS, ...may('kms:*'), ...says(allow('kms:*', to(ROOT))) },
    true,
  ],
  ['a key policy that delegates, no identity policy', { ...KMS, ...says(allow('kms:*', to(ROOT))) }, false],
  ['the shipped key policy is enough', SHIPPED, true, { ...here, ...digest }],
  ['the shipped key policy, from outside the signing VPC', SHIPPED, false, { ...elsewhere, ...digest }],
  ['the shipped key policy, without an endpoint', SHIPPED, false, digest],
  ['the shipped key policy, raw message', SHIPPED, false, { ...here, ...digest, 'kms:MessageType': 'RAW' }],
  [
    'the shipped key policy, message type not given',
    SHIPPED,
    ...([false, { ...here, 'kms:SigningAlgorithm': 'ECDSA_SHA_256' }] as const),
  ],
  [
    'the shipped key policy, another algorithm',
    SHIPPED,
    ...([false, { ...here, ...digest, 'kms:SigningAlgorithm': 'ECDSA_SHA_384' }] as const),
  ],
  [
    'everybody in a resource policy is not limited by what a boundary leaves out',
    ...([{ ...SHIPPED, ...within(allow('s3:*')) }, true, { ...here, ...digest }] as const),
  ],
  [
    '... but by what it denies',
    ...([
      { ...SHIPPED, ...within(allow('*'), onlyHere) },
      false,
      { ...digest, 'aws:SourceVpc': VPC },
    ] as const),
  ],
  [
    'a role in a resource policy is limited by what a boundary leaves out',
    ...([{ ...SQS, ...says(allow('sqs:*', toRole)), ...within(allow('s3:*')) }, false] as const),
  ],
  [
    'a role in a resource policy, and a boundary that allows',
    ...([{ ...SQS, ...says(allow('sqs:*', toRole)), ...within(allow('sqs:*')) }, true] as const),
  ],
  [
    'identity policy under a boundary that leaves the action out',
    ...([{ ...SQS, ...may('*'), ...within(allow('s3:*')) }, false] as const),
  ],
  ['endpoint policy that allows', { ...SQS, ...may('*'), ...through('sqs:SendMessage') }, true, here],
  [
    'endpoint policy that leaves the action out',
    ...([{ ...SQS, ...may('*'), ...through('sqs:ReceiveMessage') }, false, here] as const),
  ],
  [
    'the same, through another endpoint',
    ...([{ ...SQS, ...may('*'), ...through('sqs:ReceiveMessage') }, true, elsewhere] as const),
  ],
  ['across accounts, identity side only', { ...FOREIGN, ...may('*') }, false],
  ['across accounts, resource side only', { ...FOREIGN, ...says(allow('sqs:*', to('*'))) }, false],
  ['across accounts, both sides', { ...FOREIGN, ...may('*'), ...says(allow('sqs:*', to(ROOT))) }, true],
  [
    'across accounts, under a boundary that leaves it out',
    { ...FOREIGN, ...may('*'), ...says(allow('sqs:*', toRole)), ...within(allow('s3:*')) },
    false,
  ],
  ['a service with the right source', BY_RULE, true, rule(ACCOUNT)],
  ['a service with another source', BY_RULE, false, rule(OTHER_ACCOUNT)],
  ['another service', asked('s3'), false],
  ['NotAction', { ...SQS, identity: [policy({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' })] }, true],
  [
    'NotResource',
    { ...SQS, identity: [policy({ Effect: 'Allow', Action: 'sqs:*', NotResource: QUEUE })] },
    false,
  ],
  ['actions ignore case', { ...SQS, ...may('SQS:sendmessage') }, true],
  [
    'resources do not',
    { ...SQS, identity: [policy(allow('sqs:*', { Resource: QUEUE.replace('events', 'Events') }))] },
    false,
  ],
  [
    'a negated operator on a missing key',
    { ...SQS, ...given({ StringNotEquals: { 'aws:SourceVpce': ENDPOINT } }) },
    true,
  ],
  ['a negated operator with two values', { ...SQS, ...given(OTHER_THAN) }, false, elsewhere],
  [
    'IfExists on a missing key',
    { ...SQS, ...given({ StringEqualsIfExists: { 'aws:SourceVpce': ENDPOINT } }) },
    true,
  ],
  ['Null', { ...SQS, ...given({ Null: { 'aws:SourceVpce': 'true' } }) }, false, here],
  ['ForAllValues on a missing key', { ...SQS, ...given(TAGS) }, true],
  ['ForAllValues with a value beyond', { ...SQS, ...given(TAGS) }, false, { 'aws:TagKeys': ['a', 'b'] }],
  ['ArnLike stays within a component', { ...LAMBDA, ...given({ ArnLike: SIGNER }) }, false],
  ['StringLike does not', { ...LAMBDA, ...given({ StringLike: SIGNER }) }, true],
];

/** Cases on which both agree with AWS's documentation. */
export const HAND_WRITTEN: readonly HandWritten[] = ROWS.map(([name, given, allowed, context = {}]) => ({
  name,
  given,
  allowed,
  context,
}));

/** Cases on which the other implementation decides otherwise. `allowed` is what AWS's documentation says, and what the engine does. */
export const DIFFERENCES: readonly Difference[] = [
  {
    heading: 'Escapes in StringEquals',
    name: 'an asterisk written as ${*}',
    given: { ...SQS, ...given({ StringEquals: { 'aws:userid': 'a${*}' } }) },
    context: { 'aws:userid': 'a*' },
    allowed: true,
  },
];
