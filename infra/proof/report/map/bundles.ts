import type { MapCall, MapNode, ZoneMap } from './model.ts';

/** Calls of functions of one zone to one node, through one endpoint: they share a pill. */
export interface Bundle {
  zone: string;
  endpoint: string;
  target: MapNode;
  sources: readonly string[];
  /** Whether the calls leave the zone for what another one holds. */
  leaves: boolean;
}

/** The permitted calls that go through an endpoint and that nothing is wrong with, by zone, endpoint and target. */
export function bundleCalls(map: ZoneMap): Bundle[] {
  const byId = new Map(map.nodes.map((node) => [node.id, node]));
  const found = new Map<string, Bundle>();
  for (const call of map.calls) {
    const [from, target] = [byId.get(call.from), byId.get(call.to)];
    if (call.violated || from === undefined || target === undefined || !isDrawn(call, from, target)) continue;
    const endpoint = call.endpoint ?? 'service';
    const id = `${from.zone} ${endpoint} ${target.id}`;
    const known = found.get(id);
    const sources = [...new Set([...(known?.sources ?? []), from.id])];
    found.set(id, { zone: from.zone, endpoint, target, sources, leaves: from.zone !== target.zone });
  }
  return [...found.values()];
}

/** Whether a call through AWS is drawn: not the ones that start functions or leave for hosts, which have lines of their own, and not that signers may read the public keys of other clients, which are public. */
function isDrawn({ verb, endpoint }: MapCall, from: MapNode, to: MapNode): boolean {
  if (verb === 'start' || to.kind === 'host') return false;
  if (from.kind === 'signer' && verb === 'read the public key of') return false;
  return endpoint !== undefined || from.zone === to.zone;
}

/** Calls to be drawn in red. */
export function violatingCalls(map: ZoneMap): MapCall[] {
  return map.calls.filter(({ violated }) => violated);
}

/** Whether a node is a key or a record, of which only the signing zone has any; lines to them lead round the signers. */
export function isKept({ kind }: Pick<MapNode, 'kind'>): boolean {
  return kind === 'key' || kind === 'record';
}
