import { join, resolve } from 'node:path';
import { calledUrls } from '../../infra/declaration/derive.ts';
import { loadSystem } from '../../infra/declaration/load.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import type { ResolvedAssembly } from '../../infra/proof/assembly/resolve.ts';
import { buildWorld } from '../../infra/proof/policy/world/build.ts';
import { type Closers, startOrClose } from '../aws/closers.ts';
import { type LocalAws, startLocalAws } from '../aws/local-aws.ts';
import { removeState } from '../aws/state.ts';
import { createTrail, keepTrail, type Trail, type TrailLine } from '../aws/trail.ts';
import { createCa } from '../helseid/ca.ts';
import type { KeyAndCert } from '../helseid/certificates.ts';
import { makeTrust, trustHere } from '../helseid/trust.ts';
import { loadAssembly } from './assembly.ts';
import { bootstrapKeys, type ClientKey } from './bootstrap.ts';
import { claimPlace } from './claim.ts';
import { deriveLocalDeclaration, type LocalPorts, type StandInPlace } from './declaration.ts';
import { openPortal } from './portal.ts';
import { type StandIns, startStandIns } from './stand-ins.ts';

/** How the local system is started. */
export interface SystemOptions {
  declarationFile: string;
  /** False: the declared issuers and APIs are called themselves. */
  standIn: boolean;
  /** Default false: a nonce challenge of the stand-in uses the client assertion up, as strict servers do. */
  challengeKeepsAssertion?: boolean;
  ports: LocalPorts;
  /** Folder for everything that survives a restart. */
  directory: string;
  /** Whether to begin without state. */
  fresh: boolean;
  /** Whether gateways and page are served with TLS (default false). */
  https?: boolean;
  /** PEM file with further CAs that functions trust: this process's `NODE_EXTRA_CA_CERTS`. */
  extraCaFile?: string | undefined;
  /** Told what the start is at. */
  onProgress?(what: string): void;
  /** Called with each line of the trail, from the first on. */
  onLine?(line: TrailLine): void;
  /** Port of the page; `next` takes the one after the gateways'. Absent where there will be no page. */
  page?: number | 'next';
}

/** The local system, running: what the command prints, steps use, and a page may show. */
export interface LocalSystem {
  /** As it runs: with the stand-ins' URLs where they are used. */
  declaration: SystemDeclaration;
  places: readonly StandInPlace[];
  /** What `aws` runs. */
  assembly: ResolvedAssembly;
  aws: LocalAws;
  /** Absent without stand-ins. */
  standIns: StandIns | undefined;
  /** One a client, with what became of its key. */
  keys: readonly ClientKey[];
  /** Certificate file of the local CA: what browsers and other programs of this machine may trust. */
  caFile: string;
  /** Key and certificate of everything here that people's browsers open; undefined where that is plain HTTP. */
  tls: KeyAndCert | undefined;
  trail: Trail;
  /** Folder of the trail and of the functions' logs. */
  logs: string;
  /** URL of a zone's gateway. */
  gatewayUrl(zone: string): string;
  /** Kept free for the page; undefined where there will be none. */
  pagePort: number | undefined;
  close(): Promise<void>;
}

/**
 * Starts everything: assembly, CA, AWS, stand-ins, keys. What was started is closed again where a later part fails; `closers` are
 * for who can't wait for the start.
 */
export function startSystem(options: SystemOptions, closers?: Closers): Promise<LocalSystem> {
  return startOrClose((all) => startAll(options, all), closers);
}

async function startAll(options: SystemOptions, closers: Closers): Promise<LocalSystem> {
  const { ports, directory } = options;
  const declarationFile = resolve(options.declarationFile);
  const state = join(directory, options.standIn ? 'state' : 'state-no-stand-in');
  const declared = await loadSystem(declarationFile);
  const local = options.standIn ? deriveLocalDeclaration(declared, ports) : { system: declared, places: [] };
  const trail = createTrail(Date.now);
  const { onProgress: say = () => {}, onLine } = options;
  if (onLine !== undefined) closers.add(trail.subscribe(onLine));
  const gatewayPort = (zone: string) => portOf(local.system, zone, ports.gateway);
  const scheme = options.https ? 'https' : 'http';
  const gatewayUrl = (zone: string) => `${scheme}://localhost:${gatewayPort(zone)}`;
  const zones = gatewayZones(local.system);
  const pagePort = options.page === 'next' ? ports.gateway + zones.length : options.page;
  closers.add(
    await claimPlace(directory, [
      ...zones.map((zone) => ({ port: gatewayPort(zone), option: '--port' as const })),
      ...(pagePort === undefined ? [] : [{ port: pagePort, option: '--page-port' as const }]),
      ...local.places.map(({ port }) => ({ port, option: '--stand-in-port' as const })),
    ]),
  );
  if (options.fresh) removeState(state, !options.standIn);
  const logs = join(state, 'logs');
  closers.add(keepTrail(trail, logs));
  const [assembly, ca] = await Promise.all([
    loadAssembly({
      declarationFile,
      ports: options.standIn ? ports : undefined,
      directory: join(directory, 'assembly'),
      onSynth: () => say('synthesizing the CDK app, once for these sources'),
    }),
    createCa(join(directory, 'ca')),
  ]);
  trustHere(ca);
  const served = options.https ? ca.leaf : undefined;
  if (options.standIn) say('starting stand-ins of the issuer and its APIs');
  const standIns = options.standIn
    ? await startStandIns({
        ...{ local, ca, stateDirectory: state, gatewayUrl, trail },
        behaviour: { challengeConsumesAssertion: options.challengeKeepsAssertion !== true },
      })
    : undefined;
  if (standIns !== undefined) closers.add(standIns.close);
  say('starting AWS: endpoints, gateways, queues, tables');
  const aws = await startLocalAws({
    assembly,
    world: buildWorld(assembly),
    stateDirectory: state,
    caFile: makeTrust(ca, join(directory, 'ca'), options.extraCaFile),
    ...{ gatewayPort, tls: served },
    calledUrls: (zone = '') => (local.system.zones[zone] ? calledUrls(local.system, zone) : []),
    trail,
  });
  closers.add(aws.close);
  const operator = { declaration: local.system, aws, standIns };
  say('making or finding the client keys');
  const keys = await bootstrapKeys(operator);
  if (standIns !== undefined) closers.add(openPortal(operator, trail));
  return {
    ...{ declaration: local.system, places: local.places, assembly, aws, standIns, keys, trail, logs },
    ...{ gatewayUrl, pagePort, close: closers.close },
    ...{ caFile: ca.certificatePath, tls: served },
  };
}

/** The zones with a gateway, in the order of the declaration: their gateways take one port after the other. */
function gatewayZones(system: SystemDeclaration): string[] {
  return Object.keys(system.zones).filter((zone) => system.zones[zone]?.gateway !== undefined);
}

function portOf(system: SystemDeclaration, zone: string, first: number): number {
  return first + Math.max(0, gatewayZones(system).indexOf(zone));
}
