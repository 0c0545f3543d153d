import { type Reach, readAnsweredNames } from '../network/reach.ts';
import { NO_ZONE } from './actors.ts';
import type { CapabilityRow } from './capability.ts';
import type { ProofInput } from './rule.ts';

/** The action of the matrix's lines about the network: opening a connection. */
export const CONNECT = 'network:connect';

/** What each function can open connections to, as lines of the matrix: the internet, and endpoints. */
export function reachRows(input: ProofInput): CapabilityRow[] {
  return input.reach.flatMap((reach) => {
    const { physicalId: principal, zone = NO_ZONE } = reach.resource;
    const endpoints = reach.endpoints.map(({ service, id }) => `${service} through ${id}`);
    const elsewhere = reach.elsewhere.map((to) => `${to.destination} on ${to.ports} through ${to.through}`);
    const row = (resource: string): CapabilityRow => ({
      principal,
      zone,
      action: CONNECT,
      resource,
      asked: undefined,
      verdict: 'always',
      when: '',
      layers: [],
      alone: '',
      allowed: true,
    });
    const internet = { ...row('the internet'), ...internetOf(reach, input) };
    return [internet, ...[...endpoints, ...elsewhere].map(row)];
  });
}

function internetOf({ internet, resource }: Reach, input: ProofInput): Partial<CapabilityRow> {
  if (internet === 'none') return { verdict: 'never', layers: ['network'] };
  const vpc = input.network.vpcs.find(({ stack }) => stack === resource.stack);
  const names = vpc === undefined ? 'every name' : readAnsweredNames(input.assembly, vpc.physicalId);
  const ports = internet === 'https' ? 'the port is TCP 443' : 'on any port';
  const asked = Array.isArray(names)
    ? names.filter((name) => !name.endsWith('.amazonaws.com')).join(', ')
    : names;
  return { verdict: 'when', when: `${ports}; the VPC resolver answers ${asked}` };
}
