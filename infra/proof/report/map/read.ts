import { assumptionsOf } from '../../../declaration/assumptions.ts';
import { SIGNING } from '../../assembly/network.ts';
import type { ResolvedResource } from '../../assembly/resolve.ts';
import { untouching } from '../../rules/others.ts';
import type { Finding, ProofInput } from '../../rules/rule.ts';
import { computeCalls } from './calls.ts';
import { readEntries, startCalls } from './entries.ts';
import { exitsOf, hostCalls, hostNodes } from './hosts.ts';
import { type MapNode, type MapZone, OUTSIDE, type ZoneMap } from './model.ts';
import { readNodes, readSigners } from './nodes.ts';

/**
 * Reads the zone map out of what the proof looks at: zones, what is in them, and every call that their policies and networks
 * permit, asked of the engine. `findings` are drawn in red. Leaves out the zones' data keys, logs and alarms.
 * @throws {ZonesError} config_invalid: a signer's grant is none.
 */
export function readZoneMap(whole: ProofInput, findings: readonly Finding[] = []): ZoneMap {
  const input = withoutOthers(whole);
  const { declaration, assembly, network, world, reach } = input;
  const entries = readEntries(assembly);
  const signers = readSigners(assembly);
  const own = readNodes(declaration, assembly, world, entries, signers);
  const hosts = hostNodes(declaration, assembly, network);
  const exits = exitsOf(declaration, reach);
  const calls = [
    ...entries.flatMap((entry) => startCalls(entry, world)),
    ...computeCalls(own, input),
    ...hostCalls(reach, network, hosts),
    ...exits.calls,
  ];
  const map = {
    system: declaration.name,
    zones: readZones(input),
    nodes: [...own, ...hosts.map(({ node }) => node), ...exits.nodes],
    calls,
    findings,
    assumptions: assumptionsOf(declaration),
  };
  return markViolations(map);
}

/** Marks what the findings are about. */
function markViolations(map: ZoneMap): ZoneMap {
  const { findings, system } = map;
  const byId = new Map(map.nodes.map((node) => [node.id, node]));
  const isAbout = (finding: Finding, node: MapNode | undefined) =>
    node !== undefined &&
    [node.id, ...node.resources].some((name) => finding.resource === name || finding.path.includes(name));
  return {
    ...map,
    zones: map.zones.map((zone) => {
      const stack = zone.signing ? `${system}-signing` : `${system}-zone-${zone.name}`;
      return { ...zone, violated: findings.some(({ resource }) => `${resource}/`.startsWith(`${stack}/`)) };
    }),
    nodes: map.nodes.map((node) => ({ ...node, violated: findings.some((one) => isAbout(one, node)) })),
    calls: map.calls.map((call) => ({
      ...call,
      violated: findings.some((one) => isAbout(one, byId.get(call.from)) && isAbout(one, byId.get(call.to))),
    })),
  };
}

/** What of other stacks does not touch the system is not drawn. */
function withoutOthers(input: ProofInput): ProofInput {
  const others = untouching(input.assembly, input.declaration);
  const isDrawn = ({ constructPath }: ResolvedResource) => !others.has(constructPath);
  return {
    ...input,
    assembly: { ...input.assembly, resources: input.assembly.resources.filter(isDrawn) },
    reach: input.reach.filter(({ resource }) => isDrawn(resource)),
  };
}

function readZones({ declaration, network, reach }: ProofInput): MapZone[] {
  const names = Object.keys(declaration.zones);
  const isAdmin = (name: string) => declaration.zones[name]?.admin === true;
  const ordered = [...names.filter((name) => !isAdmin(name)), ...names.filter(isAdmin), SIGNING];
  const outsiders = reach.some(({ resource }) => resource.zone === undefined);
  return [...ordered, ...(outsiders ? [OUTSIDE] : [])].map((name) => {
    const vpcs = network.vpcs.filter(({ physicalId }) => network.zones.get(physicalId) === name);
    const mine = reach.filter(({ resource }) => (resource.zone ?? OUTSIDE) === name);
    const internets = mine.map(({ internet }) => internet);
    return {
      name,
      signing: name === SIGNING,
      cidr: vpcs.map(({ properties }) => String(properties.CidrBlock)).join(', '),
      internet: internets.includes('any') ? 'any' : internets.includes('https') ? 'https' : 'none',
      violated: false,
    };
  });
}
