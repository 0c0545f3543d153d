import { calledUrls } from '../../../infra/declaration/derive.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { rolesOfHost } from '../../../infra/proof/report/map/hosts.ts';
import type { MapCall, MapNode, ZoneMap } from '../../../infra/proof/report/map/model.ts';

/**
 * `map` with a box a port for each host, since the stand-ins share the name `localhost`. A resolver knows names only, but the
 * local system lets a zone's functions open connections to the hosts and ports of the URLs that it is declared to call, and
 * so do the lines here.
 */
export function splitByPort(map: ZoneMap, declaration: SystemDeclaration): ZoneMap {
  const called = new Map(
    Object.keys(declaration.zones).map((zone) => [zone, calledUrls(declaration, zone).map(hostOf)]),
  );
  const hosts = [...new Set([...called.values()].flat())];
  const zones = new Map(map.nodes.map(({ id, zone }) => [id, zone]));
  const ids = new Map(
    map.nodes
      .filter(({ kind }) => kind === 'host')
      .map(({ id, label }) => [id, hosts.filter((host) => new URL(`https://${host}`).hostname === label)]),
  );
  const splitNode = (node: MapNode): MapNode[] => {
    const ports = ids.get(node.id) ?? [];
    if (ports.length === 0) return [node];
    return ports.map((label) => {
      const notes = rolesOfHost((url) => hostOf(url) === label, declaration);
      return { ...node, id: `host:${label}`, label, notes };
    });
  };
  const splitCall = (call: MapCall): MapCall[] => {
    const ports = ids.get(call.to) ?? [];
    if (ports.length === 0) return [call];
    const own = called.get(zones.get(call.from) ?? '') ?? [];
    return ports
      .filter((host) => call.violated || own.includes(host))
      .map((host) => ({ ...call, to: `host:${host}` }));
  };
  return { ...map, nodes: map.nodes.flatMap(splitNode), calls: map.calls.flatMap(splitCall) };
}

function hostOf(url: string): string {
  return new URL(url).host;
}
