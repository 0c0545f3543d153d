import type { SystemDeclaration } from '../../declaration/types.ts';
import { type Network, SIGNING, zoneOfStack } from '../network/model.ts';
import { computeReach, type Reach } from '../network/reach.ts';
import type { World } from '../policy/index.ts';
import { type ResolvedAssembly, resourcesOfType } from '../resolve.ts';
import type { Finding } from '../rule.ts';
import { buildWorld } from '../world/build.ts';
import { computeCalls } from './calls.ts';
import { readEntries, startCalls } from './entries.ts';
import { hostCalls, hostNodes } from './hosts.ts';
import { type MapZone, OUTSIDE, type ZoneMap, zoneTitle } from './model.ts';
import { readNodes, readSigners } from './nodes.ts';
import { markViolations } from './violations.ts';

/** What a map is made from. `world` is built from the assembly where it is not given. */
export interface MapInput {
  declaration: SystemDeclaration;
  assembly: ResolvedAssembly;
  network: Network;
  world?: World;
  /** What the rules found; drawn in red. */
  findings?: readonly Finding[];
}

/**
 * Reads the zone map out of a cloud assembly: its zones, what is in them, and every call that its policies and networks
 * permit, asked of the engine. Leaves out the zones' data keys, logs and alarms. Throws `config_invalid` for a signer whose
 * grant is none.
 */
export function readZoneMap(input: MapInput): ZoneMap {
  const { declaration, assembly, network, findings = [] } = input;
  const world = input.world ?? buildWorld(assembly);
  const reach = computeReach(network);
  const entries = readEntries(assembly);
  const signers = readSigners(assembly);
  const own = readNodes(declaration, assembly, world, entries, signers);
  const hosts = hostNodes(declaration, assembly, network);
  const calls = [
    ...entries.flatMap((entry) => startCalls(entry, world)),
    ...computeCalls(own, {
      world,
      reach: new Map(reach.map((of) => [of.name, of])),
      zoneOfEndpoint: (id) =>
        network.zones.get(network.endpoints.find((of) => of.id === id)?.vpc ?? '') ?? OUTSIDE,
      words: nameIds(assembly, network),
    }),
    ...hostCalls(reach, network, hosts),
  ];
  const map = {
    system: declaration.name,
    zones: readZones(declaration, assembly, network, reach),
    nodes: [...own, ...hosts.map(({ node }) => node)],
    calls,
    findings,
  };
  return markViolations(map, declaration, signers);
}

function readZones(
  declaration: SystemDeclaration,
  assembly: ResolvedAssembly,
  network: Network,
  reach: readonly Reach[],
): MapZone[] {
  const names = Object.keys(declaration.zones);
  const isAdmin = (name: string) => declaration.zones[name]?.admin === true;
  const ordered = [...names.filter((name) => !isAdmin(name)), ...names.filter(isAdmin), SIGNING];
  const outsiders = reach.some(({ resource }) => zoneOfStack(declaration, resource.stack) === undefined);
  return [...ordered, ...(outsiders ? [OUTSIDE] : [])].map((name) => {
    const vpcs = network.vpcs.filter(({ physicalId }) => network.zones.get(physicalId) === name);
    const mine = reach.filter(
      ({ resource }) => (zoneOfStack(declaration, resource.stack) ?? OUTSIDE) === name,
    );
    const internets = mine.map(({ internet }) => internet);
    return {
      name,
      signing: name === SIGNING,
      admin: isAdmin(name),
      cidr: vpcs.map(({ properties }) => String(properties.CidrBlock)).join(', '),
      account: vpcs[0]?.account ?? assembly.account,
      internet: internets.includes('any') ? 'any' : internets.includes('https') ? 'https' : 'none',
      endpoints: network.endpoints
        .filter(({ vpc }) => network.zones.get(vpc) === name)
        .map(({ service }) => service)
        .sort(),
      violated: false,
    };
  });
}

/** Puts names where conditions have ids and ARNs. */
function nameIds(assembly: ResolvedAssembly, network: Network): (text: string) => string {
  const endpoints = network.endpoints.map(({ id, service, vpc }): [string, string] => [
    id,
    `the ${service} endpoint of ${zoneTitle(network.zones.get(vpc) ?? OUTSIDE)}`,
  ]);
  const secrets = resourcesOfType(assembly, 'AWS::SecretsManager::Secret').map(
    ({ physicalId, properties }): [string, string] => [physicalId, String(properties.Name)],
  );
  const names = [...endpoints, ...secrets];
  return (text) => names.reduce((result, [id, name]) => result.replaceAll(id, name), text);
}
