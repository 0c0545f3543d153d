import { allowedHosts, calledUrls } from '../../infra/declaration/derive.ts';
import { registrations } from '../../infra/declaration/registrations.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';

/** A stand-in that a declaration is pointed at, with the origin or URL it has in the declaration. */
export interface StandInPlace {
  kind: 'issuer' | 'self-service' | 'api';
  /** The API's name, else the URL in the declaration. */
  name: string;
  port: number;
  /** Path below the stand-in's origin: empty, or beginning with `/`. */
  path: string;
  /** Its URL here, without a trailing slash. */
  url: string;
}

/** A declaration whose issuers and APIs are the local stand-ins. */
export type LocalDeclaration = ReturnType<typeof deriveLocalDeclaration>;

/** Where gateways and stand-ins listen: gateways from `gateway` on, stand-ins from `standIn` on. */
export type LocalPorts = { gateway: number; standIn: number };

/**
 * Derives the declaration that the local system runs: every issuer, self-service API and health API gets a port of its own at
 * `https://localhost`, keeping its path, and the gateway's own domain becomes its local URL. Everything else, grants
 * included, stays as declared. The first issuer gets the first port, the self-service API the next, then the APIs.
 * New keys are honoured at once by the stand-in, so rotation waits for as short as can be declared. Without ports nothing is stood
 * in for.
 */
export function deriveLocalDeclaration(system: SystemDeclaration, ports: LocalPorts | undefined) {
  if (ports === undefined) return { system: withoutOutside(system), places: [] };
  const clients = registrations(system);
  const [issuer, ...issuers] = unique(clients.map((client) => ['issuer', client.issuer, client.issuer]));
  const [selfService, ...selfServices] = unique(
    clients.flatMap(({ selfService: { baseUrl } = {} }) =>
      baseUrl ? [['self-service', baseUrl, baseUrl]] : [],
    ),
  );
  const apis = Object.entries(system.apis).map(([name, { baseUrl }]): Wanted => ['api', name, baseUrl]);
  const all = [issuer, selfService, ...apis, ...issuers, ...selfServices].filter((one) => one !== undefined);
  const places = all.map(([kind, name, declared], index): StandInPlace => {
    const port = ports.standIn + index;
    const path = new URL(declared).pathname.replace(/\/$/, '');
    return { kind, name, port, path, url: `https://localhost:${port}${path}` };
  });
  return { system: pointAt(system, places), places };
}

type Wanted = [kind: StandInPlace['kind'], name: string, url: string];

/** Each URL once. */
function unique(wanted: readonly Wanted[]): Wanted[] {
  return [...new Map(wanted.map((one) => [one[2], one])).values()];
}

function pointAt(system: SystemDeclaration, places: readonly StandInPlace[]): SystemDeclaration {
  const urlOf = (kind: StandInPlace['kind'], name: string) =>
    places.find((candidate) => candidate.kind === kind && candidate.name === name)?.url ?? name;
  const pointClient = <T extends { issuer: string; selfService?: { baseUrl: string } }>(client: T): T => {
    const { selfService } = client;
    const baseUrl = selfService && urlOf('self-service', selfService.baseUrl);
    const own = selfService && { selfService: { ...selfService, baseUrl } };
    return { ...client, issuer: urlOf('issuer', client.issuer), ...own };
  };
  return {
    ...system,
    clients: mapValues(system.clients, (client) => ({
      ...pointClient(client),
      rotation: { ...client.rotation, propagation: 1 },
    })),
    apis: mapValues(system.apis, (api, name) => ({ ...api, baseUrl: urlOf('api', name) })),
    zones: mapValues(withoutOutside(system).zones, (zone) => ({
      ...withoutOwnDomain(zone),
      functions: mapValues(zone.functions, (own) => ({
        ...own,
        clientKeys: mapValues(own.clientKeys, (kept) => ({ ...pointClient(kept), propagation: 1 })),
      })),
    })),
  };
}

/** What functions of a zone reach here: what it calls, and by the ports of its exits what nothing stands in for, such as a database. */
export function reachedUrls(local: SystemDeclaration, declared: SystemDeclaration, zone: string): string[] {
  const hosts = allowedHosts(local, zone);
  const byExits = Object.values(declared.zones[zone]?.exits ?? {}).flatMap(({ hosts: led, ports }) =>
    led
      .filter((host) => hosts.includes(host))
      .flatMap((host) => ports.map((port) => `https://${host}:${port}`)),
  );
  return [...calledUrls(local, zone), ...byExits];
}

/** Here every zone has a network of its own and reaches its hosts from it: what exists elsewhere, and what leads there, is not emulated. */
function withoutOutside(system: SystemDeclaration): SystemDeclaration {
  const zones = mapValues(system.zones, ({ network: _, ...zone }) => ({ ...zone, exits: {} }));
  return { ...system, zones };
}

/** The gateway is at localhost, whatever domain it has on AWS; its functions learn its URL from their environment. */
function withoutOwnDomain(zone: SystemDeclaration['zones'][string]): SystemDeclaration['zones'][string] {
  const { gateway } = zone;
  if (gateway === undefined) return zone;
  const { baseUrl: _, ...rest } = gateway;
  return { ...zone, gateway: rest };
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T, name: string) => U) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}
