import { type Bundle, isKept } from './bundles.ts';
import {
  ENTRIES,
  FOOT,
  FUNCTIONS,
  GAP,
  HEAD,
  HOSTS,
  KEYS,
  LANE_GAP,
  NETWORK,
  PILL,
  RIGHT,
  SIGNERS,
  SIGNING,
  TOP,
  ZONE,
} from './columns.ts';
import {
  entriesByFunction,
  type Frame,
  mean,
  middle,
  type Pill,
  type PlacedNode,
  spread,
  stack,
  stackHeight,
} from './layout.ts';
import { INTERNET, type MapZone, nodesIn, type ZoneMap } from './model.ts';
import { textWidth } from './text.ts';

/** A zone with everything that stands beside it. */
export interface Lane {
  zone: MapZone;
  frame: Frame;
  nodes: PlacedNode[];
  signers: PlacedNode[];
  gate: Pill | undefined;
  /** Bundles that leave the zone, each with its pill. */
  exits: { bundle: Bundle; pill: Pill }[];
}

/** The client whose key or record a bundle is for, as the note of its node says it. */
export function clientOf({ target }: Bundle): string {
  return target.notes[0] ?? target.id;
}

/** Places the zones, one below the other. */
export function placeLanes(map: ZoneMap, bundles: readonly Bundle[]): Lane[] {
  let y = TOP;
  return map.zones
    .filter(({ signing }) => !signing)
    .map((zone) => {
      const lane = placeLane(map, zone, bundles, y);
      y = lane.frame.y + lane.frame.height + LANE_GAP;
      return lane;
    });
}

function placeLane(map: ZoneMap, zone: MapZone, bundles: readonly Bundle[], y: number): Lane {
  const functions = nodesIn(map, zone.name, 'function');
  const entries = entriesByFunction(map, zone.name);
  const left = [...entries, ...nodesIn(map, zone.name, 'table')];
  const signers = map.nodes.filter(({ kind, id }) => kind === 'signer' && isAskedBy(id, zone.name, bundles));
  const leaving = bundles.filter(
    (bundle) => bundle.zone === zone.name && bundle.leaves && !isOutward(bundle),
  );
  const heights = {
    left: stackHeight(left, ENTRIES.width, GAP),
    functions: stackHeight(functions, FUNCTIONS.width, GAP + 4),
    signers: stackHeight(signers, SIGNERS.width, GAP),
    exits: leaving.length * (PILL + 6) - 6,
  };
  const hasGate = zone.internet !== 'none';
  const content = Math.max(heights.left + (hasGate ? PILL + GAP : 0), ...Object.values(heights), 40);
  const from = (height: number) => y + HEAD + (content - height) / 2;
  const frame: Frame = {
    ...{ x: ZONE.x, y, width: ZONE.width, height: HEAD + content + FOOT },
    ...{ zone, kind: 'zone', title: `Zone ${zone.name}`, aside: zone.cidr },
  };
  const exits = [...leaving]
    .sort((a, b) => exitRank(a, map) - exitRank(b, map))
    .map((bundle, index) => ({
      bundle,
      pill: pillAt(bundle.endpoint, ZONE.x + ZONE.width, from(heights.exits) + index * (PILL + 6)),
    }));
  const gate = pillAt(zone.internet === 'any' ? 'any port' : 'https', ZONE.x, y + frame.height - FOOT - PILL);
  return {
    ...{ zone, frame, exits },
    nodes: [
      ...stack(left, ENTRIES.x, y + HEAD, ENTRIES.width, GAP),
      ...stack(functions, FUNCTIONS.x, from(heights.functions), FUNCTIONS.width, GAP + 4),
    ],
    signers: stack(signers, SIGNERS.x, from(heights.signers), SIGNERS.width, GAP),
    gate: hasGate ? gate : undefined,
  };
}

/** The order of a zone's pills: signers first, then what stands lowest first, so that no line round the signers crosses another. */
function exitRank(bundle: Bundle, map: ZoneMap): number {
  if (!isKept(bundle.target)) return 0;
  const clients = map.nodes.filter(({ kind }) => kind === 'key').map(({ notes }) => notes[0]);
  const place = (clients.length - clients.indexOf(clientOf(bundle))) * 2;
  return bundle.target.kind === 'record' ? place : place + 1;
}

/** A signer stands beside the zone that may ask it; one that several may ask, beside the first. */
function isAskedBy(signer: string, zone: string, bundles: readonly Bundle[]): boolean {
  return bundles.find(({ target }) => target.id === signer)?.zone === zone;
}

/** Whether a bundle leads to something beside the signing zone, which only a violation does. */
function isOutward({ target }: Bundle): boolean {
  return target.kind === 'function' || target.kind === 'table';
}

function pillAt(service: string, x: number, y: number): Pill {
  const text = service === 'secretsmanager' ? 'secrets' : service;
  const width = textWidth(text, 'note') + 16;
  return { text, x: x - width / 2, y, width, height: PILL };
}

/** Places keys and records, those of a client together, at the height of its signers. */
export function placeKeys(
  map: ZoneMap,
  signers: readonly PlacedNode[],
  bundles: readonly Bundle[],
): PlacedNode[] {
  const at = new Map(signers.map((signer) => [signer.node.id, signer]));
  const clients = new Map<string, { y: number; nodes: typeof map.nodes }>();
  for (const node of map.nodes.filter(isKept)) {
    const users = bundles
      .filter(({ target, leaves }) => target.id === node.id && !leaves)
      .flatMap(({ sources }) => sources.map((source) => at.get(source)).filter((of) => of !== undefined));
    const client = node.notes[0] ?? node.id;
    const known = clients.get(client);
    const y = Math.min(known?.y ?? Number.POSITIVE_INFINITY, mean(users.map(middle), TOP + HEAD));
    clients.set(client, { y, nodes: [...(known?.nodes ?? []), node] });
  }
  const groups = [...clients.values()].map(({ y, nodes }) => {
    const height = stackHeight(nodes, KEYS.width, 18);
    return { nodes, x: KEYS.x, y: y - height / 2, width: KEYS.width, height };
  });
  return spread(groups, TOP + HEAD, 26).flatMap(({ nodes, y }) => stack(nodes, KEYS.x, y, KEYS.width, 18));
}

/** Places hosts at the height of the zones that reach them. */
export function placeHosts(map: ZoneMap, lanes: readonly Lane[]): PlacedNode[] {
  const gates = new Map(lanes.map(({ zone, frame }) => [zone.name, middle(frame)]));
  const zones = new Map(map.nodes.map(({ id, zone }) => [id, zone]));
  const wished = nodesIn(map, INTERNET, 'host').flatMap((host) => {
    const from = map.calls.filter(({ to }) => to === host.id).map((call) => zones.get(call.from) ?? '');
    const y = mean(
      [...new Set(from)].map((zone) => gates.get(zone) ?? TOP),
      TOP,
    );
    const [placed] = stack([host], HOSTS.x, y, HOSTS.width, 0);
    return placed === undefined ? [] : [{ ...placed, y: y - placed.height / 2 }];
  });
  return spread(wished, TOP, 16);
}

/** Places the pills on the border of the signers' network, one for each key and record. */
export function placeSigningPills(bundles: readonly Bundle[], at: ReadonlyMap<string, PlacedNode>) {
  return bundles
    .filter((bundle) => isKept(bundle.target) && !bundle.leaves)
    .flatMap((bundle) => {
      const target = at.get(bundle.target.id);
      if (target === undefined) return [];
      return [{ bundle, pill: pillAt(bundle.endpoint, NETWORK.right, middle(target) - PILL / 2) }];
    });
}

/** The frame of the signing zone, and in it that of the signers' network. */
export function signingFrames(map: ZoneMap, y: number, bottom: number, networkBottom: number): Frame[] {
  const zone = map.zones.find(({ signing }) => signing);
  if (zone === undefined) return [];
  const way = zone.internet === 'none' ? 'no way to the internet' : 'a way to the internet';
  const aside = `${zone.cidr} · ${way}`;
  return [
    {
      ...{ x: SIGNING.x, y, width: RIGHT - SIGNING.x, height: bottom - y },
      ...{ zone, kind: 'signing', title: 'Signing zone', aside },
    },
    {
      ...{
        x: NETWORK.x,
        y: y + HEAD - 8,
        width: NETWORK.right - NETWORK.x,
        height: networkBottom - y - HEAD + 8,
      },
      ...{ zone, kind: 'network', title: 'Network of the signers', aside: '' },
    },
  ];
}
