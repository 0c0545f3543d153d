import { describe, expect, it } from 'vitest';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { matrixOf } from '../../../../infra/proof/prove.ts';
import { readInput } from '../../../../infra/proof/read-input.ts';
import type { CapabilityRow } from '../../../../infra/proof/rules/capability.ts';
import { CONNECT } from '../../../../infra/proof/rules/reach-rows.ts';
import { createAuthorize } from '../../../../local/aws/authorize.ts';
import type { Caller } from '../../../../local/aws/call.ts';
import { sampled } from '../../../full.ts';
import zones from '../../../two-clients.zones.ts';
import { synthesize } from '../one-client.ts';
import { faultOf } from '../replay.ts';

const input = readInput(resolveAssembly(synthesize(zones)), zones);
const rows = matrixOf({ input }).filter(({ action }) => action !== CONNECT);
const possible = rows.filter(({ verdict }) => verdict !== 'never');
const faultsOf = (some: readonly CapabilityRow[]) =>
  some.flatMap(({ principal, action, resource, request }) => {
    const fault = faultOf(request?.(), input.world);
    return fault === undefined ? [] : [`${principal} ${action} ${resource}: ${fault}`];
  });

describe('the request of a line of the matrix', () => {
  it('is allowed where the line says that something is possible, with nothing unknown', () => {
    expect(possible.length).toBeGreaterThan(200);
    expect(faultsOf(possible)).toEqual([]);
    expect(possible.filter(({ request }) => request?.()?.assuming)).toEqual([]);
  });

  it('lacks each of the layers that it names, and no other, where the line says never', () => {
    expect(faultsOf(sampled(rows.filter(({ verdict }) => verdict === 'never')))).toEqual([]);
  });

  it('is allowed by the local AWS too', () => {
    const local = createAuthorize(input.world);
    for (const { request } of possible) {
      const witness = request?.();
      if (witness?.principal.kind !== 'role') throw new Error('no request of a role');
      const { principal, action, resource, context } = witness;
      const { arn, account, session = '' } = principal;
      const caller: Caller = {
        kind: 'role',
        arn,
        account,
        session: `arn:aws:sts::${account}:assumed-role/${arn.split('/').at(-1)}/${session}`,
      };
      const present = Object.entries(context).flatMap(([key, value]) =>
        value === null ? [] : [[key, value]],
      );
      const asked = { caller, action, resource, context: Object.fromEntries(present) };
      expect(local(asked), JSON.stringify(witness)).toEqual({ allowed: true });
    }
  });
});
