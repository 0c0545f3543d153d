import { routeLabel } from '../../../infra/proof/report/map/entries.ts';
import { elementId, type ZoneMap } from '../../../infra/proof/report/map/model.ts';

/** Who is who on the trail, and what the map calls it. */
export type Names = ReturnType<typeof createNames>;

/** Names for a map. `clientOf` says whose key an ARN is: the map has one key a client, the running system may have several. */
export function createNames(map: ZoneMap, clientOf: (keyArn: string) => string | undefined) {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const functions = new Map(
    map.nodes
      .filter(({ kind }) => kind === 'function' || kind === 'signer')
      .map((node) => [node.id.split(':').at(-1), { zone: node.zone, element: elementId(node) }]),
  );
  return {
    zones: map.zones.map(({ name }) => name),
    /** Zone and element of a function, by its name on AWS. */
    functionOf: (name: string) => functions.get(name),
    /** The map's element for an ARN; undefined where the map has none. */
    elementOf(arn: string): string | undefined {
      const client = arn.includes(':key/') ? clientOf(arn) : undefined;
      const node =
        client === undefined
          ? nodes.get(arn)
          : map.nodes.find(({ kind, notes }) => kind === 'key' && notes[0] === `of client ${client}`);
      return node === undefined ? undefined : elementId(node);
    },
    /** The map's element for a route. */
    routeOf(method: string, route: string): string | undefined {
      const node = map.nodes.find(
        ({ kind, label }) => kind === 'route' && label.split(', ').includes(routeLabel(method, route)),
      );
      return node === undefined ? undefined : elementId(node);
    },
  };
}
