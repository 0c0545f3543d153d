import { expect, test } from 'vitest';
import { deviations } from '../../../infra/verify/compare.ts';

const sign = { Effect: 'Allow', Action: 'kms:Sign', Resource: 'arn:aws:kms:eu-north-1:111111111111:key/1' };
const policy = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });

/** What is expected and what is found mean the same. */
const EQUAL: [name: string, expected: unknown, found: unknown][] = [
  ['a number and its text', 60, '60'],
  ['nothing and an empty list', undefined, []],
  ['a list in another order', ['b', 'a'], ['a', 'b']],
  [
    'one and a list of one in a policy',
    policy(sign),
    policy({ ...sign, Action: ['kms:Sign'], Resource: [sign.Resource] }),
  ],
  ['JSON in a text', policy(sign), JSON.stringify(policy(sign))],
  ['percent-encoded JSON, as IAM answers', policy(sign), encodeURIComponent(JSON.stringify(policy(sign)))],
  [
    'statements in another order',
    policy(sign, { ...sign, Action: 'kms:Verify' }),
    policy({ ...sign, Action: 'kms:Verify' }, sign),
  ],
  [
    'keys of conditions in other letters',
    policy({ ...sign, Condition: { StringEquals: { 'aws:SourceVpce': 'vpce-1' } } }),
    policy({ ...sign, Condition: { StringEquals: { 'AWS:SourceVpce': ['vpce-1'] } } }),
  ],
  [
    'an account and its root',
    policy({ ...sign, Principal: { AWS: '111111111111' } }),
    policy({ ...sign, Principal: { AWS: 'arn:aws:iam::111111111111:root' } }),
  ],
  ['everybody, both ways', policy({ ...sign, Principal: '*' }), policy({ ...sign, Principal: { AWS: '*' } })],
  ['what only AWS knows of a thing', { Arn: 'a' }, { Arn: 'a', CreatedAt: 1 }],
  ['a description', [{ Priority: 1, Action: 'BLOCK', Description: 'a' }], [{ Priority: 1, Action: 'BLOCK' }]],
];

test.each(EQUAL)('no difference: %s', (_name, expected, found) => {
  expect(deviations(expected, found, 'Property')).toEqual([]);
});

/** Where they differ. */
const DIFFERENT: [name: string, expected: unknown, found: unknown, property: string][] = [
  ['another value', 60, 61, 'Property'],
  ['one more in a list', ['a'], ['a', 'b'], 'Property'],
  ['one fewer in a list', ['a', 'b'], ['a'], 'Property'],
  [
    'another action',
    policy(sign),
    policy({ ...sign, Action: ['kms:Sign', 'kms:CreateGrant'] }),
    'Property.Statement',
  ],
  [
    'another statement',
    policy(sign),
    policy(sign, { Effect: 'Allow', Action: '*', Resource: '*' }),
    'Property.Statement',
  ],
  [
    'no condition',
    policy({ ...sign, Sid: 'Use', Condition: { Bool: { a: 'true' } } }),
    policy({ ...sign, Sid: 'Use' }),
    'Property.Statement',
  ],
  [
    'NotAction for Action',
    policy({ ...sign, Sid: 'Use' }),
    policy({ Effect: 'Allow', Sid: 'Use', NotAction: 'kms:Sign', Resource: sign.Resource }),
    'Property.Statement',
  ],
  ['a policy where none is expected', undefined, policy(sign), 'Property'],
  ['no policy', policy(sign), undefined, 'Property'],
  [
    'another policy of a role',
    [{ PolicyName: 'main', PolicyDocument: policy(sign) }],
    ['main', 'more'].map((PolicyName) => ({ PolicyName, PolicyDocument: policy(sign) })),
    'Property',
  ],
  [
    'one more variable',
    { Variables: { A: '1' } },
    { Variables: { A: '1', NODE_OPTIONS: '--require x' } },
    'Property.Variables.NODE_OPTIONS',
  ],
  [
    "one more member in a variable's JSON",
    { Variables: { GRANT: '{"apis":["a"]}' } },
    { Variables: { GRANT: '{"apis":["a"],"requestObjects":true}' } },
    'Property.Variables.GRANT.requestObjects',
  ],
  [
    'one more route',
    [{ DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: 'nat-1' }],
    [
      { DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: 'nat-1' },
      { DestinationCidrBlock: '10.0.0.0/8', VpcPeeringConnectionId: 'pcx-1' },
    ],
    'Property',
  ],
];

test.each(DIFFERENT)('a difference: %s', (_name, expected, found, property) => {
  expect(deviations(expected, found, 'Property').map((one) => one.property)).toContain(property);
  expect(deviations(expected, expected, 'Property')).toEqual([]);
  expect(deviations(found, found, 'Property')).toEqual([]);
});

test('of lists what has no equal on the other side is told', () => {
  expect(deviations({ a: ['x', 'y'] }, { a: ['z', 'x'] }, 'P')).toEqual([
    { property: 'P.a', expected: ['y'], found: ['z'] },
  ]);
  expect(deviations([{ a: 1 }, { a: 1, b: 2 }], [{ a: 1, b: 2 }, { a: 1 }], 'P')).toEqual([]);
  expect(deviations(['x', 'y'], undefined, 'P')).toEqual([
    { property: 'P', expected: ['x', 'y'], found: undefined },
  ]);
});
