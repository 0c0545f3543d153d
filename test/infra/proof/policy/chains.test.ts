import { describe, expect, it } from 'vitest';
import { emptyWorld, parsePolicy, type Role, roleChains } from '../../../../infra/proof/policy/index.ts';

const arn = (name: string) => `arn:aws:iam::111122223333:role/${name}`;

function role(name: string, trusted: string[], may: string[] = []): Role {
  const Statement = [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: trusted.map(arn) } }];
  const allow = may.map((other) => ({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: arn(other) }));
  return {
    arn: arn(name),
    account: '111122223333',
    identity: [parsePolicy(name, { Version: '2012-10-17', Statement: allow })],
    boundary: undefined,
    trust: parsePolicy(name, { Version: '2012-10-17', Statement: trusted.length === 0 ? [] : Statement }),
    tags: new Map(),
    constructPath: name,
  };
}

describe('chains of roles', () => {
  it('are followed to their end, round circles too, and not past a role that trusts nobody', () => {
    const roles = [role('a', ['c']), role('b', ['a']), role('c', ['b']), role('d', [], []), role('e', ['d'])];
    const world = emptyWorld({ roles: new Map(roles.map((one) => [one.arn, one])) });
    expect(roleChains(world, arn('a')).map(({ role, through }) => [role, through])).toEqual([
      [arn('b'), [arn('b')]],
      [arn('c'), [arn('b'), arn('c')]],
    ]);
    expect(roleChains(world, arn('e'))).toEqual([]);
  });
});
