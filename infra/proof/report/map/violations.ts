import { allowedHosts } from '../../../declaration/derive.ts';
import type { SystemDeclaration } from '../../../declaration/schema.ts';
import type { Finding } from '../../rules/rule.ts';
import type { MapCall, MapNode, MapZone, Verb, ZoneMap } from './model.ts';
import { isKept, OUTSIDE } from './model.ts';
import type { Signers } from './nodes.ts';

/**
 * Marks what the findings are about, and beside them every call over the border of a zone that no declaration
 * has: so that the picture does not rest on the rules alone.
 */
export function markViolations(map: ZoneMap, declaration: SystemDeclaration, signers: Signers): ZoneMap {
  const { findings } = map;
  const byId = new Map(map.nodes.map((node) => [node.id, node]));
  const about = (finding: Finding, { id, resources }: MapNode) =>
    [id, ...resources].some((name) => finding.resource === name || finding.path.includes(name));
  const nodes = map.nodes.map((node) => ({
    ...node,
    violated: findings.some((finding) => about(finding, node)),
  }));
  const calls = map.calls.map((call) => {
    const [from, to] = [byId.get(call.from), byId.get(call.to)];
    if (from === undefined || to === undefined) return call;
    const found = findings.some((finding) => about(finding, from) && about(finding, to));
    return { ...call, violated: found || !isDeclared(call, from, to, declaration, signers) };
  });
  const zones = map.zones.map((zone) => ({ ...zone, violated: findings.some(inZone(zone, map.system)) }));
  return { ...map, zones, nodes, calls };
}

/** Whether a finding names a resource of a stack of the zone. */
function inZone({ name, signing }: MapZone, system: string): (finding: Finding) => boolean {
  const stack = signing ? `${system}-signing` : `${system}-zone-${name}`;
  return ({ resource }) => resource === stack || resource.startsWith(`${stack}/`);
}

/** What the admin zone may do to keys and records, and signers to the keys of other clients. */
const ADMINISTRATION: readonly Verb[] = [
  'make',
  'disable and enable',
  'read the public key of',
  'read',
  'change',
];

function isDeclared(
  { verb }: MapCall,
  from: MapNode,
  to: MapNode,
  declaration: SystemDeclaration,
  signers: Signers,
): boolean {
  if (verb === 'take over' || verb === 'open any connection to' || from.zone === OUTSIDE) return false;
  if (to.kind === 'host') return to.id === `host:${allowedHost(from.zone, to.label, declaration)}`;
  if (from.kind === 'signer') return signerMay(verb, to, signers.get(from.id)?.client ?? '');
  if (from.zone === to.zone) return true;
  if (to.kind === 'signer') return signers.get(to.id)?.zone === from.zone;
  const administers = declaration.zones[from.zone]?.admin === true && ADMINISTRATION.includes(verb);
  return administers && isKept(to);
}

function allowedHost(zone: string, name: string, declaration: SystemDeclaration): string | undefined {
  return Object.hasOwn(declaration.zones, zone)
    ? allowedHosts(declaration, zone).find((host) => host === name)
    : undefined;
}

function signerMay(verb: Verb, { notes }: MapNode, client: string): boolean {
  if (verb === 'read the public key of') return true;
  return (verb === 'sign with' || verb === 'read') && notes.includes(`of client ${client}`);
}
