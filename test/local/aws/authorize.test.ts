import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../infra/proof/policy/statement.ts';
import type { Role } from '../../../infra/proof/policy/world/world.ts';
import { createAuthorize, operatorRole } from '../../../local/aws/authorize.ts';
import type { AccessRequest, Caller } from '../../../local/aws/call.ts';
import { emptyWorld } from '../../infra/proof/policy/build.ts';
import { ACCOUNT, REGION, ROLE } from './harness.ts';

const KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/1`;
const policy = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });
const signer: Role = {
  arn: ROLE.arn,
  account: ACCOUNT,
  identity: [parsePolicy('own', policy({ Effect: 'Allow', Action: 'kms:Sign', Resource: '*' }))],
  boundary: undefined,
  trust: parsePolicy('trust', policy()),
  tags: new Map(),
  constructPath: 'signer',
};
const operator = operatorRole(ACCOUNT, 'operator');
const world = emptyWorld({ roles: new Map([signer, operator].map((role) => [role.arn, role])) });
const authorize = createAuthorize(world);
const session = (role: Role): Caller => ({
  kind: 'role',
  arn: role.arn,
  account: ACCOUNT,
  session: `arn:aws:sts::${ACCOUNT}:assumed-role/${role.arn.split('/')[1]}/s`,
});

/** As rotation makes them: signing by role name, administration for the account, and never both. */
const keyPolicy = policy(
  {
    Effect: 'Allow',
    Principal: { AWS: '*' },
    Action: 'kms:Sign',
    Resource: '*',
    Condition: { ArnLike: { 'aws:PrincipalArn': ROLE.arn } },
  },
  {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
    Action: ['kms:GetPublicKey', 'kms:PutKeyPolicy'],
    Resource: '*',
  },
);
const ask = (role: Role, action: string, resourcePolicy: unknown = keyPolicy): AccessRequest => ({
  caller: session(role),
  action,
  resource: KEY,
  context: { 'aws:PrincipalArn': role.arn },
  resourcePolicy,
});

describe('the policy engine behind the local AWS', () => {
  it('goes by the policy that a key has now', () => {
    expect(authorize(ask(signer, 'kms:Sign'))).toEqual({ allowed: true });
    expect(authorize(ask(signer, 'kms:Sign', policy()))).toMatchObject({ allowed: false });
    expect(authorize(ask(signer, 'kms:Sign'))).toEqual({ allowed: true });
    expect(world.resources.has(KEY)).toBe(false);
  });

  it('lets the operator do what a key policy leaves to the account, and no more', () => {
    expect(authorize(ask(operator, 'kms:GetPublicKey'))).toEqual({ allowed: true });
    expect(authorize(ask(operator, 'kms:Sign'))).toMatchObject({
      allowed: false,
      message: expect.stringMatching(
        /^User: arn:aws:sts::0+:assumed-role\/operator\/s is not authorized to perform: kms:Sign on resource: /,
      ),
    });
  });

  it('knows services by their principal', () => {
    const service: Caller = {
      kind: 'service',
      arn: 'events.amazonaws.com',
      account: ACCOUNT,
      session: 'events.amazonaws.com',
    };
    const allowed = policy({
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: '*',
    });
    const send = {
      caller: service,
      action: 'sqs:SendMessage',
      resource: `arn:aws:sqs:${REGION}:${ACCOUNT}:q`,
      context: {},
    };
    expect(authorize({ ...send, resourcePolicy: allowed })).toEqual({ allowed: true });
    expect(authorize({ ...send, resourcePolicy: policy() })).toMatchObject({ allowed: false });
  });
});
