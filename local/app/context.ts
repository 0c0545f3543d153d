import { join } from 'node:path';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import type { Trail } from '../aws/trail.ts';
import type { KeyAndCert } from '../helseid/certificates.ts';
import type { CertificateAuthority } from '../helseid/types.ts';
import type { WantedPort } from './claim.ts';
import type { LocalDeclaration, LocalPorts, StandInPlace } from './declaration.ts';

/** What every part of the local system is started with: where it is, what it is told, and what it tells. */
export interface LocalContext {
  /** As it runs: with the stand-ins' URLs where they are used. */
  declaration: SystemDeclaration;
  places: readonly StandInPlace[];
  /** Folder of what survives a restart. */
  state: string;
  /** Folder of the trail and of the functions' logs. */
  logs: string;
  ca: CertificateAuthority;
  /** Key and certificate of everything here that people's browsers open; undefined where that is plain HTTP. */
  tls: KeyAndCert | undefined;
  trail: Trail;
  /** Port of a zone's gateway. */
  gatewayPort(zone: string): number;
  /** URL of a zone's gateway. */
  gatewayUrl(zone: string): string;
  /** Kept free for the page; undefined where there will be none. */
  pagePort: number | undefined;
}

/** What decides where everything is. */
export interface PlaceOptions {
  /** Folder for everything that survives a restart. */
  directory: string;
  /** False: the declared issuers and APIs are called themselves. */
  standIn: boolean;
  ports: LocalPorts;
  /** Whether gateways and page are served with TLS (default false). */
  https?: boolean;
  /** Port of the page; `next` takes the one after the gateways'. Absent where there will be no page. */
  page?: number | 'next' | undefined;
}

/** Where everything is: the gateways take one port after the other, in the order of the declaration, and the page the next. */
export function placeOf({ directory, https, page, ports, standIn }: PlaceOptions, local: LocalDeclaration) {
  const zones = gatewayZones(local.system);
  const gatewayPort = (zone: string) => ports.gateway + Math.max(0, zones.indexOf(zone));
  const state = join(directory, standIn ? 'state' : 'state-no-stand-in');
  return {
    declaration: local.system,
    places: local.places,
    state,
    logs: join(state, 'logs'),
    gatewayPort,
    gatewayUrl: (zone: string) => `${https ? 'https' : 'http'}://localhost:${gatewayPort(zone)}`,
    pagePort: page === 'next' ? ports.gateway + zones.length : page,
  };
}

/** The ports that are listened on there, and the options that move them. */
export function wantedPorts({
  declaration,
  gatewayPort,
  pagePort,
  places,
}: ReturnType<typeof placeOf>): WantedPort[] {
  return [
    ...gatewayZones(declaration).map((zone) => ({ port: gatewayPort(zone), option: '--port' as const })),
    ...(pagePort === undefined ? [] : [{ port: pagePort, option: '--page-port' as const }]),
    ...places.map(({ port }) => ({ port, option: '--stand-in-port' as const })),
  ];
}

function gatewayZones({ zones }: SystemDeclaration): string[] {
  return Object.keys(zones).filter((zone) => zones[zone]?.gateway !== undefined);
}
