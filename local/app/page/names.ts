import { routeLabel } from '../../../infra/proof/report/map/entries.ts';
import type { ZoneMap } from '../../../infra/proof/report/map/model.ts';
import { elementId } from '../../../infra/proof/report/map/svg.ts';

/** Who is who on the trail, and what the map calls it. */
export type Names = ReturnType<typeof createNames>;

/** Names for a map. `clientOf` says whose key an ARN is: the map has one key a client, the running system may have several. */
export function createNames(map: ZoneMap, clientOf: (keyArn: string) => string | undefined) {
  const ids = new Set(map.nodes.map(({ id }) => id));
  const zones = new Map(
    map.nodes
      .filter(({ kind }) => kind === 'function' || kind === 'signer')
      .map(({ id, zone }) => [id.split(':').at(-1) ?? '', zone]),
  );
  return {
    zones: map.zones.map(({ name }) => name),
    /** Zone of a function, by its name on AWS. */
    zoneOf: (name: string) => zones.get(name),
    /** The map's element for an ARN; undefined where the map has none. */
    elementOf(arn: string): string | undefined {
      const client = arn.includes(':key/') ? clientOf(arn) : undefined;
      const id = client === undefined ? arn : arn.replace(/:key\/.*/, `:key/${client}-virtual`);
      return ids.has(id) ? elementId(id) : undefined;
    },
    /** The map's element for a route. */
    routeOf(method: string, route: string): string | undefined {
      const node = map.nodes.find(
        ({ kind, label }) => kind === 'route' && label.split(', ').includes(routeLabel(method, route)),
      );
      return node === undefined ? undefined : elementId(node.id);
    },
  };
}
