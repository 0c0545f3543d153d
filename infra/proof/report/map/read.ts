import { type Grant, parseGrant } from '@helseid-zones/protocol/grant';
import { assumptionsOf } from '../../../declaration/assumptions.ts';
import { functionName } from '../../../declaration/names.ts';
import { registrations } from '../../../declaration/registrations.ts';
import { SIGNING } from '../../assembly/network.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { virtualKeys } from '../../policy/world/virtual-keys.ts';
import { untouching } from '../../rules/others.ts';
import type { Finding, ProofInput } from '../../rules/rule.ts';
import { filesOf } from '../../rules/targets.ts';
import { computeCalls } from './calls.ts';
import { readEntries, startCalls } from './entries.ts';
import { exitsOf, hostCalls, hostNodes } from './hosts.ts';
import { type MapNode, type MapZone, OUTSIDE, type ZoneMap } from './model.ts';

/**
 * Reads the zone map out of what the proof looks at: zones, what is in them, and every call that their policies and networks
 * permit, asked of the engine. `findings` are drawn in red. Leaves out the zones' data keys, logs and alarms.
 * @throws {ZonesError} config_invalid: a signer's grant is none.
 */
export function readZoneMap(whole: ProofInput, findings: readonly Finding[] = []): ZoneMap {
  const input = withoutOthers(whole);
  const { declaration, assembly, network, world, reach } = input;
  const entries = readEntries(assembly);
  const own = [...entries, ...readNodes(input)];
  const hosts = hostNodes(input);
  const exits = exitsOf(declaration, reach);
  return markViolations({
    system: declaration.name,
    zones: readZones(input),
    nodes: [...own, ...hosts.map(({ node }) => node), ...exits.nodes],
    calls: [
      ...entries.flatMap((entry) => startCalls(entry, world)),
      ...computeCalls(own, input),
      ...hostCalls(reach, network, hosts),
      ...exits.calls,
    ],
    findings,
    assumptions: assumptionsOf(declaration),
  });
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

/**
 * The grants that lie in the assets of functions, by the function's ARN.
 * @throws {ZonesError} config_invalid: one is no grant.
 */
export function readSigners(assembly: ResolvedAssembly): ReadonlyMap<string, Grant> {
  const found = resourcesOfType(assembly, 'AWS::Lambda::Function').flatMap((fn): [string, Grant][] => {
    const text = filesOf(fn).get('grant.json');
    return text === undefined ? [] : [[fn.arn ?? fn.physicalId, parseGrant(text)]];
  });
  return new Map(found);
}

/** The nodes that are resources: functions and signers, tables, client keys, records and secrets. */
function readNodes({ declaration, assembly, world }: ProofInput): MapNode[] {
  const signers = readSigners(assembly);
  const nodesOf = (type: string, read: (one: ResolvedResource, zone: string) => Partial<MapNode>) =>
    resourcesOfType(assembly, type).map((one): MapNode => {
      const { zone = OUTSIDE, physicalId: label, arn: id = label, constructPath } = one;
      const common = { id, zone, kind: 'function', label, notes: [], resources: [constructPath] } as const;
      return { ...common, violated: false, ...read(one, zone) };
    });
  const shortName = (name: string, zone: string) => {
    const prefixes = [functionName(declaration.name, zone, ''), `${declaration.name}-`];
    return name.slice(prefixes.find((prefix) => name.startsWith(prefix))?.length ?? 0);
  };
  const functions = nodesOf('AWS::Lambda::Function', (fn, zone) => {
    const grant = signers.get(fn.arn ?? fn.physicalId);
    const role = world.roles.get(String(fn.properties.Role))?.constructPath;
    return {
      label: shortName(fn.physicalId, zone),
      resources: [fn.constructPath, ...(role === undefined ? [] : [role])],
      ...(grant && { kind: 'signer', notes: grantNotes(grant) }),
    };
  });
  const tables = nodesOf('AWS::DynamoDB::Table', ({ physicalId }, zone) => ({
    kind: 'table',
    label: shortName(physicalId, zone),
    notes: ['table of the zone'],
  }));
  const made = new Map(virtualKeys(assembly).map(({ arn, client }) => [arn, client]));
  const keys = [...made].map(([id, client]): MapNode => {
    const algorithm = declaration.clients[client]?.algorithm;
    const notes = [`of client ${client}`, ...(algorithm === undefined ? [] : [algorithm]), 'only in KMS'];
    const zone = SIGNING;
    return { id, kind: 'key', zone, label: 'client key', notes, resources: [], violated: false };
  });
  const records = nodesOf('AWS::SecretsManager::Secret', ({ properties }, zone) => {
    const parts = String(properties.Name).split('/');
    const isKey = registrations(declaration).some((of) => of.zone === zone && of.name === parts.at(-1));
    const notes = [isKey ? 'client key, can be read out' : 'secret'];
    return zone === SIGNING
      ? { kind: 'record', label: 'client record', notes: [`of client ${parts.at(-1)}`, 'holds no key'] }
      : { kind: 'secret', label: parts.slice(2).join('/'), notes };
  });
  return [...functions, ...tables, ...keys, ...records];
}

/** What a grant lets its signer sign, a line each. */
function grantNotes({ client, assertions, proofs, requestObjects }: Grant): string[] {
  const { details } = assertions;
  const about =
    details === 'none' ? '' : details === 'any' ? ', any organisation' : ', organisations as granted';
  return [
    `assertions of client ${client}${about}`,
    ...(requestObjects ? ['request objects'] : []),
    ...proofs.map((target) =>
      !target.ath
        ? 'proofs for its issuer'
        : `proofs ${target.methods.join(', ')} ${target.origin.replace('https://', '')}${target.paths.join(', ')}`,
    ),
  ];
}
