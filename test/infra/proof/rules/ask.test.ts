import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../infra/proof/assembly/json.ts';
import { namedActions } from '../../../../infra/proof/assembly/roles.ts';
import { not } from '../../../../infra/proof/policy/condition.ts';
import { compileConditions } from '../../../../infra/proof/policy/operators.ts';
import type { Actor } from '../../../../infra/proof/rules/actors.ts';
import { ask } from '../../../../infra/proof/rules/ask.ts';
import { table } from '../../../../infra/terminal.ts';
import { ACCOUNT, allowed, arnOf, denied, document, functionOf, roleOf, trusting } from '../small-roles.ts';
import { endpoint, inputOf, NAT, type Resources, zoneNetwork } from '../small-system.ts';

/** NAT, and a group that lets functions out to it. */
const OUT: Resources = {
  ...NAT,
  Out: {
    Type: 'AWS::EC2::SecurityGroupEgress',
    Properties: {
      GroupId: { Ref: 'Functions' },
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      CidrIp: '0.0.0.0/0',
    },
  },
};

const SUMMARY = 'journal-public-summary';
const SEND = 'sqs:SendMessage';
const QUEUE = arnOf('sqs', 'q');

/** The one role of a zone's stack. */
function actorOf(resources: Resources): Actor {
  const [actor] = inputOf({ 'journal-zone-public': resources }).actors;
  if (actor === undefined) throw new Error('no role');
  return actor;
}

/** A queue whose own policy allows sending to `principal`. */
function queueFor(principal: unknown): Resources {
  const statement = { ...allowed(SEND), Principal: principal as JsonObject };
  return {
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q' } },
    Policy: {
      Type: 'AWS::SQS::QueuePolicy',
      Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: document(statement) },
    },
  };
}

const role = { AWS: `arn:aws:iam::${ACCOUNT}:role/${SUMMARY}` };
const session = { AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/${SUMMARY}/one` };
const held = (resources: Resources, action = SEND, on = QUEUE) =>
  ask(actorOf(resources), action, on).enforcing;

describe('what holds a never', () => {
  it('is identity policy and boundary, where neither allows', () => {
    expect(held(roleOf('public', SUMMARY, []))).toEqual(['identity policy', 'permissions boundary']);
  });

  it('is not the boundary that allows, nor one that is not there', () => {
    expect(held(roleOf('public', SUMMARY, [], [allowed(SEND)]))).toEqual(['identity policy']);
    const { Boundary: _boundary, ...bare } = roleOf('public', SUMMARY, []);
    expect(
      held({
        ...bare,
        Role: { ...bare.Role, Properties: { ...bare.Role?.Properties, PermissionsBoundary: undefined } },
      } as Resources),
    ).toEqual(['identity policy']);
  });

  it('is not an identity policy that leaves out what the resource gives the role, but the boundary', () => {
    const answer = ask(actorOf({ ...roleOf('public', SUMMARY, []), ...queueFor(role) }), SEND, QUEUE);
    expect(answer).toMatchObject({
      verdict: 'never',
      enforcing: ['permissions boundary'],
      silent: ['identity policy', 'permissions boundary'],
    });
  });

  it('is nothing, where the resource gives it to everybody', () => {
    expect(ask(actorOf({ ...roleOf('public', SUMMARY, []), ...queueFor('*') }), SEND, QUEUE).verdict).toBe(
      'always',
    );
  });

  it('is a denial, whatever the resource gives', () => {
    for (const principal of [role, session, '*']) {
      const resources = { ...roleOf('public', SUMMARY, [], [denied(SEND)]), ...queueFor(principal) };
      expect(held(resources)).toEqual(['permissions boundary']);
    }
  });

  it('is the trust policy of a role that only flow logs take', () => {
    const own = roleOf('public', SUMMARY, []);
    const flow = {
      ...own.Role?.Properties,
      AssumeRolePolicyDocument: trusting({ Service: 'vpc-flow-logs.amazonaws.com' }),
    };
    expect(held({ ...own, Role: { Type: 'AWS::IAM::Role', Properties: flow } })).toContain('trust policy');
    const gateway = { ...flow, AssumeRolePolicyDocument: trusting({ Service: 'apigateway.amazonaws.com' }) };
    expect(held({ ...own, Role: { Type: 'AWS::IAM::Role', Properties: gateway } })).not.toContain(
      'trust policy',
    );
  });
});

describe('endpoint and network', () => {
  const closed = (policy: JsonObject) =>
    endpoint('sqs', { PolicyDocument: document({ ...policy, Principal: '*' }) });
  const zone = (...more: Resources[]): Resources =>
    Object.assign(
      {
        ...zoneNetwork('10.10.0.0/20'),
        ...roleOf('public', SUMMARY, [allowed(SEND)]),
        ...functionOf(SUMMARY),
      },
      ...more,
    );
  const others = closed(allowed(SEND, arnOf('sqs', 'other')));

  it('the endpoint holds, where the network leaves no other way', () => {
    expect(held(zone(others), SEND, arnOf('sqs', 'q'))).toEqual([]);
    const silent = zone(others, roleOf('public', SUMMARY, []));
    expect(held(silent)).toContain('endpoint policy');
  });

  it('and does not, where there is NAT', () => {
    expect(held(zone(others, OUT, roleOf('public', SUMMARY, [])))).not.toContain('endpoint policy');
  });

  it('unless the boundary denies what does not come through it', () => {
    const here = { 'aws:SourceVpce': { Ref: 'sqsEndpoint' } };
    const boundary = [allowed(SEND), denied(SEND, { StringNotEquals: here })];
    expect(held(zone(others, OUT, roleOf('public', SUMMARY, [], boundary)))).toEqual([
      'identity policy',
      'endpoint policy',
    ]);
  });

  it('the network holds, where there is no way at all', () => {
    expect(held(zone(roleOf('public', SUMMARY, [])))).toContain('network');
    expect(held(zone(OUT, roleOf('public', SUMMARY, [])))).not.toContain('network');
  });

  it('an endpoint for every action holds nothing', () => {
    expect(held(zone(closed(allowed('*')), roleOf('public', SUMMARY, [])))).not.toContain('endpoint policy');
  });
});

describe('narrower questions', () => {
  const sends = actorOf(roleOf('public', SUMMARY, [allowed(SEND, [QUEUE, arnOf('sqs', 'q-*')])]));

  it('are about what is not excepted', () => {
    expect(ask(sends, SEND, 'arn:aws:sqs:*:*:*').verdict).toBe('when');
    expect(ask(sends, SEND, 'arn:aws:sqs:*:*:*', { except: [QUEUE] }).when()).toMatch(/q-\*$/);
    expect(ask(sends, SEND, 'arn:aws:sqs:*:*:*', { except: [QUEUE, arnOf('sqs', 'q-*')] }).verdict).toBe(
      'never',
    );
    expect(ask(sends, SEND, 'arn:aws:sqs:*:*:*', { except: [arnOf('sqs', 'q*')] }).verdict).toBe('never');
  });

  it('are about what is given', () => {
    const bound = actorOf(
      roleOf('public', SUMMARY, [allowed(SEND, '*', { Bool: { 'aws:SecureTransport': 'true' } })]),
    );
    const secure = compileConditions({ Bool: { 'aws:SecureTransport': 'true' } }, false);
    expect(ask(bound, SEND, QUEUE).verdict).toBe('when');
    expect(ask(bound, SEND, QUEUE, { given: secure }).verdict).toBe('always');
    expect(ask(bound, SEND, QUEUE, { given: not(secure) }).verdict).toBe('never');
  });
});

describe('the actions that a document names', () => {
  it.each([
    [document(allowed('kms:Sign'), denied('kms:Encrypt')), ['kms:Sign']],
    [document(allowed(['kms:*', 'sqs:Send?'])), ['kms:*', 'sqs:Send?']],
    [document({ Effect: 'Allow', Action: ['kms:Sign', { Ref: 'Parameter' }] }), ['kms:Sign', '*']],
    [document({ Effect: 'Allow', NotAction: 'kms:Sign', Resource: '*' }), ['*']],
    [document({ Effect: { Ref: 'Parameter' }, Action: 'kms:Sign' }), ['kms:Sign']],
    [{}, ['*']],
    ['no JSON', ['*']],
    [JSON.stringify(document(allowed('kms:Sign'))), ['kms:Sign']],
  ])('%j', (text, expected) => {
    expect(namedActions(text)).toEqual(expected);
  });
});

describe('a table', () => {
  it('aligns columns, and breaks what does not fit at blanks, or anywhere', () => {
    const rows = [
      ['who', 'may'],
      ['a', 'b c'],
      ['a-very-long-name-and-no-blank', 'one two three four five'],
    ];
    const lines = table(rows, 40).split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
    expect(lines[0]).toMatch(/^ {2}who +may$/);
    expect(lines.map((line) => line.trim()).join(' ')).toContain('one two');
  });
});
