import { type Reach, readAnsweredNames } from '../network/reach.ts';
import { NO_ZONE } from './actors.ts';
import type { CapabilityRow } from './capability.ts';
import type { ProofInput } from './rule.ts';

/** The action of the matrix's lines about the network: opening a connection. */
export const CONNECT = 'network:connect';

/** What each function can open connections to, as lines of the matrix: the internet, and endpoints. */
export function reachRows(input: ProofInput): CapabilityRow[] {
  return input.reach.flatMap((reach) => {
    const { name: principal, resource, endpoints, elsewhere } = reach;
    const { zone = NO_ZONE } = resource;
    const row: Omit<CapabilityRow, 'resource'> = {
      ...{ principal, zone, action: CONNECT, asked: undefined, verdict: 'always', when: '' },
      ...{ layers: [], alone: '', allowed: true },
    };
    return [
      internetRow(row, reach, input),
      ...endpoints.map((endpoint) => ({ ...row, resource: `${endpoint.service} through ${endpoint.id}` })),
      ...elsewhere.map(({ destination: to, through, ports }) => {
        return { ...row, resource: `${to} on ${ports} through ${through}` };
      }),
    ];
  });
}

function internetRow(
  row: Omit<CapabilityRow, 'resource'>,
  { internet, resource }: Reach,
  input: ProofInput,
): CapabilityRow {
  if (internet === 'none') return { ...row, resource: 'the internet', verdict: 'never', layers: ['network'] };
  const vpc = input.network.vpcs.find(({ stack }) => stack === resource.stack);
  const names = vpc === undefined ? 'every name' : readAnsweredNames(input.assembly, vpc.physicalId);
  const ports = internet === 'https' ? 'the port is TCP 443' : 'on any port';
  const asked = Array.isArray(names)
    ? names.filter((name) => !name.endsWith('.amazonaws.com')).join(', ')
    : names;
  const when = `${ports}; the VPC resolver answers ${asked}`;
  return { ...row, resource: 'the internet', verdict: 'when', when };
}
