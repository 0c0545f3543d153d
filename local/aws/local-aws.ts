import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ResolvedAssembly } from '../../infra/proof/assembly/resolve.ts';
import type { World } from '../../infra/proof/policy/world/world.ts';
import { createAuthorize, operatorRole } from './authorize.ts';
import type { AwsContext } from './context.ts';
import { type Credentials, createCredentialTable } from './credentials.ts';
import { startDynamoDb } from './dynamodb/service.ts';
import { startEndpoints } from './endpoints.ts';
import { startEvents } from './events/service.ts';
import { createFaults } from './faults.ts';
import { startGateway } from './gateway/server.ts';
import type { KeyAndCert } from './http.ts';
import { openKeyStore } from './kms/keys.ts';
import { startKms } from './kms/service.ts';
import { createFunctionTable, createInvoke, startLambda } from './lambda/service.ts';
import type { Emulator } from './operation.ts';
import { makeEnvironment } from './runtime/environment.ts';
import { isMissing, programOf } from './runtime/languages.ts';
import { createLogs } from './runtime/log.ts';
import { createPool } from './runtime/pool.ts';
import { startRuntimeApi } from './runtime/runtime-api.ts';
import { createRotations } from './secrets/rotation.ts';
import { startSecretsManager } from './secrets/service.ts';
import { openSecretStore } from './secrets/store.ts';
import { openQueues } from './sqs/queues.ts';
import { startSqs } from './sqs/service.ts';
import { KEYS_FILE, openDocument } from './state.ts';
import { readGateways } from './template/gateways.ts';
import * as template from './template/resources.ts';
import type { Trail } from './trail.ts';

/** Name of the role that stands for whoever operates the system. */
const OPERATOR = 'local-operator';

/** The clock of all emulators, epoch milliseconds. */
const { now } = Date;

/** Milliseconds: an hour, while somebody looks. */
const DEBUGGING = 3_600_000;

/** What the local AWS is started with. */
interface LocalAwsOptions {
  assembly: ResolvedAssembly;
  world: World;
  /** Folder that everything that survives a restart is kept in. */
  stateDirectory: string;
  /** Certificate file that functions trust beside Node's own. */
  caFile?: string | undefined;
  /** `PATH` of this machine, by which what runs other languages than Node.js is found. */
  path?: string | undefined;
  /** What the functions of a zone call beside AWS: nothing, for the signing zone. */
  calledUrls(zone: string | undefined): readonly string[];
  /** Port of a zone's gateway. */
  gatewayPort(zone: string): number;
  /** Key and certificate of the gateways; undefined for plain HTTP. */
  tls?: KeyAndCert | undefined;
  trail: Trail;
  /** Name of a function that a debugger may attach to. */
  inspect?: string | undefined;
}

/** The local AWS, with everything that steps, pages and tests look into. */
export type LocalAws = Awaited<ReturnType<typeof startLocalAws>>;

/**
 * Starts the local AWS for an assembly. Function processes start with their first invocation.
 * @throws {ZonesError} assembly_invalid: what it can't run; local_failed
 */
export async function startLocalAws(options: LocalAwsOptions) {
  await using started = new AsyncDisposableStack();
  const { assembly, trail, stateDirectory } = options;
  const { account, region } = assembly;
  const operator = operatorRole(account, OPERATOR);
  const world = { ...options.world, roles: new Map([...options.world.roles, [operator.arn, operator]]) };
  const credentials = createCredentialTable();
  const authorize = createAuthorize(world);
  const shared = { account, region, now, authorize, credentials, trail };
  const services: Emulator[] = [];
  // Functions, which some services run, need the listeners' URLs first.
  const faults = createFaults();
  const endpoints = await startEndpoints({ ...shared, services, faults }, template.readNetworks(assembly));
  started.defer(endpoints.close);
  /** `http://localhost:<port>` (or `https:`) stands for an API's URL on AWS with its stage. */
  const gateways = readGateways(assembly).map((api) => {
    const port = options.gatewayPort(api.zone ?? api.name);
    return { api, port, url: `${options.tls ? 'https' : 'http'}://localhost:${port}` };
  });
  const templates = template.readFunctions(assembly);
  /** Credentials of a function's role, as its process has them. */
  const credentialsOf = (name: string): Credentials => {
    const of = templates.find((candidate) => candidate.name === name);
    if (of === undefined) throw new TypeError(`there is no function ${name}`);
    return credentials.issue({ arn: of.roleArn, account: of.account, functionArn: of.arn }, name);
  };
  const { calledUrls, caFile, path, inspect } = options;
  // What stands in functions' environments for the URL of an API.
  const replacements = new Map(
    gateways.map(({ api: { id, region, stage }, url }) => [
      `https://${id}.execute-api.${region}.amazonaws.com/${stage}`,
      url,
    ]),
  );
  // With its own role's credentials and its own network's endpoints.
  const runnable = templates.map((of) => {
    const environment = makeEnvironment(of, {
      region,
      caFile,
      path,
      replacements,
      credentials: credentialsOf(of.name),
      ...endpoints.reachableFrom(of.subnets),
      calledUrls: of.subnets.length === 0 ? undefined : calledUrls(of.zone),
    });
    const program = of.runtime.startsWith('nodejs') ? undefined : programOf(of, { path, caFile });
    const inspected = of.name === inspect;
    return { ...of, environment, program, inspected, timeout: inspected ? DEBUGGING : of.timeout };
  });
  const functions = createFunctionTable(runnable);
  const pool = await startPool(stateDirectory, trail, started);
  const invoke = createInvoke(functions, pool);
  const stores = openStores(assembly, stateDirectory);
  const context: AwsContext = { ...shared, ...stores, functions, pool, invoke };
  const rotations = createRotations(context);
  const tables = { ...template.readTables(assembly), path: join(stateDirectory, 'dynamodb') };
  // Each is closed where one after it can't start.
  const run = (emulator: Emulator) => {
    started.defer(() => emulator.close?.());
    services.push(emulator);
  };
  run(startKms(context));
  run(startSecretsManager({ rotations }, context));
  run(startSqs(context));
  run(startEvents({ buses: template.readBuses(assembly), rules: template.readRules(assembly) }, context));
  run(await startDynamoDb(tables, context));
  run(startLambda(template.readEventSources(assembly), context));
  for (const { api, port } of gateways)
    started.defer((await startGateway({ ...context, tls: options.tls }, api, port)).close);
  const running = started.move();
  const notRun: readonly string[] = runnable.flatMap(({ name, program }) =>
    isMissing(program) ? [`${name}: ${program.missing}`] : [],
  );
  return {
    /** Functions that nothing here runs, each with what is missing. */
    notRun,
    account,
    region,
    authorize,
    invoke,
    pool,
    rotations,
    gateways,
    credentialsOf,
    secrets: stores.secrets,
    queues: stores.queues,
    faults,
    functions: templates,
    close: () => running.disposeAsync(),
    /** Folder of a function's code. */
    codeOf: (name: string) => functions.find(name).codeDirectory,
    /** The next invocation of a function starts with the code in another folder; one that goes on ends with the old. */
    replaceCode(name: string, folder: string): void {
      const of = functions.find(name);
      of.codeDirectory = folder;
      of.environment = { ...of.environment, LAMBDA_TASK_ROOT: folder };
      void pool.recycle(name);
    },
    /** AWS's public endpoints. */
    publicUrl: endpoints.publicUrl,
    endpoints: endpoints.all,
    /** Credentials of the operator, who may do what policies leave to the account. */
    operator: credentials.issue(operator, 'operator', 'long-lived'),
  };
}

async function startPool(stateDirectory: string, trail: Trail, started: AsyncDisposableStack) {
  const api = await startRuntimeApi();
  started.defer(api.close);
  const logs = createLogs(join(stateDirectory, 'logs'), trail);
  // Named as Lambda names them.
  const day = new Date(now()).toISOString().slice(0, 10).replaceAll('-', '/');
  const stream = `${day}/[$LATEST]${randomUUID().replaceAll('-', '')}`;
  const pool = createPool({ api, now, log: (of) => logs(of, stream) });
  started.defer(pool.close);
  return pool;
}

function openStores(assembly: ResolvedAssembly, directory: string) {
  const open = <T extends object>(name: string, initial: T) => openDocument(join(directory, name), initial);
  return {
    keys: openKeyStore(open(KEYS_FILE, { keys: [] }), assembly, template.readKeys(assembly)),
    secrets: openSecretStore(open('secrets.json', { secrets: [] }), template.readSecrets(assembly), now),
    queues: openQueues(open('queues.json', { queues: {} }), template.readQueues(assembly), now),
  };
}
