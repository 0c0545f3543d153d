import { describe, expect, it } from 'vitest';
import { defineSystem } from '../../infra/declaration/define.ts';
import { deriveAssembly } from '../../infra/proof/derived/derive.ts';
import { prove } from '../../infra/proof/prove.ts';

import system from '../one-client.zones.ts';
import { findingsOf, STACKS, withTemplate } from './proof/mutate.ts';
import { synthesize as read } from './proof/one-client.ts';
import { synthesize, synthesizeTemplates, text } from './synthesize.ts';

const CLINIC = 'arn:aws:iam::111122223333:role/clinic';
const { public: zone } = system.zones;
const withCallers = (callers: readonly { role: string; calls: 'signers' | 'entry' }[]) =>
  defineSystem({
    ...system,
    account: '111122223333',
    zones: { ...system.zones, public: { ...zone, callers } },
  });
const declared = withCallers([{ role: CLINIC, calls: 'signers' }]);

describe('a role outside the system that asks a zone’s signers', () => {
  const folder = synthesize(declared);
  const assembly = read(declared);
  const proof = prove(assembly, declared, { derived: deriveAssembly(declared, assembly) });

  it('passes the zone’s endpoint, and no other zone’s', () => {
    const through = (stack: string) =>
      JSON.stringify(folder.find(stack, 'Networklambdaendpoint').Properties['PolicyDocument']);
    expect(through(STACKS.public)).toContain(CLINIC);
    expect(through(STACKS.internal)).not.toContain(CLINIC);
  });

  it('is the one that the signer’s own policy lets by beside the zone’s functions', () => {
    const policies = folder.ofType('AWS::Lambda::ResourcePolicy').map(([, { Properties }]) => ({
      of: text(Properties['ResourceArn']),
      asks: JSON.stringify(Properties['PolicyDocument']).includes(CLINIC),
    }));
    for (const { of, asks } of policies) expect(asks, of).toBe(of.endsWith('-public'));
    expect(policies.filter(({ asks }) => asks)).toHaveLength(1);
  });

  it('is assumed by name, and the proof holds for nobody else', () => {
    expect(proof.violations).toEqual([]);
    expect(proof).toMatchObject({
      verdict: 'holds assuming',
      assumptions: [{ kind: 'caller', name: CLINIC, field: 'zones.public.callers[0]' }],
    });
    const other = withTemplate(assembly, STACKS.public, (r) => {
      for (const resource of Object.values(r))
        if (resource.Type === 'AWS::Lambda::ResourcePolicy')
          resource.Properties = JSON.parse(
            JSON.stringify(resource.Properties).replaceAll('role/clinic', 'role/other'),
          );
    });
    expect(findingsOf('signers-have-one-caller', other, declared)).not.toEqual([]);
  });
});

describe('a caller', () => {
  it.each([
    [
      'of another account',
      { role: 'arn:aws:iam::999999999999:role/x', calls: 'signers' } as const,
      /another account/,
    ],
    [
      'of every role',
      { role: 'arn:aws:iam::111122223333:role/*', calls: 'signers' } as const,
      /without wildcards/,
    ],
  ])('is refused: %s', (_, caller, message) => {
    expect(() => withCallers([caller])).toThrow(message);
  });

  it('of an entry needs a route that asks IAM, and changes no template', () => {
    const entry = withCallers([{ role: CLINIC, calls: 'entry' }]);
    const without = withCallers([]);
    const templates = (of: typeof entry) => {
      const { stacks, resources } = synthesizeTemplates(of);
      return stacks.map(resources);
    };
    expect(templates(entry)).toEqual(templates(without));
    const closed = { ...zone, gateway: { ...zone.gateway, routes: [] }, callers: entry.zones.public.callers };
    expect(() => defineSystem({ ...declared, zones: { ...system.zones, public: closed } })).toThrow(
      /authorize: 'iam'/,
    );
  });
});
