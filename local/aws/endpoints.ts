import { type AwsDeps, startListener } from './listener.ts';
import type { Networks, TemplateEndpoint } from './template/network.ts';

/** A VPC endpoint with its listener. */
export interface LocalEndpoint extends TemplateEndpoint {
  url: string;
}

/** All ways to the local AWS. */
export interface LocalEndpoints {
  /** AWS's public endpoints: for networks with a way there, and for operators. */
  publicUrl: string;
  all: readonly LocalEndpoint[];
  /** What a function in these subnets reaches: its VPC's endpoints by service, and the public ones where the VPC has a way out. */
  reachableFrom(subnets: readonly string[]): {
    endpoints: Map<string, string>;
    publicUrl: string | undefined;
  };
  close(): Promise<void>;
}

/**
 * Starts one listener for each VPC endpoint of the template and one for AWS's public endpoints. A call's `aws:SourceVpce` is
 * decided by the listener it came to. Loopback has no subnets: that a function uses no other zone's listener rests on its
 * process's hook on connections (`runtime/egress.mjs`), which the boundary proof does not rely on.
 */
export async function startEndpoints(deps: AwsDeps, networks: Networks): Promise<LocalEndpoints> {
  const open = await startListener(deps, {});
  const started = await Promise.all(
    networks.endpoints.map(async (endpoint) => {
      const listener = await startListener(deps, { vpce: endpoint.id, vpc: endpoint.vpc }, endpoint.service);
      return { endpoint: { ...endpoint, url: listener.url }, close: listener.close };
    }),
  );
  const all = started.map(({ endpoint }) => endpoint);
  return {
    publicUrl: open.url,
    all,
    reachableFrom(subnets) {
      const vpc = networks.vpcOf(subnets);
      if (vpc === undefined) return { endpoints: new Map(), publicUrl: open.url };
      const mine = all.filter((endpoint) => endpoint.vpc === vpc);
      return {
        endpoints: new Map(mine.map(({ service, url }) => [service, url])),
        publicUrl: networks.hasEgress(vpc) ? open.url : undefined,
      };
    },
    async close() {
      await Promise.all([open.close(), ...started.map(({ close }) => close())]);
    },
  };
}
