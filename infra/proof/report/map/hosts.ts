import { registrations } from '../../../declaration/registrations.ts';
import type { SystemDeclaration } from '../../../declaration/schema.ts';
import type { Network } from '../../assembly/network.ts';
import { type Reach, readAnsweredNames } from '../../network/reach.ts';
import type { ProofInput } from '../../rules/rule.ts';
import { INTERNET, type MapCall, type MapNode, NETWORKS, OUTSIDE } from './model.ts';

/** A host of the internet, with the VPCs whose resolver answers its name. */
export interface Host {
  node: MapNode;
  vpcs: readonly string[];
}

/** The hosts that zones' resolvers answer, but for AWS's own. Limits names only: a connection to an address passes a resolver. */
export function hostNodes({ declaration, assembly, network }: ProofInput): Host[] {
  const answered = network.vpcs.flatMap(({ physicalId: vpc }) => {
    const names = readAnsweredNames(assembly, vpc);
    const { exits = {} } = declaration.zones[network.zones.get(vpc) ?? ''] ?? {};
    const behind = Object.values(exits).flatMap(({ hosts, proxy }) =>
      hosts.concat(URL.parse(proxy?.url ?? '')?.hostname ?? []),
    );
    return [names]
      .flat()
      .filter((name) => !name.endsWith('.amazonaws.com') && !behind.includes(name))
      .map((name) => ({ name, vpc }));
  });
  return [...Map.groupBy(answered, ({ name }) => name)].map(([label, from]): Host => {
    const notes = rolesOfHost((url) => new URL(url).hostname === label, declaration);
    const node = { id: `host:${label}`, kind: 'host', zone: INTERNET, label, notes, resources: [] } as const;
    return { vpcs: from.map(({ vpc }) => vpc), node: { ...node, violated: false } };
  });
}

/** What the declaration has at a host, in words; `isThere` says whether a declared URL is at it. */
export function rolesOfHost(isThere: (url: string) => boolean, declaration: SystemDeclaration): string[] {
  const at = (url: string | undefined) => url !== undefined && isThere(url);
  const clients = registrations(declaration);
  const functions = Object.values(declaration.zones).flatMap((zone) => Object.entries(zone.functions));
  const roles = [
    ...(clients.some(({ issuer }) => at(issuer)) ? ['issuer of tokens'] : []),
    ...(clients.some(({ selfService }) => at(selfService?.baseUrl)) ? ['self-service API'] : []),
    ...Object.entries(declaration.apis).flatMap(([api, { baseUrl }]) => (at(baseUrl) ? [`API ${api}`] : [])),
    ...functions.flatMap(([name, { hosts }]) =>
      hosts.some((host) => at(`https://${host}`)) ? [`host of ${name}`] : [],
    ),
  ];
  return roles.length > 0 ? roles : ['not in the declaration'];
}

/** The other networks that functions have routes to, by the exits that the declaration has for them, with the connections there. */
export function exitsOf({ zones }: SystemDeclaration, reach: readonly Reach[]) {
  const ways = reach.flatMap(({ resource, elsewhere }) =>
    elsewhere.map(({ destination, through, ports }) => {
      const { zone = OUTSIDE, arn: from = resource.physicalId } = resource;
      const [label = through, exit] =
        Object.entries(zones[zone]?.exits ?? {}).find(
          ([, of]) => of.cidrs.includes(destination) && (of.through ?? through) === through,
        ) ?? [];
      const notes = [...(exit?.hosts ?? []), `${destination} on ${ports} through ${through}`];
      return { from, id: `exit:${zone}:${label}`, label, notes };
    }),
  );
  const nodes = [...Map.groupBy(ways, ({ id }) => id)].map(([id, all]): MapNode => {
    const notes = [...new Set(all.flatMap((way) => way.notes))];
    const label = all[0]?.label ?? id;
    return { id, kind: 'host', zone: NETWORKS, label, notes, resources: [], violated: false };
  });
  const each = [...new Map(ways.map((way) => [`${way.from} ${way.id}`, way])).values()];
  const calls = each.map(({ from, id: to }): MapCall => {
    return { from, to, verb: 'open connections to', through: 'exit', violated: false };
  });
  return { nodes, calls };
}

/** What is drawn of a way to the internet. */
const WAYS = { https: ['open https to', 'https'], any: ['open any connection to', 'any port'] } as const;

/** The connections that functions may open to hosts. */
export function hostCalls(reach: readonly Reach[], network: Network, hosts: readonly Host[]): MapCall[] {
  return reach.flatMap(({ resource, internet }) => {
    if (internet === 'none') return [];
    const of = network.functions.find((placement) => placement.resource === resource);
    const vpcs = of?.subnets.map((subnet) => network.subnets.get(subnet)?.vpc) ?? [];
    return hosts
      .filter((host) => host.vpcs.some((vpc) => vpcs.includes(vpc)))
      .map(({ node }): MapCall => {
        const [verb, through] = WAYS[internet];
        return { from: resource.arn ?? resource.physicalId, to: node.id, verb, through, violated: false };
      });
  });
}
