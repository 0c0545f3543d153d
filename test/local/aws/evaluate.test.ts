import { describe, expect, it } from 'vitest';
import { unknownValue } from '../../../infra/proof/assembly/unknown.ts';
import { comesThrough } from '../../../infra/proof/policy/endpoint.ts';
import { type Principal, principalOf, rolePrincipal } from '../../../infra/proof/policy/principal.ts';
import type { Request } from '../../../infra/proof/policy/request.ts';
import { parsePolicy } from '../../../infra/proof/policy/statement.ts';
import {
  addResource,
  emptyWorld,
  type Role,
  removeResource,
  type World,
} from '../../../infra/proof/policy/world/world.ts';
import { authorize } from '../../../local/aws/evaluate.ts';
import { requestOf, worldOf } from '../../infra/proof/policy/build.ts';
import { DIFFERENCES, HAND_WRITTEN } from '../../infra/proof/policy/cases.ts';

describe('one request', () => {
  it.each([...HAND_WRITTEN, ...DIFFERENCES])('$name: $allowed', ({ given, context, allowed }) => {
    expect(authorize(requestOf(given, context), worldOf(given)).allowed).toBe(allowed);
  });
});

const ACCOUNT = '111122223333';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/app/worker`;
const KEY = `arn:aws:kms:eu-north-1:${ACCOUNT}:key/1`;
const QUEUE = `arn:aws:sqs:eu-north-1:${ACCOUNT}:q`;
const allow = (Action: string, more: object = {}) => ({ Effect: 'Allow', Action, Resource: '*', ...more });
const deny = (Action: string, more: object = {}) => ({ ...allow(Action, more), Effect: 'Deny' });
const document = (...Statement: unknown[]) => ({ Version: '2012-10-17', Statement });

function role(more: Partial<Role> & { statements?: unknown[] } = {}): Role {
  return {
    arn: ROLE,
    account: ACCOUNT,
    identity: [parsePolicy('own', document(...(more.statements ?? [])))],
    boundary: undefined,
    trust: parsePolicy('trust', document()),
    tags: new Map(),
    constructPath: 'x',
    ...more,
  };
}

function world(one: Role, more: Partial<World> = {}): World {
  return emptyWorld({ account: ACCOUNT, roles: new Map([[one.arn, one]]), ...more });
}

const mayAt = (given: World, action: string, resource: string, principal = rolePrincipal(ROLE, 's')) =>
  authorize({ principal, action, resource, context: {} }, given).allowed;

const ask = (one: Role, request: Partial<Request>, more: Partial<World> = {}) =>
  authorize(
    {
      principal: rolePrincipal(ROLE, 's'),
      action: 'sqs:SendMessage',
      resource: QUEUE,
      context: {},
      ...request,
    },
    world(one, more),
  );

describe('refusals are worded as AWS words them', () => {
  const who = `User: arn:aws:sts::${ACCOUNT}:assumed-role/worker/s is not authorized to perform: sqs:SendMessage on resource: ${QUEUE}`;
  const nothing = [parsePolicy('p', document(allow('s3:*')))];
  const endpoint = {
    id: 'vpce-0a',
    vpc: 'vpc-0a',
    service: 'sqs',
    kind: 'Interface' as const,
    policy: nothing[0],
    through: comesThrough('vpce-0a'),
    constructPath: 'e',
  };

  const all = role({ statements: [allow('*')] });
  const denied = role({ statements: [allow('*'), deny('sqs:*')] });
  const bounded = role({ statements: [allow('*')], boundary: nothing[0] });
  const throughEndpoint = { context: { 'aws:SourceVpce': 'vpce-0a' } };
  const endpoints = new Map([['vpce-0a', endpoint]]);

  it.each<[string, Role, Partial<Request>, Partial<World>, string]>([
    [
      'no identity policy',
      role(),
      {},
      {},
      'because no identity-based policy allows the sqs:SendMessage action',
    ],
    ['a Deny in one', denied, {}, {}, 'with an explicit deny in an identity-based policy'],
    ['a boundary', bounded, {}, {}, 'because no permissions boundary allows the sqs:SendMessage action'],
    [
      'an endpoint policy',
      all,
      throughEndpoint,
      { endpoints },
      'because no VPC endpoint policy allows the sqs:SendMessage action',
    ],
  ])('%s', (_name, one, request, more, reason) => {
    const decision = ask(one, request, more);
    expect(decision.allowed ? '' : decision.message).toBe(`${who} ${reason}`);
  });

  it('a key policy', () => {
    const given = world(role({ statements: [allow('*')] }));
    addResource(given, {
      arn: KEY,
      policy: document(allow('kms:DisableKey', { Principal: { AWS: ACCOUNT } })),
    });
    const decision = authorize(
      { principal: rolePrincipal(ROLE, 's'), action: 'kms:Sign', resource: KEY, context: {} },
      given,
    );
    expect(decision).toMatchObject({
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
  it.each([
    ['an operator', [allow('*', { Condition: { StringResembles: { 'aws:userid': 'x' } } })]],
    [
      'an operator in a Deny',
      [allow('*'), deny('*', { Condition: { StringResembles: { 'aws:userid': 'x' } } })],
    ],
    ['a statement that is an unresolved intrinsic', [allow('*'), unknownValue('If')]],
    ['an effect', [{ Effect: unknownValue('P'), Action: '*', Resource: '*' }]],
    ['an action', [allow(`sqs:${unknownValue('P')}`)]],
    ['a resource', [allow('*', { Resource: unknownValue('P') })]],
    ['a policy variable', [allow('*', { Resource: QUEUE.replace('q', '${aws:userid}') })]],
    ['a number', [allow('*', { Condition: { NumericLessThan: { 'aws:userid': '5' } } })]],
    ['a resource with too few parts', [allow('*', { Resource: 'arn:aws:sqs:*' })]],
    [
      'a key with several values, asked for one',
      [allow('*', { Condition: { StringEquals: { 'aws:TagKeys': 'a' } } })],
    ],
  ])('%s', (_name, statements) => {
    expect(
      ask(role({ statements }), { context: { 'aws:userid': 'x', 'aws:TagKeys': ['a', 'b'] } }).allowed,
    ).toBe(false);
  });

  it('but does not keep a certain Allow from allowing', () => {
    const one = role({
      statements: [allow('*'), allow('*', { Condition: { StringResembles: { a: 'x' } } })],
    });
    expect(ask(one, {}).allowed).toBe(true);
  });

  it('a role, a key or a foreign resource that the world does not have', () => {
    expect(ask(role(), { principal: rolePrincipal(`${ROLE}2`, 's') }).allowed).toBe(false);
    expect(ask(role({ statements: [allow('*')] }), { action: 'kms:Sign', resource: KEY }).allowed).toBe(
      false,
    );
    expect(
      ask(role({ statements: [allow('*')] }), { resource: QUEUE.replace(ACCOUNT, '444455556666') }).allowed,
    ).toBe(false);
  });
});

describe('keys that follow from caller and resource', () => {
  it.each([
    ['aws:PrincipalArn', ROLE],
    ['aws:PrincipalAccount', ACCOUNT],
    ['aws:ResourceAccount', ACCOUNT],
    ['aws:PrincipalType', 'AssumedRole'],
    ['aws:PrincipalTag/Zone', 'public'],
    ['aws:ResourceTag/System', 'journal'],
  ])('%s', (key, value) => {
    const one = role({
      statements: [allow('*', { Condition: { StringEquals: { [key]: value } } })],
      tags: new Map([['zone', 'public']]),
    });
    const given = world(one);
    addResource(given, { arn: QUEUE, tags: { System: 'journal' } });
    const request = { principal: rolePrincipal(ROLE, 's'), action: 'sqs:SendMessage', resource: QUEUE };
    expect(authorize({ ...request, context: {} }, given).allowed).toBe(true);
    expect(authorize({ ...request, context: { [key]: 'other' } }, given).allowed).toBe(false);
  });

  it('kms:CallerAccount', () => {
    const given = world(role());
    addResource(given, {
      arn: KEY,
      policy: document(
        allow('kms:Sign', { Principal: '*', Condition: { StringEquals: { 'kms:CallerAccount': ACCOUNT } } }),
      ),
    });
    expect(mayAt(given, 'kms:Sign', KEY)).toBe(true);
  });
});

describe('who a principal element takes in', () => {
  const session = (name: string) => ({ AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/worker/${name}` });
  const root = { AWS: `arn:aws:iam::${ACCOUNT}:root` };
  const service: Principal = { kind: 'service', service: 'sns.amazonaws.com' };
  it.each<[string, Principal, object, boolean]>([
    ['the role, with its path', rolePrincipal(ROLE, 's'), { AWS: ROLE }, true],
    ['a role with another path', rolePrincipal(ROLE, 's'), { AWS: ROLE.replace('/app', '') }, false],
    ['a session, by name', rolePrincipal(ROLE, 's'), session('s'), false],
    ['another session', rolePrincipal(ROLE, 's'), session('t'), false],
    ['a wildcard for sessions, which AWS refuses to store', rolePrincipal(ROLE, 's'), session('*'), false],
    [
      'a user',
      principalOf(`arn:aws:iam::${ACCOUNT}:user/u`),
      { AWS: `arn:aws:iam::${ACCOUNT}:user/u` },
      true,
    ],
    ['the root user', principalOf(`arn:aws:iam::${ACCOUNT}:root`), root, true],
    ['a service', service, { Service: ['sns.amazonaws.com'] }, true],
    ['a service among accounts', service, root, false],
    ['everybody, anonymous too', { kind: 'anonymous' }, { AWS: '*' }, true],
    ['an account, anonymous', { kind: 'anonymous' }, root, false],
    ['a federated identity', rolePrincipal(ROLE, 's'), { Federated: 'accounts.google.com' }, false],
  ])('%s', (_name, principal, Principal, allowed) => {
    const given = world(role());
    addResource(given, { arn: QUEUE, policy: document(allow('sqs:*', { Principal })) });
    expect(mayAt(given, 'sqs:SendMessage', QUEUE, principal)).toBe(allowed);
  });

  const notPrincipal = (...AWS: string[]) => deny('sqs:*', { NotPrincipal: { AWS } });
  const sessionArn = `arn:aws:sts::${ACCOUNT}:assumed-role/worker/s`;
  it.each<[string, object, Partial<Role>, boolean]>([
    [
      'NotPrincipal that spares session, role and account',
      notPrincipal(sessionArn, ROLE, ACCOUNT),
      {},
      false,
    ],
    ['NotPrincipal that spares somebody else', notPrincipal(`${ROLE}2`), {}, false],
    [
      'NotPrincipal with Allow, which AWS does not support',
      allow('sqs:*', { NotPrincipal: { AWS: ROLE } }),
      { identity: [] },
      false,
    ],
  ])('%s', (_name, statement, more, allowed) => {
    const given = world(role({ statements: [allow('*')], ...more }));
    addResource(given, { arn: QUEUE, policy: document(statement) });
    expect(mayAt(given, 'sqs:SendMessage', QUEUE)).toBe(allowed);
  });
});

describe('roles are assumed by what their trust policy says', () => {
  const target = (trust: unknown): Role =>
    role({
      arn: `arn:aws:iam::${ACCOUNT}:role/target`,
      trust: parsePolicy('trust', document(trust)),
      statements: [],
    });
  const assume = (principal: Principal, from: Role, to: Role) => {
    const roles = new Map([from, to].map((one) => [one.arn, one]));
    return mayAt(world(from, { roles }), 'sts:AssumeRole', to.arn, principal);
  };
  const trusting = (Principal: unknown) => ({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal });

  const lambda: Principal = { kind: 'service', service: 'lambda.amazonaws.com' };
  const ec2: Principal = { kind: 'service', service: 'ec2.amazonaws.com' };
  const worker = rolePrincipal(ROLE, 's');
  const toLambda = trusting({ Service: 'lambda.amazonaws.com' });
  const toAccount = trusting({ AWS: ACCOUNT });
  const mayAll = role({ statements: [allow('*')] });

  it.each<[string, Principal, Role, unknown, boolean]>([
    ['the service it is for', lambda, role(), toLambda, true],
    ['another service', ec2, role(), toLambda, false],
    ['a role that may and is not trusted', worker, mayAll, toLambda, false],
    ['a role that is trusted by name', worker, role(), trusting({ AWS: ROLE }), true],
    ['a role whose account is trusted, and may', worker, mayAll, toAccount, true],
    ['a role whose account is trusted, and may not', worker, role(), toAccount, false],
  ])('%s', (_name, principal, from, trust, allowed) => {
    expect(assume(principal, from, target(trust))).toBe(allowed);
  });
});

describe('the world at run time', () => {
  it('takes keys, changed policies and their removal', () => {
    const given = world(role());
    const decide = () => mayAt(given, 'kms:Sign', KEY);
    expect(decide()).toBe(false);
    addResource(given, {
      arn: KEY,
      policy: JSON.stringify(document(allow('kms:Sign', { Principal: { AWS: ROLE } }))),
    });
    expect(decide()).toBe(true);
    addResource(given, { arn: KEY, policy: document() });
    expect(decide()).toBe(false);
    removeResource(given, KEY);
    expect(decide()).toBe(false);
  });
});
