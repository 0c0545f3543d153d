import { describe, expect, it } from 'vitest';
import { unknownValue } from '../../../infra/proof/assembly/unknown.ts';
import { comesThrough } from '../../../infra/proof/policy/endpoint.ts';
import {
  type Principal,
  principalArn,
  principalOf,
  rolePrincipal,
} from '../../../infra/proof/policy/principal.ts';
import type { Request } from '../../../infra/proof/policy/request.ts';
import { parsePolicy } from '../../../infra/proof/policy/statement.ts';
import {
  addResource,
  type Role,
  removeResource,
  type World,
} from '../../../infra/proof/policy/world/world.ts';
import { decideRequest } from '../../../local/aws/decide-request.ts';
import { emptyWorld, requestOf, worldOf } from '../../infra/proof/policy/build.ts';
import { DIFFERENCES, HAND_WRITTEN } from '../../infra/proof/policy/cases.ts';

describe('one request', () => {
  it.each([...HAND_WRITTEN, ...DIFFERENCES])('$name: $allowed', ({ given, context, allowed }) => {
    expect(decideRequest(requestOf(given, context), worldOf(given)).allowed).toBe(allowed);
  });
});

const ACCOUNT = '111122223333';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/app/worker`;
const KEY = `arn:aws:kms:eu-north-1:${ACCOUNT}:key/1`;
const QUEUE = `arn:aws:sqs:eu-north-1:${ACCOUNT}:q`;
const allow = (Action: string, more: object = {}) => ({ Effect: 'Allow', Action, Resource: '*', ...more });
const deny = (Action: string, more: object = {}) => ({ ...allow(Action, more), Effect: 'Deny' });
const document = (...Statement: unknown[]) => ({ Version: '2012-10-17', Statement });

function role(statements: unknown[] = [], more: Partial<Role> = {}): Role {
  return {
    arn: ROLE,
    account: ACCOUNT,
    constructPath: 'x',
    boundary: undefined,
    tags: new Map(),
    identity: [parsePolicy('own', document(...statements))],
    trust: parsePolicy('trust', document()),
    ...more,
  };
}
const mayAll = role([allow('*')]);
const SELF = rolePrincipal(ROLE, 's');

function world(one: Role, more: Partial<World> = {}): World {
  return emptyWorld({ account: ACCOUNT, roles: new Map([[one.arn, one]]), ...more });
}

const mayAt = (given: World, action: string, resource: string, principal: Principal = SELF) =>
  decideRequest({ principal, action, resource, context: {} }, given).allowed;
const ask = (one: Role, request: Partial<Request> = {}, more: Partial<World> = {}) => {
  const usual = { principal: SELF, action: 'sqs:SendMessage', resource: QUEUE, context: {} };
  return decideRequest({ ...usual, ...request }, world(one, more));
};

describe('refusals are worded as AWS words them', () => {
  const who = `User: arn:aws:sts::${ACCOUNT}:assumed-role/worker/s is not authorized to perform: sqs:SendMessage on resource: ${QUEUE}`;
  const nothing = [parsePolicy('p', document(allow('s3:*')))];
  const endpoint = {
    id: 'vpce-0a',
    vpc: 'vpc-0a',
    service: 'sqs',
    kind: 'Interface' as const,
    constructPath: 'e',
    policy: nothing[0],
    through: comesThrough('vpce-0a'),
  };
  const denied = role([allow('*'), deny('sqs:*')]);
  const bounded = role([allow('*')], { boundary: nothing[0] });
  const throughEndpoint = { context: { 'aws:SourceVpce': 'vpce-0a' } };
  const endpoints = new Map([['vpce-0a', endpoint]]);
  const unallowed = (by: string) => `because no ${by} allows the sqs:SendMessage action`;

  it.each<[string, string, Role, Partial<Request>?, Partial<World>?]>([
    ['no identity policy', unallowed('identity-based policy'), role()],
    ['a Deny in one', 'with an explicit deny in an identity-based policy', denied],
    ['a boundary', unallowed('permissions boundary'), bounded],
    ['an endpoint policy', unallowed('VPC endpoint policy'), mayAll, throughEndpoint, { endpoints }],
  ])('%s', (_name, reason, one, request, more) => {
    const decision = ask(one, request, more);
    expect(decision.allowed ? '' : decision.message).toBe(`${who} ${reason}`);
  });

  it('a key policy', () => {
    const given = world(mayAll);
    const policy = document(allow('kms:DisableKey', { Principal: { AWS: ACCOUNT } }));
    addResource(given, { arn: KEY, policy });
    expect(
      decideRequest({ principal: SELF, action: 'kms:Sign', resource: KEY, context: {} }, given),
    ).toMatchObject({
      layer: 'resource policy',
      message: expect.stringMatching(/because no resource-based policy allows the kms:Sign action$/),
    });
  });

  it('an action without a resource', () => {
    const decision = ask(role(), { action: 'kms:CreateKey', resource: '*' });
    expect(decision.allowed ? '' : decision.message).toBe(
      `User: arn:aws:sts::${ACCOUNT}:assumed-role/worker/s is not authorized to perform: kms:CreateKey because no identity-based policy allows the kms:CreateKey action`,
    );
  });
});

describe('what can not be known never allows', () => {
  const where = (operator: string, key: string, value: string) => ({
    Condition: { [operator]: { [key]: value } },
  });
  const resembling = where('StringResembles', 'aws:userid', 'x');
  it.each([
    ['an operator', [allow('*', resembling)]],
    ['an operator in a Deny', [allow('*'), deny('*', resembling)]],
    ['a statement that is an unresolved intrinsic', [allow('*'), unknownValue('If')]],
    ['an effect', [{ Effect: unknownValue('P'), Action: '*', Resource: '*' }]],
    ['an action', [allow(`sqs:${unknownValue('P')}`)]],
    ['a resource', [allow('*', { Resource: unknownValue('P') })]],
    ['a policy variable', [allow('*', { Resource: QUEUE.replace('q', '${aws:userid}') })]],
    ['a number', [allow('*', where('NumericLessThan', 'aws:userid', '5'))]],
    ['a resource with too few parts', [allow('*', { Resource: 'arn:aws:sqs:*' })]],
    ['a key with several values, asked for one', [allow('*', where('StringEquals', 'aws:TagKeys', 'a'))]],
  ])('%s', (_name, statements) => {
    const context = { 'aws:userid': 'x', 'aws:TagKeys': ['a', 'b'] };
    expect(ask(role(statements), { context }).allowed).toBe(false);
  });

  it('but does not keep a certain Allow from allowing', () => {
    expect(ask(role([allow('*'), allow('*', where('StringResembles', 'a', 'x'))])).allowed).toBe(true);
  });

  it('a role, a key or a foreign resource that the world does not have', () => {
    expect(ask(role(), { principal: rolePrincipal(`${ROLE}2`, 's') }).allowed).toBe(false);
    expect(ask(mayAll, { action: 'kms:Sign', resource: KEY }).allowed).toBe(false);
    expect(ask(mayAll, { resource: QUEUE.replace(ACCOUNT, '444455556666') }).allowed).toBe(false);
  });
});

describe('keys that follow from caller and resource', () => {
  it.each([
    ['aws:PrincipalArn', ROLE],
    ['aws:PrincipalAccount', ACCOUNT],
    ['aws:ResourceAccount', ACCOUNT],
    ['aws:PrincipalTag/Zone', 'public'],
    ['aws:ResourceTag/System', 'journal'],
  ])('%s', (key, value) => {
    const condition = { Condition: { StringEquals: { [key]: value } } };
    const one = role([allow('*', condition)], { tags: new Map([['zone', 'public']]) });
    const given = world(one);
    addResource(given, { arn: QUEUE, tags: { System: 'journal' } });
    const request = { principal: SELF, action: 'sqs:SendMessage', resource: QUEUE };
    expect(decideRequest({ ...request, context: {} }, given).allowed).toBe(true);
    expect(decideRequest({ ...request, context: { [key]: 'other' } }, given).allowed).toBe(false);
  });

  it('a tag of the request is none of the resource', () => {
    const Condition = { StringEquals: { 'aws:RequestTag/System': 'journal' } };
    const given = world(role([allow('*', { Condition })]));
    addResource(given, { arn: QUEUE, tags: { System: 'journal' } });
    const request = { principal: SELF, action: 'sqs:TagQueue', resource: QUEUE };
    expect(decideRequest({ ...request, context: {} }, given).allowed).toBe(false);
    const context = { 'aws:RequestTag/System': 'journal' };
    expect(decideRequest({ ...request, context }, given).allowed).toBe(true);
  });

  it('what no template has is without tags', () => {
    const tagged = (key: string) => ({ Condition: { StringEquals: { [key]: 'public' } } });
    const given = world(role([allow('*', tagged('aws:ResourceTag/Zone'))]));
    const Statement = allow('sqs:SendMessage', { Principal: '*', ...tagged('aws:PrincipalTag/Zone') });
    addResource(given, { arn: QUEUE, policy: document(Statement) });
    const stranger = rolePrincipal(`${ROLE}2`, 's');
    for (const [principal, resource] of [
      [SELF, `${QUEUE}2`],
      [stranger, QUEUE],
    ] as const) {
      const request = { principal, action: 'sqs:SendMessage', resource };
      expect(decideRequest({ ...request, context: {} }, given).allowed).toBe(false);
      const context = { 'aws:ResourceTag/Zone': 'public', 'aws:PrincipalTag/Zone': 'public' };
      expect(decideRequest({ ...request, context }, given).allowed).toBe(true);
    }
  });

  it('kms:CallerAccount', () => {
    const given = world(role());
    const Condition = { StringEquals: { 'kms:CallerAccount': ACCOUNT } };
    addResource(given, { arn: KEY, policy: document(allow('kms:Sign', { Principal: '*', Condition })) });
    expect(mayAt(given, 'kms:Sign', KEY)).toBe(true);
  });
});

describe('who a principal element takes in', () => {
  const session = (name: string) => ({ AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/worker/${name}` });
  const user = `arn:aws:iam::${ACCOUNT}:user/u`;
  const root = { AWS: `arn:aws:iam::${ACCOUNT}:root` };
  const service: Principal = { kind: 'service', service: 'sns.amazonaws.com' };
  it.each<[string, Principal, object, boolean]>([
    ['the role, with its path', SELF, { AWS: ROLE }, true],
    ['a role with another path', SELF, { AWS: ROLE.replace('/app', '') }, false],
    ['a session, by name', SELF, session('s'), false],
    ['another session', SELF, session('t'), false],
    ['a wildcard for sessions, which AWS refuses to store', SELF, session('*'), false],
    ['a user', principalOf(user), { AWS: user }, true],
    ['the root user', principalOf(`arn:aws:iam::${ACCOUNT}:root`), root, true],
    ['a service', service, { Service: ['sns.amazonaws.com'] }, true],
    ['a service among accounts', service, root, false],
    ['everybody, anonymous too', { kind: 'anonymous' }, { AWS: '*' }, true],
    ['an account, anonymous', { kind: 'anonymous' }, root, false],
    ['a federated identity', SELF, { Federated: 'accounts.google.com' }, false],
  ])('%s', (_name, principal, Principal, allowed) => {
    const given = world(role());
    addResource(given, { arn: QUEUE, policy: document(allow('sqs:*', { Principal })) });
    expect(mayAt(given, 'sqs:SendMessage', QUEUE, principal)).toBe(allowed);
  });

  const notPrincipal = (...AWS: string[]) => deny('sqs:*', { NotPrincipal: { AWS } });
  const sessionArn = `arn:aws:sts::${ACCOUNT}:assumed-role/worker/s`;
  it.each<[string, object, Role]>([
    ['that spares session, role and account', notPrincipal(sessionArn, ROLE, ACCOUNT), mayAll],
    ['that spares somebody else', notPrincipal(`${ROLE}2`), mayAll],
    ['with Allow, which AWS does not support', allow('sqs:*', { NotPrincipal: { AWS: ROLE } }), role()],
  ])('nobody by NotPrincipal %s', (_name, statement, one) => {
    const given = world(one);
    addResource(given, { arn: QUEUE, policy: document(statement) });
    expect(mayAt(given, 'sqs:SendMessage', QUEUE)).toBe(false);
  });
});

it.each<[string, Principal]>([
  [
    `arn:aws:sts::${ACCOUNT}:assumed-role/worker/s`,
    rolePrincipal(`arn:aws:iam::${ACCOUNT}:role/worker`, 's'),
  ],
  [
    `arn:aws-cn:sts::${ACCOUNT}:assumed-role/w/a/b`,
    rolePrincipal(`arn:aws-cn:iam::${ACCOUNT}:role/w`, 'a/b'),
  ],
  [
    `arn:aws:iam::${ACCOUNT}:user/u`,
    { kind: 'user', arn: `arn:aws:iam::${ACCOUNT}:user/u`, account: ACCOUNT },
  ],
  [`arn:aws:iam::${ACCOUNT}:root`, { kind: 'root', account: ACCOUNT }],
  ['sns.amazonaws.com', { kind: 'service', service: 'sns.amazonaws.com' }],
])('%s is who it names', (arn, principal) => {
  expect(principalOf(arn)).toEqual(principal);
  expect(principalArn(principal)).toBe(arn);
});

it('a role is named by its own ARN, any of its sessions by an asterisk', () => {
  expect(principalOf(ROLE)).toEqual(rolePrincipal(ROLE));
  expect(principalArn(rolePrincipal(ROLE))).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/worker/*`);
  expect(principalArn({ kind: 'anonymous' })).toBe('anonymous');
});

it('the root user may do what no policy denies', () => {
  expect(mayAt(world(role()), 'sqs:SendMessage', QUEUE, { kind: 'root', account: ACCOUNT })).toBe(true);
});

it('a policy variable is literal in an older version', () => {
  const Statement = [allow('*', { Resource: `${QUEUE}\${aws:userid}` })];
  const own = role([], { identity: [parsePolicy('own', { Version: '2008-10-17', Statement })] });
  expect(mayAt(world(own), 'sqs:SendMessage', `${QUEUE}\${aws:userid}`)).toBe(true);
});

describe('roles are assumed by what their trust policy says', () => {
  const target = (trust: unknown): Role =>
    role([], {
      arn: `arn:aws:iam::${ACCOUNT}:role/target`,
      trust: parsePolicy('trust', document(trust)),
    });
  const assume = (principal: Principal, from: Role, to: Role) => {
    const roles = new Map([from, to].map((one) => [one.arn, one]));
    return mayAt(world(from, { roles }), 'sts:AssumeRole', to.arn, principal);
  };
  const trusting = (Principal: unknown) => ({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal });

  const lambda: Principal = { kind: 'service', service: 'lambda.amazonaws.com' };
  const ec2: Principal = { kind: 'service', service: 'ec2.amazonaws.com' };
  const toLambda = trusting({ Service: 'lambda.amazonaws.com' });
  const toAccount = trusting({ AWS: ACCOUNT });

  it.each<[string, Principal, Role, unknown, boolean]>([
    ['the service it is for', lambda, role(), toLambda, true],
    ['another service', ec2, role(), toLambda, false],
    ['a role that may and is not trusted', SELF, mayAll, toLambda, false],
    ['a role that is trusted by name', SELF, role(), trusting({ AWS: ROLE }), true],
    ['a role whose account is trusted, and may', SELF, mayAll, toAccount, true],
    ['a role whose account is trusted, and may not', SELF, role(), toAccount, false],
  ])('%s', (_name, principal, from, trust, allowed) => {
    expect(assume(principal, from, target(trust))).toBe(allowed);
  });
});

describe('the world at run time', () => {
  it('takes keys, changed policies and their removal', () => {
    const given = world(role());
    const decide = () => mayAt(given, 'kms:Sign', KEY);
    expect(decide()).toBe(false);
    const policy = JSON.stringify(document(allow('kms:Sign', { Principal: { AWS: ROLE } })));
    addResource(given, { arn: KEY, policy });
    expect(decide()).toBe(true);
    addResource(given, { arn: KEY, policy: document() });
    expect(decide()).toBe(false);
    removeResource(given, KEY);
    expect(decide()).toBe(false);
  });
});
