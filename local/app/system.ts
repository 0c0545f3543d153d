import { join, resolve } from 'node:path';
import { loadSystem, namesOfFunctions } from '../../infra/declaration/load.ts';
import { requireKnown } from '../../infra/declaration/options.ts';
import { foreignPaths } from '../../infra/declaration/runtimes.ts';
import { buildWorld } from '../../infra/proof/policy/world/build.ts';
import type { KeyAndCert } from '../aws/http.ts';
import { startLocalAws } from '../aws/local-aws.ts';
import { removeState } from '../aws/state.ts';
import { createTrail, keepTrail, type Trail, type TrailLine } from '../aws/trail.ts';
import { type LocalCertificate, localCertificate, makeTrust, trustHere } from '../helseid/certificate.ts';
import { loadAssembly } from './assembly.ts';
import { bootstrapKeys, openPortal } from './client-keys.ts';
import { deriveLocalDeclaration, type LocalDeclaration, reachedUrls } from './declaration.ts';
import { readSamples } from './events.ts';
import { lockDirectory, type WantedPort } from './lock.ts';
import { type CommandOptions, DEFAULT_EXAMPLES } from './options.ts';
import { startStandIns } from './stand-ins.ts';

/** How the local system is started: what the command takes ({@link CommandOptions}), and what this process has. */
interface SystemOptions
  extends Pick<CommandOptions, 'declarationFile' | 'directory' | 'fresh' | 'ports' | 'standIn'>,
    Partial<Pick<CommandOptions, 'challengeKeepsAssertion' | 'examples' | 'https'>> {
  /** Of a declaration that is a function of it. */
  stage?: string | undefined;
  /** Name of a function that a debugger may attach to. */
  inspect?: string | undefined;
  /** Absent where there will be no page. */
  page?: CommandOptions['page'] | undefined;
  /** PEM file with further CAs that functions trust: this process's `NODE_EXTRA_CA_CERTS`. */
  extraCaFile?: string | undefined;
  /** `PATH` of this process, by which what runs other languages than Node.js is found. */
  path?: string | undefined;
  /** Told what the start is at. */
  onProgress?(what: string): void;
  /** Called with each line of the trail, from the first on. */
  onLine?: ((line: TrailLine) => void) | undefined;
}

/** The local system, running: what the command prints, steps use, and a page may show. */
export type LocalSystem = Awaited<ReturnType<typeof startAll>>;

/** What every part of the local system is started with: where it is, what it is told, and what it tells. */
export interface LocalContext extends ReturnType<typeof placeOf> {
  certificate: LocalCertificate;
  /** Key and certificate of everything here that people's browsers open; undefined where that is plain HTTP. */
  tls: KeyAndCert | undefined;
  trail: Trail;
}

/**
 * Starts everything: assembly, CA, AWS, stand-ins, keys. What was started is ended again where a later part fails; `started` holds
 * it, for who can't wait for the start.
 */
export function startSystem(options: SystemOptions, started = new AsyncDisposableStack()) {
  return startAll(options, started).catch(async (cause) => {
    // What fails as well while all is ended is not why.
    await started.disposeAsync().catch(() => {});
    throw cause;
  });
}

async function startAll(options: SystemOptions, started: AsyncDisposableStack) {
  const { directory, stage, standIn, examples = DEFAULT_EXAMPLES, onProgress: say = () => {} } = options;
  const { inspect, path } = options;
  const ports = standIn ? options.ports : undefined;
  const declarationFile = resolve(options.declarationFile);
  const declared = await loadSystem(declarationFile, stage);
  requireKnown('function', inspect, namesOfFunctions(declared, declarationFile));
  const trail = createTrail(Date.now);
  if (options.onLine !== undefined) started.defer(trail.subscribe(options.onLine));
  const place = placeOf(options, deriveLocalDeclaration(declared, ports));
  started.defer(await lockDirectory(directory, place.wantedPorts));
  if (options.fresh) removeState(place.state, !standIn);
  started.defer(keepTrail(trail, place.logs));
  const [assembly, certificate] = await Promise.all([
    loadAssembly({
      declarationFile,
      stage,
      ports,
      code: Object.values(declared.zones).flatMap(foreignPaths),
      directory: join(directory, 'assembly'),
      onSynth: () => say('synthesizing the CDK app, once for these sources'),
      onNotRun: (what) => say(`not run locally: ${what}`),
    }),
    localCertificate(join(directory, 'tls')),
  ]);
  trustHere(certificate);
  const tls = options.https ? certificate : undefined;
  const context: LocalContext = { ...place, trail, certificate, tls };
  if (standIn) say('starting stand-ins of the issuer and its APIs');
  const challengeConsumesAssertion = options.challengeKeepsAssertion !== true;
  const standIns = standIn
    ? await startStandIns(context, { challengeConsumesAssertion }, join(examples, 'answers'))
    : undefined;
  if (standIns !== undefined) started.defer(standIns.close);
  say('starting AWS: endpoints, gateways, queues, tables');
  const { declaration, gatewayPort } = context;
  const aws = await startLocalAws({
    assembly,
    world: buildWorld(assembly),
    stateDirectory: context.state,
    caFile: makeTrust(certificate, join(directory, 'tls'), options.extraCaFile),
    gatewayPort,
    tls,
    trail,
    path,
    inspect,
    calledUrls: (zone = '') => (declaration.zones[zone] ? reachedUrls(declaration, declared, zone) : []),
  });
  started.defer(aws.close);
  for (const what of aws.notRun) say(`not run locally: ${what}`);
  requireKnown(
    'function',
    inspect,
    aws.functions.map(({ name }) => name),
  );
  say('making or finding the client keys');
  const keys = await bootstrapKeys({ declaration, aws, standIns });
  if (standIns !== undefined) started.defer(openPortal({ declaration, aws, standIns }, trail));
  // Without stand-ins `standIns` is undefined; `keys` has one a client, with what became of it.
  const samples = readSamples(examples);
  const close = () => started.disposeAsync();
  return { ...context, stage, assembly, aws, standIns, keys, examples, samples, close };
}

/** Where everything is: the gateways take one port after the other, in the order of the declaration, and the page the next. */
function placeOf({ directory, https, page, ports, standIn }: SystemOptions, local: LocalDeclaration) {
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
    declaration,
    places,
    state,
    logs: join(state, 'logs'),
    gatewayPort,
    pagePort,
    wantedPorts,
    gatewayUrl: (zone: string) => `${https ? 'https' : 'http'}://localhost:${gatewayPort(zone)}`,
  };
}
