import { join, resolve } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { calledUrls } from '../../infra/declaration/derive.ts';
import { loadSystem } from '../../infra/declaration/load.ts';
import { foreignPaths } from '../../infra/declaration/runtimes.ts';
import { buildWorld } from '../../infra/proof/policy/world/build.ts';
import { type Closers, startOrClose } from '../aws/closers.ts';
import { startLocalAws } from '../aws/local-aws.ts';
import { removeState } from '../aws/state.ts';
import { createTrail, keepTrail, type TrailLine } from '../aws/trail.ts';
import { localCertificate } from '../helseid/certificate.ts';
import { makeTrust, trustHere } from '../helseid/trust.ts';
import { loadAssembly } from './assembly.ts';
import { bootstrapKeys } from './bootstrap.ts';
import { type LocalContext, type PlaceOptions, placeOf } from './context.ts';
import { deriveLocalDeclaration, withoutOutside } from './declaration.ts';
import { readSamples } from './events.ts';
import { lockDirectory, requireLayout } from './lock.ts';
import { DEFAULT_EXAMPLES } from './options.ts';
import { openPortal } from './portal.ts';
import { startStandIns } from './stand-ins.ts';

/** How the local system is started. */
interface SystemOptions extends PlaceOptions {
  declarationFile: string;
  /** Of a declaration that is a function of it. */
  stage?: string | undefined;
  /** Default false: a nonce challenge of the stand-in uses the client assertion up, as strict servers do. */
  challengeKeepsAssertion?: boolean;
  /** Whether to begin without state. */
  fresh: boolean;
  /** Folder of sample events, and of the stand-in APIs' answers in `answers/<api>` (default `examples`). */
  examples?: string;
  /** Name of a function that a debugger may attach to. */
  inspect?: string | undefined;
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

/**
 * Starts everything: assembly, CA, AWS, stand-ins, keys. What was started is closed again where a later part fails; `closers` are
 * for who can't wait for the start.
 */
export function startSystem(options: SystemOptions, closers?: Closers): Promise<LocalSystem> {
  return startOrClose((all) => startAll(options, all), closers);
}

async function startAll(options: SystemOptions, closers: Closers) {
  const { directory, stage, standIn, examples = DEFAULT_EXAMPLES, onProgress: say = () => {} } = options;
  const ports = standIn ? options.ports : undefined;
  const declarationFile = resolve(options.declarationFile);
  const declared = await loadSystem(declarationFile, stage);
  const trail = createTrail(Date.now);
  if (options.onLine !== undefined) closers.add(trail.subscribe(options.onLine));
  const place = placeOf(
    options,
    ports === undefined
      ? { system: withoutOutside(declared), places: [] }
      : deriveLocalDeclaration(declared, ports),
  );
  closers.add(await lockDirectory(directory, place.wantedPorts));
  if (options.fresh) removeState(place.state, !standIn);
  requireLayout(place.state);
  closers.add(keepTrail(trail, place.logs));
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
  const context: LocalContext = {
    ...place,
    trail,
    certificate,
    tls: options.https ? certificate : undefined,
  };
  if (standIn) say('starting stand-ins of the issuer and its APIs');
  const challengeConsumesAssertion = options.challengeKeepsAssertion !== true;
  const standIns = standIn
    ? await startStandIns(context, { challengeConsumesAssertion }, join(examples, 'answers'))
    : undefined;
  if (standIns !== undefined) closers.add(standIns.close);
  say('starting AWS: endpoints, gateways, queues, tables');
  const { declaration } = context;
  const aws = await startLocalAws({
    assembly,
    world: buildWorld(assembly),
    stateDirectory: context.state,
    caFile: makeTrust(certificate, join(directory, 'tls'), options.extraCaFile),
    gatewayPort: context.gatewayPort,
    tls: context.tls,
    calledUrls: (zone = '') => (declaration.zones[zone] ? calledUrls(declaration, zone) : []),
    ...{ trail, path: options.path, inspect: options.inspect },
  });
  closers.add(aws.close);
  for (const what of aws.notRun) say(`not run locally: ${what}`);
  const known = aws.functions.map(({ name }) => name);
  if (options.inspect !== undefined && !known.includes(options.inspect))
    throw new ZonesError(
      'local_failed',
      `There is no function ${options.inspect} to inspect; there are ${known.join(', ')}.`,
    );
  say('making or finding the client keys');
  const keys = await bootstrapKeys({ declaration, aws, standIns });
  if (standIns !== undefined) closers.add(openPortal({ declaration, aws, standIns }, trail));
  // Without stand-ins `standIns` is undefined; `keys` has one a client, with what became of it.
  const samples = readSamples(examples);
  return { ...context, stage, assembly, aws, standIns, keys, examples, samples, close: closers.close };
}
