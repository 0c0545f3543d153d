import { describe, expect, it } from 'vitest';
import { unknownValue } from '../../../../infra/proof/assembly/unknown.ts';
import {
  ALWAYS,
  type Condition,
  evaluate,
  isResource,
  not,
} from '../../../../infra/proof/policy/condition.ts';
import { decide, type Question } from '../../../../infra/proof/policy/decide.ts';
import { comesThrough, endpointServiceOf, mayServe } from '../../../../infra/proof/policy/endpoint.ts';
import { globOf } from '../../../../infra/proof/policy/pattern.ts';
import { type Principal, rolePrincipal } from '../../../../infra/proof/policy/principal.ts';
import { parsePolicy } from '../../../../infra/proof/policy/statement.ts';
import { describeCondition } from '../../../../infra/proof/policy/words.ts';
import {
  addResource,
  type Endpoint,
  type Role,
  type World,
} from '../../../../infra/proof/policy/world/world.ts';
import { decideRequest } from '../../../../local/aws/decide-request.ts';
import { emptyWorld } from './build.ts';

const ACCOUNT = '111122223333';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/journal-signer-journal-public`;
const KEY = `arn:aws:kms:eu-north-1:${ACCOUNT}:key/journal-virtual`;
const USER = `arn:aws:iam::${ACCOUNT}:user/u`;
const user: Principal = { kind: 'user', arn: USER, account: ACCOUNT };
const SERVICE: Principal = { kind: 'service', service: 'events.amazonaws.com' };
const ANONYMOUS: Principal = { kind: 'anonymous' };
const SIGNING = { endpoint: 'vpce-0aaa', vpc: 'vpc-0aaa' };
const ZONE = { endpoint: 'vpce-0bbb', vpc: 'vpc-0bbb' };

const allow = (Action: string | string[], Condition?: unknown) => ({
  Effect: 'Allow',
  Action,
  Resource: '*',
  ...(Condition === undefined ? {} : { Condition }),
});
const deny = (Action: string, Condition?: unknown) => ({ ...allow(Action, Condition), Effect: 'Deny' });
const policy = (name: string, ...Statement: unknown[]) =>
  parsePolicy(name, { Version: '2012-10-17', Statement });
const is = (key: string, value: string | string[]) => ({ StringEquals: { [key]: value } });
const isNot = (key: string, value: string | string[]) => ({ StringNotEquals: { [key]: value } });

interface Parts {
  identity?: unknown[];
  boundary?: unknown[];
  key?: unknown[];
  endpoint?: unknown[];
}

function endpoint({ endpoint: id, vpc }: typeof SIGNING, service: string, statements?: unknown[]): Endpoint {
  return {
    id,
    vpc,
    service,
    kind: 'Interface',
    constructPath: id,
    policy: statements && policy(id, ...statements),
    through: comesThrough(id),
  };
}

function world({ identity = [], boundary, key = [], endpoint: statements }: Parts): World {
  const role: Role = {
    arn: ROLE,
    account: ACCOUNT,
    identity: [policy('own', ...identity)],
    boundary: boundary && policy('boundary', ...boundary),
    trust: policy('trust'),
    tags: new Map(),
    constructPath: 'role',
  };
  const endpoints = [endpoint(SIGNING, 'kms', statements), endpoint(ZONE, 'lambda')];
  const result = emptyWorld({
    account: ACCOUNT,
    roles: new Map([[ROLE, role]]),
    endpoints: new Map(endpoints.map((one) => [one.id, one])),
  });
  addResource(result, {
    arn: KEY,
    policy: {
      Version: '2012-10-17',
      Statement: key.map((statement) => ({ Principal: '*', ...(statement as object) })),
    },
  });
  return result;
}

const sign = (parts: Parts, more: Partial<Question> = {}): string => {
  const question = { principal: rolePrincipal(ROLE), action: 'kms:Sign', resource: KEY, ...more };
  const verdict = decide(question, world(parts));
  const { condition = ALWAYS } = { ...verdict } as { condition?: Condition };
  return condition === ALWAYS ? verdict.verdict : describeCondition(condition);
};
const toAccount = (...statements: object[]) =>
  statements.map((statement) => ({ ...statement, Principal: { AWS: ACCOUNT } }));

describe('the verdict', () => {
  const signs = (...conditions: unknown[]) => ({ key: conditions.map((one) => allow('kms:Sign', one)) });
  const both = (one: unknown, other: unknown) => ({
    key: toAccount(allow('kms:*', one)),
    identity: [allow('kms:*', other)],
  });
  const but = (one: unknown, denied: unknown, identity: unknown[] = []) => ({
    key: [allow('kms:Sign', one), deny('*', denied)],
    identity,
  });
  const spares = (NotResource: string) => ({
    key: toAccount(allow('kms:*')),
    identity: [{ ...allow('kms:*'), Resource: undefined, NotResource }],
  });
  const role = (name: string) => ({
    ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/${name}` },
  });
  const [DIGEST, RAW] = [is('kms:MessageType', 'DIGEST'), is('kms:MessageType', 'RAW')];
  const [p, q] = [is('a', unknownValue('P')), is('a', unknownValue('Q'))];
  const NOVEL = 'it is unknown what comes of operator StringResembles on a';
  it.each<[string, Parts, string]>([
    ['nothing allows', {}, 'never'],
    ['everybody, always', signs(undefined), 'always'],
    ['with a condition', signs(DIGEST), 'kms:MessageType is DIGEST'],
    ['a condition that the caller always meets', signs(role('journal-signer-*')), 'always'],
    ['a condition that the caller never meets', signs(role('other')), 'never'],
    ['one of two texts', signs(is('k', ['B', 'A'])), 'k is A or k is B'],
    ['two texts at once', both(DIGEST, RAW), 'never'],
    [
      'a text and a pattern that it does not match',
      both(DIGEST, { StringLike: { 'kms:MessageType': 'R*' } }),
      'never',
    ],
    [
      'two patterns that share no text',
      both({ StringLike: { a: 'x*' } }, { StringLike: { a: 'y*' } }),
      'never',
    ],
    [
      'an Allow that a Deny contradicts',
      but(is('aws:SourceVpce', 'vpce-0ccc'), isNot('aws:SourceVpce', SIGNING.endpoint)),
      'never',
    ],
    [
      'an Allow that a Deny narrows',
      but(is('kms:MessageType', ['DIGEST', 'RAW']), RAW),
      'kms:MessageType is DIGEST',
    ],
    ['a Deny of a pattern', but(undefined, { StringLike: { a: 'x*' } }), 'a does not match x*'],
    [
      'two keys, one of them absent',
      signs({ Null: { a: 'true', b: 'false' } }),
      'b is present and a is absent',
    ],
    ['a key, whatever its value', signs(is('a', 'x'), isNot('a', 'x')), 'always'],
    ['a Deny that is said twice', but(undefined, isNot('a', 'x'), [deny('*', isNot('a', 'x'))]), 'a is x'],
    ['a key must be absent and equal', signs({ ...is('a', 'x'), Null: { a: 'true' } }), 'never'],
    [
      'a wide condition that a narrow one implies',
      signs({ StringLike: { a: 'x*' }, StringEquals: { b: '1' } }, is('a', 'xy')),
      'a is xy or (a matches x* and b is 1)',
    ],
    [
      'every value must be one of',
      signs({ 'ForAllValues:StringEquals': { k: ['a', 'b'] } }),
      'every value of k is a or is b',
    ],
    ['an operator that is not known is possible', signs({ StringResembles: { a: 'x' } }), NOVEL],
    [
      'an operator that is not known in a Deny takes nothing away for certain',
      but(undefined, { StringResembles: { a: 'x' } }),
      `${NOVEL} (the contrary)`,
    ],
    ['a value that the deploy decides', signs(is('a', unknownValue('Stack: P'))), 'a is <Stack: P>'],
    ['the same unknown value, demanded and denied', but(p, p), 'never'],
    ['two unknown values may be one', both(p, q), 'a is <P> and a is <Q>'],
    ['an unknown value may be a known one', both(p, is('a', 'x')), 'a is x and a is <P>'],
    ['a known value may be an unknown one', both(is('a', 'x'), p), 'a is x and a is <P>'],
    ['all but a resource', spares(KEY), 'never'],
    ['all but another resource', spares(`${KEY}2`), 'always'],
    ['one of two actions', { key: [allow(['kms:Verify', 'kms:Sign'])] }, 'always'],
    [
      'an endpoint without its VPC',
      signs({ Null: { 'aws:SourceVpc': 'true', 'aws:SourceVpce': 'false' } }),
      'never',
    ],
    [
      'a VPC without an endpoint',
      signs({ Null: { 'aws:SourceVpc': 'false', 'aws:SourceVpce': 'true' } }),
      'never',
    ],
  ])('%s', (_name, parts, expected) => {
    expect(sign(parts)).toBe(expected);
  });

  const named = (AWS: string) => ({ Principal: { AWS } });
  const session = (name: string) =>
    named(`arn:aws:sts::${ACCOUNT}:assumed-role/journal-signer-journal-public/${name}`);
  const under = (operator: string, value: string) => ({
    Condition: { [operator]: { 'aws:TagKeys': value } },
  });
  const spare = (name: string) => ({
    Principal: undefined,
    NotPrincipal: { AWS: `arn:aws:iam::${ACCOUNT}:role/${name}` },
  });
  it.each<[string, (value: string) => object]>([
    ['ForAnyValue', (value) => under('ForAnyValue:StringEquals', value)],
    ['a negated ForAnyValue', (value) => under('ForAnyValue:StringNotLike', value)],
    ['a negated ForAllValues', (value) => under('ForAllValues:StringNotEquals', value)],
    ['an operator with numbers', (value) => under('NumericLessThan', value)],
    ['a policy variable', (value) => under('StringEquals', `${value}\${aws:username}`)],
    ['a policy variable in the resource', (value) => ({ Resource: `${value}\${aws:username}` })],
    ['NotPrincipal', spare],
    ['the name of a session', session],
    [
      'the name of a session of a role that the deploy names',
      (name) => named(`arn:aws:sts::${ACCOUNT}:assumed-role/${unknownValue('Role')}/${name}`),
    ],
    ['a principal that the deploy names', (name) => named(unknownValue(name))],
    [
      'a principal of an account that the deploy names',
      (name) => named(`arn:aws:iam::${unknownValue(name)}:root`),
    ],
    ['a Condition that is no object', (value) => ({ Condition: value })],
    ['an operator without keys', (value) => ({ Condition: { StringEquals: value } })],
    ['a Condition that is a number, or a list', (value) => ({ Condition: value === 'a' ? 5 : [] })],
    ['a principal that is no object', (value) => ({ Principal: value })],
    ['principals of which one is no text', (value) => ({ Principal: { AWS: [value, {}], Service: value } })],
    ['a federated identity', (Federated) => ({ Principal: { Federated } })],
    [
      'a wildcard for roles, which AWS refuses',
      (name) => named(name === 'a' ? `${ROLE}*` : ROLE.replace('public', '*')),
    ],
    ['a wildcard for sessions, which AWS refuses', () => session('*')],
  ])('%s may allow, and never protects as a Deny, whatever else may allow', (_name, form) => {
    const [one, other] = ['a', 'b'].map((value) => ({ ...allow('kms:Sign'), ...form(value) }));
    const denied = (statement: object | undefined) => ({ ...statement, Effect: 'Deny' });
    const identity = [allow('kms:*')];
    expect(sign({ key: [one], identity })).toContain('it is unknown what comes of');
    expect(sign({ key: [allow('kms:Sign'), denied(one)], identity })).toContain('it is unknown');
    expect(sign({ key: [other, denied(one)], identity })).toContain('it is unknown');
    expect(
      sign({ key: [allow('kms:Sign')], endpoint: [other, denied(one)] }, { via: [SIGNING.endpoint] }),
    ).toContain('it is unknown');
    const given = world({ key: [allow('kms:Sign'), denied(one)], identity });
    const request = { principal: rolePrincipal(ROLE, 's'), action: 'kms:Sign', resource: KEY, context: {} };
    expect(decideRequest({ ...request, context: { 'aws:TagKeys': ['a', 'c'] } }, given).allowed).toBe(false);
    const perhaps = world({ key: [other] });
    expect(decideRequest({ ...request, context: { 'aws:TagKeys': ['a', 'c'] } }, perhaps).allowed).toBe(
      false,
    );
  });

  it.each<[string, Principal]>([
    ['a role', rolePrincipal(ROLE)],
    ['a user', user],
    ['a service', SERVICE],
    ['somebody without a name', ANONYMOUS],
  ])('a principal that the deploy names may be %s', (_name, principal) => {
    const key = [{ ...allow('kms:Sign'), ...named(unknownValue('P')) }];
    expect(sign({ key }, { principal })).toContain('it is unknown what comes of principal');
  });

  it.each<[string, object]>([
    ['an Effect', { Effect: unknownValue('P') }],
    ['no Action', { Action: undefined }],
    ['an Action', { Action: ['s3:*', {}] }],
    ['no Resource', { Resource: undefined }],
    ['a Resource', { Resource: ['arn:aws:s3:::b', {}] }],
  ])('a statement with %s that can not be read may allow and may deny', (_name, form) => {
    const key = toAccount(allow('kms:*'));
    expect(sign({ key, identity: [{ ...allow('kms:*'), ...form }] })).toContain('it is unknown');
    expect(sign({ key, identity: [allow('kms:*'), { ...deny('s3:*'), ...form }] })).toContain(
      'it is unknown',
    );
  });

  it.each([
    [ACCOUNT, 'always'],
    ['444455556666', 'never'],
    [`arn:aws:iam::${ACCOUNT}:root`, 'always'],
    ['arn:aws:iam::444455556666:root', 'never'],
    [`arn:aws:iam::${ACCOUNT}:role/other*`, 'never'],
  ])('who may do everything, under a key policy that names %s: %s', (AWS, expected) => {
    const key = [{ ...allow('kms:Sign'), ...named(AWS) }];
    expect(sign({ key, identity: [allow('kms:*')] })).toBe(expected);
    for (const principal of [SERVICE, ANONYMOUS]) expect(sign({ key }, { principal })).toBe('never');
  });

  it('any service, where one is named', () => {
    const key = [{ ...allow('kms:Sign'), Principal: { Service: 'events.amazonaws.com' } }];
    const principal: Principal = { kind: 'service', service: unknownValue('any') };
    expect(sign({ key }, { principal })).toBe('aws:PrincipalServiceName is events.amazonaws.com');
  });

  // As "AWS global condition context keys" of the IAM User Guide has it.
  it.each<[string, ...(string | undefined)[]]>([
    ['aws:PrincipalArn', ROLE, USER, `arn:aws:iam::${ACCOUNT}:root`, undefined, undefined],
    ['aws:PrincipalAccount', ACCOUNT, ACCOUNT, ACCOUNT, undefined, 'anonymous'],
    ['aws:PrincipalIsAWSService', 'false', 'false', 'false', 'true', undefined],
    ['aws:PrincipalServiceName', undefined, undefined, undefined, 'events.amazonaws.com', undefined],
    ['kms:CallerAccount', ACCOUNT, ACCOUNT, ACCOUNT, undefined, undefined],
    ['aws:ResourceAccount', ACCOUNT, ACCOUNT, ACCOUNT, ACCOUNT, ACCOUNT],
  ])('%s of a role, a user, the root user, a service and nobody', (key, ...values) => {
    const root: Principal = { kind: 'root', account: ACCOUNT };
    for (const [index, principal] of [rolePrincipal(ROLE), user, root, SERVICE, ANONYMOUS].entries()) {
      const value = values[index];
      const condition = value === undefined ? { Null: { [key]: 'true' } } : is(key, value);
      expect(sign({ key: [allow('kms:Sign', condition)] }, { principal }), principal.kind).toBe('always');
    }
  });

  it('a principal of a gateway endpoint, and services that the deploy names', () => {
    const key = [{ ...allow('kms:Sign'), Principal: { Service: unknownValue('P') } }];
    const other = { ...deny('kms:Sign'), Principal: { Service: unknownValue('Q') } };
    expect(sign({ key: [...key, other] }, { principal: SERVICE })).toContain('it is unknown');
    const given = world({ key: [allow('kms:Sign')] });
    const one = endpoint(SIGNING, 'kms', [
      { ...allow('*'), ...named(ROLE) },
      { ...deny('*'), ...named(`${ROLE}2`) },
    ]);
    const endpoints = new Map([[one.id, { ...one, kind: 'Gateway' as const }]]);
    const asked = { principal: rolePrincipal(ROLE), action: 'kms:Sign', resource: KEY, via: [one.id] };
    expect(decide(asked, { ...given, endpoints }).verdict).toBe('when');
    expect(decide(asked, { ...given, endpoints: new Map([[one.id, one]]) }).verdict).toBe('always');
  });

  it('keys that are known, or known to be absent', () => {
    const key = [allow('kms:Sign', { ...is('a', 'x'), Null: { b: 'true' } })];
    expect(sign({ key }, { context: { a: 'x' } })).toBe('b is absent');
    expect(sign({ key }, { context: { A: 'x', b: null } })).toBe('always');
    expect(sign({ key }, { context: { a: 'y' } })).toBe('never');
  });

  const functionOf = (name: string) => `arn:aws:lambda:eu-north-1:${ACCOUNT}:function:${name}`;
  const [JOURNAL, P] = ['arn:aws:lambda:*:*:function:journal-*', functionOf(unknownValue('P'))];
  it.each([
    [JOURNAL, functionOf('journal-signer-*'), 'always'],
    [JOURNAL, functionOf('*'), 'when'],
    [JOURNAL, functionOf('other-*'), 'never'],
    [JOURNAL, functionOf('journal-x'), 'always'],
    [JOURNAL, functionOf('other'), 'never'],
    [JOURNAL, '*', 'never'],
    ['*', '*', 'always'],
    [P, functionOf('x'), 'when'],
    [P, functionOf('x*'), 'when'],
    [functionOf('x'), P, 'when'],
    [functionOf('x'), `${P}*`, 'when'],
    ['arn:aws:lambda:*', functionOf('x'), 'when'],
    ['arn:aws:lambda:*', functionOf('x*'), 'when'],
  ])('what covers %s is of %s: %s', (Resource, resource, expected) => {
    const given = world({ identity: [{ ...allow('lambda:CreateFunction'), Resource }] });
    const asked = { principal: rolePrincipal(ROLE), action: 'lambda:CreateFunction', resource };
    expect(decide(asked, given).verdict).toBe(expected);
  });

  it('the part of many resources that a policy covers', () => {
    const Resource = [JOURNAL, functionOf('other-?')];
    const given = world({ identity: [{ ...allow('lambda:CreateFunction'), Resource }] });
    const action = 'lambda:CreateFunction';
    const asked = { principal: rolePrincipal(ROLE), action, resource: functionOf('*') };
    const { condition = ALWAYS } = { ...decide(asked, given) } as { condition?: Condition };
    expect(describeCondition(condition)).toBe(
      `the resource matches ${Resource[1]} or the resource matches ${JOURNAL}`,
    );
    expect(describeCondition(not(isResource(globOf(JOURNAL))))).toBe(
      `the resource does not match ${JOURNAL}`,
    );
    const covered = ['journal-x', 'other-x', 'other', 'other-xy'].map((name) =>
      evaluate(condition, { values: () => [], resource: functionOf(name) }),
    );
    expect(covered).toEqual([true, true, false, false]);
  });

  const QUEUE = 'arn:aws:sqs:eu-north-1:444455556666:q';
  it.each<[string, Principal, string, string, string, unknown[]?]>([
    ['of another account', rolePrincipal(ROLE), 'sqs:SendMessage', QUEUE, 'when'],
    [
      'of the own account',
      rolePrincipal(ROLE),
      'sqs:SendMessage',
      QUEUE.replace('444455556666', ACCOUNT),
      'never',
      [],
    ],
    ['of no account', rolePrincipal(ROLE), 's3:GetObject', 'arn:aws:s3:::b/x', 'never', []],
    ['of a key', rolePrincipal(ROLE), 'kms:Sign', `${KEY}2`, 'when'],
    ['of a role', rolePrincipal(ROLE), 'sts:AssumeRole', `${ROLE}2`, 'when'],
    ['for a service', SERVICE, 'sqs:SendMessage', QUEUE, 'when'],
    ['for nobody', ANONYMOUS, 's3:GetObject', 'arn:aws:s3:::b/x', 'when'],
    [
      'of another role',
      rolePrincipal(`${ROLE}2`),
      'sqs:SendMessage',
      QUEUE.replace('444455556666', ACCOUNT),
      'when',
    ],
    ['of nothing', rolePrincipal(ROLE), 'kms:CreateKey', '*', 'always'],
    ['of nothing, for a service', SERVICE, 'kms:CreateKey', '*', 'never'],
    ['that every session has', rolePrincipal(ROLE), 'sts:GetCallerIdentity', '*', 'always'],
  ])(
    'what a policy may say that is not there, %s',
    (_name, principal, action, resource, expected, identity = [allow('*')]) => {
      expect(decide({ principal, action, resource }, world({ identity })).verdict).toBe(expected);
    },
  );
});

describe('endpoints', () => {
  const key = [allow('kms:Sign', is('aws:SourceVpc', SIGNING.vpc))];

  it('of the VPC are the only way to be in it', () => {
    expect(sign({ key })).toBe('aws:SourceVpc is vpc-0aaa');
    expect(sign({ key: [allow('kms:Sign', is('aws:SourceVpc', ZONE.vpc))] })).toBe('never');
    expect(sign({ key: [allow('kms:Sign', is('aws:SourceVpce', ZONE.endpoint))] })).toBe('never');
  });
  it('let pass what their policy allows', () => {
    expect(sign({ key, endpoint: [allow('kms:Verify')] })).toBe('never');
    expect(sign({ key, endpoint: [allow('kms:Sign', is('kms:MessageType', 'DIGEST'))] })).toBe(
      'aws:SourceVpc is vpc-0aaa and kms:MessageType is DIGEST',
    );
    expect(sign({ key: [allow('kms:Sign')], endpoint: [allow('kms:Verify')] })).toBe(
      'aws:SourceVpce is not vpce-0aaa',
    );
  });
  it('of a service that is not known may serve anything', () => {
    const given = world({ key: [allow('kms:Sign', is('aws:SourceVpce', 'vpce-0ccc'))] });
    const asked = { principal: rolePrincipal(ROLE), action: 'kms:Sign', resource: KEY };
    const withEndpoint = (service: string, statements?: unknown[]) => {
      const one = endpoint({ endpoint: 'vpce-0ccc', vpc: 'vpc-0ccc' }, service, statements);
      return decide(asked, { ...given, endpoints: new Map([[one.id, one]]) }).verdict;
    };
    expect(withEndpoint('lambda')).toBe('never');
    expect(withEndpoint('kms-fips')).toBe('when');
    expect(withEndpoint('kms-fips', [allow('kms:Verify')])).toBe('never');
    expect(withEndpoint(unknownValue('P'))).toBe('when');
    expect(withEndpoint('something-new', [allow('kms:Verify')])).toBe('never');
  });
  it('have services whose names are not those of actions', () => {
    expect(mayServe('monitoring', 'cloudwatch:PutMetricData')).toBe(true);
    expect(mayServe('monitoring', 'monitoring:PutMetricData')).toBe(false);
    expect(['cloudwatch:PutMetricData', 'kms:Sign', 'iam:GetRole'].map(endpointServiceOf)).toEqual([
      'monitoring',
      'kms',
      'iam',
    ]);
  });
  it('that the network leaves', () => {
    expect(
      sign({ key: [allow('kms:Sign')], endpoint: [allow('kms:Verify')] }, { via: [SIGNING.endpoint] }),
    ).toBe('never');
    expect(sign({ key: [allow('kms:Sign')] }, { via: [SIGNING.endpoint] })).toBe('always');
    expect(sign({ key: [allow('kms:Sign')] }, { via: [] })).toBe('never');
  });
});
