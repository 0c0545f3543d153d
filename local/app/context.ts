import { join } from 'node:path';
import type { Trail } from '../aws/trail.ts';
import type { KeyAndCert, LocalCertificate } from '../helseid/certificate.ts';
import type { LocalDeclaration, LocalPorts } from './declaration.ts';
import type { WantedPort } from './lock.ts';

/** What every part of the local system is started with: where it is, what it is told, and what it tells. */
export interface LocalContext extends ReturnType<typeof placeOf> {
  certificate: LocalCertificate;
  /** Key and certificate of everything here that people's browsers open; undefined where that is plain HTTP. */
  tls: KeyAndCert | undefined;
  trail: Trail;
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
  // As it runs: with the stand-ins' URLs where they are used.
  const { system: declaration, places } = local;
  const zones = Object.keys(declaration.zones).filter((zone) => declaration.zones[zone]?.gateway);
  const gatewayPort = (zone: string) => ports.gateway + Math.max(0, zones.indexOf(zone));
  // What survives a restart; functions' logs and the trail are kept with it.
  const state = join(directory, standIn ? 'state' : 'state-no-stand-in');
  // Kept free for the page; undefined where there will be none.
  const pagePort = page === 'next' ? ports.gateway + zones.length : page;
  /** The ports that are listened on there, and the options that move them. */
  const wantedPorts: WantedPort[] = [
    ...zones.map((zone) => ({ port: gatewayPort(zone), option: '--port' as const })),
    ...(pagePort === undefined ? [] : [{ port: pagePort, option: '--page-port' as const }]),
    ...places.map(({ port }) => ({ port, option: '--stand-in-port' as const })),
  ];
  return {
    ...{ declaration, places, state, logs: join(state, 'logs'), gatewayPort, pagePort, wantedPorts },
    gatewayUrl: (zone: string) => `${https ? 'https' : 'http'}://localhost:${gatewayPort(zone)}`,
  };
}
