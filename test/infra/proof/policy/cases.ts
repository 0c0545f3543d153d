import type { Context } from '../../../../infra/proof/policy/facts.ts';
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
  Effect: 'Deny',
  Action: action,
  Resource: '*',
  ...more,
});
const policy = (...Statement: Statement[]): Document => ({ Version: '2012-10-17', Statement });
const to = (Principal: unknown, condition?: unknown): Statement => ({
  Principal,
  ...(condition === undefined ? {} : { Condition: condition }),
});

const ROOT = { AWS: `arn:aws:iam::${ACCOUNT}:root` };
const QUEUE = `arn:aws:sqs:eu-north-1:${ACCOUNT}:events`;
const FOREIGN_QUEUE = `arn:aws:sqs:eu-north-1:${OTHER_ACCOUNT}:events`;
const FUNCTION = `arn:aws:lambda:eu-north-1:${ACCOUNT}:function:journal-signer-journal-public`;

const NOTHING: Omit<Case, 'service' | 'action' | 'resource'> = {
  principal: 'session',
  identity: [],
  boundary: undefined,
  resourcePolicy: undefined,
  endpointPolicy: undefined,
  contexts: [],
};
const sign = (more: Partial<Case>): Case => ({
  ...NOTHING,
  service: 'kms',
  action: 'kms:Sign',
  resource: KEY,
  ...more,
});
const send = (more: Partial<Case>): Case => ({
  ...NOTHING,
  service: 'sqs',
  action: 'sqs:SendMessage',
  resource: QUEUE,
  ...more,
});
const invoke = (more: Partial<Case>): Case => ({
  ...NOTHING,
  service: 'lambda',
  action: 'lambda:InvokeFunction',
  resource: FUNCTION,
  ...more,
});

const here = { 'aws:SourceVpce': ENDPOINT, 'aws:SourceVpc': VPC };
const elsewhere = { 'aws:SourceVpce': OTHER_ENDPOINT, 'aws:SourceVpc': OTHER_VPC };
const digest = { 'kms:MessageType': 'DIGEST', 'kms:SigningAlgorithm': 'ECDSA_SHA_256' };

/** The key policy that the system ships. */
const shipped = policy(
  allow('kms:DisableKey', to(ROOT)),
  allow(
    'kms:Sign',
    to('*', {
      StringEquals: {
        'aws:SourceVpc': VPC,
        'kms:MessageType': 'DIGEST',
        'kms:SigningAlgorithm': 'ECDSA_SHA_256',
      },
      ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/journal-sign*` },
    }),
  ),
);
const onlyHere = deny('kms:Sign', { Condition: { StringNotEquals: { 'aws:SourceVpce': ENDPOINT } } });

const one = (name: string, given: Case, context: Context, allowed: boolean): HandWritten => ({
  name,
  given,
  context,
  allowed,
});

/** Cases on which both agree with AWS's documentation. */
export const HAND_WRITTEN: readonly HandWritten[] = [
  one('identity policy alone, most services', send({ identity: [policy(allow('sqs:*'))] }), {}, true),
  one('no policy at all', send({}), {}, false),
  one(
    'resource policy alone, naming the role',
    send({ resourcePolicy: policy(allow('sqs:SendMessage', to({ AWS: ROLE }))) }),
    {},
    true,
  ),
  one(
    'resource policy alone, naming the account',
    send({ resourcePolicy: policy(allow('sqs:SendMessage', to(ROOT))) }),
    {},
    false,
  ),
  one(
    'a Deny of the resource policy',
    send({ identity: [policy(allow('*'))], resourcePolicy: policy(deny('sqs:*', to('*'))) }),
    {},
    false,
  ),
  one(
    'identity policy alone, KMS key without a word for the account',
    sign({ identity: [policy(allow('kms:*'))], resourcePolicy: policy(allow('kms:DisableKey', to(ROOT))) }),
    {},
    false,
  ),
  one(
    'the default key policy lets identity policies decide',
    sign({ identity: [policy(allow('kms:*'))], resourcePolicy: policy(allow('kms:*', to(ROOT))) }),
    {},
    true,
  ),
  one(
    'a key policy that delegates, and no identity policy',
    sign({ resourcePolicy: policy(allow('kms:*', to(ROOT))) }),
    {},
    false,
  ),
  one('the shipped key policy is enough', sign({ resourcePolicy: shipped }), { ...here, ...digest }, true),
  one(
    'the shipped key policy, from outside the signing VPC',
    sign({ resourcePolicy: shipped }),
    { ...elsewhere, ...digest },
    false,
  ),
  one('the shipped key policy, without an endpoint', sign({ resourcePolicy: shipped }), digest, false),
  one(
    'the shipped key policy, raw message',
    sign({ resourcePolicy: shipped }),
    { ...here, ...digest, 'kms:MessageType': 'RAW' },
    false,
  ),
  one(
    'the shipped key policy, message type not given',
    sign({ resourcePolicy: shipped }),
    { ...here, 'kms:SigningAlgorithm': 'ECDSA_SHA_256' },
    false,
  ),
  one(
    'the shipped key policy, another algorithm',
    sign({ resourcePolicy: shipped }),
    { ...here, ...digest, 'kms:SigningAlgorithm': 'ECDSA_SHA_384' },
    false,
  ),
  one(
    'everybody in a resource policy is not limited by what a boundary leaves out',
    sign({ resourcePolicy: shipped, boundary: policy(allow('s3:*')) }),
    { ...here, ...digest },
    true,
  ),
  one(
    '... but by what it denies',
    sign({ resourcePolicy: shipped, boundary: policy(allow('*'), onlyHere) }),
    { ...digest, 'aws:SourceVpc': VPC },
    false,
  ),
  one(
    'a role in a resource policy is limited by what a boundary leaves out',
    send({ resourcePolicy: policy(allow('sqs:*', to({ AWS: ROLE }))), boundary: policy(allow('s3:*')) }),
    {},
    false,
  ),
  one(
    'a role in a resource policy, and a boundary that allows',
    send({ resourcePolicy: policy(allow('sqs:*', to({ AWS: ROLE }))), boundary: policy(allow('sqs:*')) }),
    {},
    true,
  ),
  one(
    'identity policy under a boundary that leaves the action out',
    send({ identity: [policy(allow('*'))], boundary: policy(allow('s3:*')) }),
    {},
    false,
  ),
  one(
    'endpoint policy that allows',
    send({ identity: [policy(allow('*'))], endpointPolicy: policy(allow('sqs:SendMessage', to('*'))) }),
    here,
    true,
  ),
  one(
    'endpoint policy that leaves the action out',
    send({ identity: [policy(allow('*'))], endpointPolicy: policy(allow('sqs:ReceiveMessage', to('*'))) }),
    here,
    false,
  ),
  one(
    'the same, through another endpoint',
    send({ identity: [policy(allow('*'))], endpointPolicy: policy(allow('sqs:ReceiveMessage', to('*'))) }),
    elsewhere,
    true,
  ),
  one(
    'across accounts, identity side only',
    send({ resource: FOREIGN_QUEUE, identity: [policy(allow('*'))] }),
    {},
    false,
  ),
  one(
    'across accounts, resource side only',
    send({ resource: FOREIGN_QUEUE, resourcePolicy: policy(allow('sqs:*', to('*'))) }),
    {},
    false,
  ),
  one(
    'across accounts, both sides',
    send({
      resource: FOREIGN_QUEUE,
      identity: [policy(allow('*'))],
      resourcePolicy: policy(allow('sqs:*', to(ROOT))),
    }),
    {},
    true,
  ),
  one(
    'across accounts, under a boundary that leaves it out',
    send({
      resource: FOREIGN_QUEUE,
      identity: [policy(allow('*'))],
      resourcePolicy: policy(allow('sqs:*', to({ AWS: ROLE }))),
      boundary: policy(allow('s3:*')),
    }),
    {},
    false,
  ),
  one(
    'a service with the right source',
    invoke({
      principal: 'service',
      resourcePolicy: policy(
        allow(
          'lambda:InvokeFunction',
          to(
            { Service: 'events.amazonaws.com' },
            { ArnLike: { 'aws:SourceArn': `arn:aws:events:*:${ACCOUNT}:rule/*` } },
          ),
        ),
      ),
    }),
    { 'aws:SourceArn': `arn:aws:events:eu-north-1:${ACCOUNT}:rule/x` },
    true,
  ),
  one(
    'a service with another source',
    invoke({
      principal: 'service',
      resourcePolicy: policy(
        allow(
          'lambda:InvokeFunction',
          to(
            { Service: 'events.amazonaws.com' },
            { ArnLike: { 'aws:SourceArn': `arn:aws:events:*:${ACCOUNT}:rule/*` } },
          ),
        ),
      ),
    }),
    { 'aws:SourceArn': `arn:aws:events:eu-north-1:${OTHER_ACCOUNT}:rule/x` },
    false,
  ),
  one(
    'another service',
    invoke({
      principal: 'service',
      resourcePolicy: policy(allow('lambda:InvokeFunction', to({ Service: 's3.amazonaws.com' }))),
    }),
    {},
    false,
  ),
  one(
    'NotAction',
    send({ identity: [policy({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' })] }),
    {},
    true,
  ),
  one(
    'NotResource',
    send({ identity: [policy({ Effect: 'Allow', Action: 'sqs:*', NotResource: QUEUE })] }),
    {},
    false,
  ),
  one('actions ignore case', send({ identity: [policy(allow('SQS:sendmessage'))] }), {}, true),
  one(
    'resources do not',
    send({ identity: [policy(allow('sqs:*', { Resource: QUEUE.replace('events', 'Events') }))] }),
    {},
    false,
  ),
  one(
    'a negated operator on a missing key',
    send({
      identity: [policy(allow('*', { Condition: { StringNotEquals: { 'aws:SourceVpce': ENDPOINT } } }))],
    }),
    {},
    true,
  ),
  one(
    'a negated operator with two values',
    send({
      identity: [
        policy(
          allow('*', { Condition: { StringNotEquals: { 'aws:SourceVpce': [ENDPOINT, OTHER_ENDPOINT] } } }),
        ),
      ],
    }),
    elsewhere,
    false,
  ),
  one(
    'IfExists on a missing key',
    send({
      identity: [policy(allow('*', { Condition: { StringEqualsIfExists: { 'aws:SourceVpce': ENDPOINT } } }))],
    }),
    {},
    true,
  ),
  one(
    'Null',
    send({ identity: [policy(allow('*', { Condition: { Null: { 'aws:SourceVpce': 'true' } } }))] }),
    here,
    false,
  ),
  one(
    'ForAllValues on a missing key',
    send({
      identity: [policy(allow('*', { Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'a' } } }))],
    }),
    {},
    true,
  ),
  one(
    'ForAllValues with a value beyond',
    send({
      identity: [policy(allow('*', { Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': 'a' } } }))],
    }),
    { 'aws:TagKeys': ['a', 'b'] },
    false,
  ),
  one(
    'ArnLike stays within a component',
    invoke({
      identity: [
        policy(allow('*', { Condition: { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*signer' } } })),
      ],
    }),
    {},
    false,
  ),
  one(
    'StringLike does not',
    invoke({
      identity: [
        policy(allow('*', { Condition: { StringLike: { 'aws:PrincipalArn': 'arn:aws:iam::*signer' } } })),
      ],
    }),
    {},
    true,
  ),
];

const differs = (
  heading: string,
  name: string,
  given: Case,
  context: Context,
  allowed: boolean,
): Difference => ({ heading, ...one(name, given, context, allowed) });
const conditional = (Condition: unknown): Case => send({ identity: [policy(allow('*', { Condition }))] });

/** Cases on which the other implementation decides otherwise. `allowed` is what AWS's documentation says, and what the engine does. */
export const DIFFERENCES: readonly Difference[] = [
  differs(
    'Escapes in StringEquals',
    'an asterisk written as ${*}',
    conditional({ StringEquals: { 'aws:userid': 'a${*}' } }),
    { 'aws:userid': 'a*' },
    true,
  ),
];
