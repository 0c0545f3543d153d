import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ResolvedAssembly } from '../../infra/proof/assembly/resolve.ts';
import type { World } from '../../infra/proof/policy/index.ts';
import { type Closers, startOrClose } from '../app/closers.ts';
import { startPlatform } from '../app/platform.ts';
import { KEYS_FILE, openDocument } from '../app/state.ts';
import type { Authorize } from './authorize.ts';
import { createServices } from './aws-services.ts';
import { createAuthorize, operatorRole } from './boundary.ts';
import { type Credentials, type CredentialTable, createCredentialTable } from './credentials.ts';
import { startTables } from './dynamodb/tables.ts';
import { type LocalEndpoint, startEndpoints } from './endpoints.ts';
import { makeFunctions } from './functions.ts';
import type { GatewayApi } from './gateway/model.ts';
import { startGateway } from './gateway/server.ts';
import { type KeyStore, openKeyStore, type StoredKey } from './kms/keys.ts';
import { createAsyncInvocations } from './lambda/async.ts';
import { createFunctionTable, createInvoke, type Invoke } from './lambda/invoke.ts';
import type { AwsDeps } from './listener.ts';
import { createLogs } from './runtime/log.ts';
import { createPool, type FunctionPool } from './runtime/pool.ts';
import { startRuntimeApi } from './runtime/runtime-api.ts';
import { createRotations, type Rotations } from './secrets/rotation.ts';
import { openSecretStore, type SecretStore, type StoredSecret } from './secrets/store.ts';
import type { WireService } from './service.ts';
import { openQueues, type QueueTable, type StoredMessage } from './sqs/queues.ts';
import { readQueues } from './template/events.ts';
import { readFunctions, type TemplateFunction } from './template/functions.ts';
import { readGateways } from './template/gateways.ts';
import { readAliases, readKeys } from './template/keys.ts';
import { readNetworks } from './template/network.ts';
import { readSecrets } from './template/secrets.ts';
import { readTables } from './template/tables.ts';
import type { Trail } from './trail.ts';

/** Name of the role that stands for whoever operates the system. */
const OPERATOR = 'local-operator';

/** What the local AWS is started with. `now` is in epoch milliseconds. */
export interface LocalAwsOptions {
  assembly: ResolvedAssembly;
  world: World;
  /** Folder that everything that survives a restart is kept in. */
  stateDirectory: string;
  /** Certificate file that functions trust beside Node's own. */
  caFile?: string;
  /** What the functions of a zone call beside AWS: nothing, for the signing zone. */
  calledUrls(zone: string | undefined): readonly string[];
  /** Port of a zone's gateway. */
  gatewayPort(zone: string): number;
  /** Key and certificate of the gateways; undefined for plain HTTP. */
  tls?: { key: string; cert: string } | undefined;
  trail: Trail;
  now?: () => number;
}

/** A REST API that listens. */
export interface RunningGateway {
  api: GatewayApi;
  /** `http://localhost:<port>` (or `https:`), which stands for the API's URL on AWS with its stage. */
  url: string;
}

/** The local AWS, with everything that steps, pages and tests look into. */
export interface LocalAws {
  account: string;
  region: string;
  /** AWS's public endpoints. */
  publicUrl: string;
  endpoints: readonly LocalEndpoint[];
  gateways: readonly RunningGateway[];
  functions: readonly TemplateFunction[];
  pool: FunctionPool;
  /** Invokes a function for a caller whom the policies let. */
  invoke: Invoke;
  keys: KeyStore;
  secrets: SecretStore;
  queues: QueueTable;
  rotations: Rotations;
  trail: Trail;
  world: World;
  authorize: Authorize;
  /** Credentials of the operator, who may do what policies leave to the account. */
  operator: Credentials;
  /** Credentials of a function's role, as its process has them. */
  credentialsOf(functionName: string): Credentials;
  close(): Promise<void>;
}

/** Starts the local AWS for an assembly. Function processes start with their first invocation. Throws `assembly_invalid`, `local_failed`. */
export function startLocalAws(options: LocalAwsOptions): Promise<LocalAws> {
  return startOrClose((closers) => startAll(options, closers));
}

async function startAll(options: LocalAwsOptions, closers: Closers): Promise<LocalAws> {
  const { assembly, trail, stateDirectory, now = Date.now } = options;
  const { account, region } = assembly;
  const operator = operatorRole(account, OPERATOR);
  const world = { ...options.world, roles: new Map([...options.world.roles, [operator.arn, operator]]) };
  const authorize = createAuthorize(world);
  const credentials = createCredentialTable();
  const services: WireService[] = [];
  const deps: AwsDeps = { services, authorize, credentials, trail, region, now };
  const stores = openStores(assembly, stateDirectory, now);

  const endpoints = await startEndpoints(deps, readNetworks(assembly));
  closers.add(endpoints.close);
  const templates = readFunctions(assembly);
  const apis = readGateways(assembly);
  const ports = apis.map(({ zone, name }) => options.gatewayPort(zone ?? name));
  const urls = ports.map((port) => `${options.tls ? 'https' : 'http'}://localhost:${port}`);
  const functions = createFunctionTable(
    makeFunctions(templates, {
      region,
      credentials,
      endpoints,
      caFile: options.caFile,
      calledUrls: options.calledUrls,
      replacements: gatewayUrls(apis, urls),
    }),
  );
  const api = await startRuntimeApi();
  closers.add(api.close);
  const tables = await startTables(readTables(assembly), join(stateDirectory, 'dynamodb'));
  closers.add(tables.close);
  const logs = createLogs(join(stateDirectory, 'logs'), trail);
  const stream = logStream(now());
  const pool = createPool({ api, now, log: (of) => logs(of, stream) });
  closers.add(pool.close);
  const asynchronous = createAsyncInvocations(pool, trail);
  closers.add(asynchronous.close);
  const invoke = createInvoke(functions, pool);
  const shared = { ...deps, ...stores, account, pool, functions, asynchronous, invoke };
  const rotations = createRotations(shared);
  services.push(...createServices(assembly, { ...shared, rotations, tablesUrl: tables.url }));
  const platform = startPlatform(assembly, { ...shared, rotations, templates });
  closers.add(async () => {
    // The pollers wait for the batches that functions work on, which end with the processes.
    const idle = platform.close();
    await pool.close();
    await idle;
  });
  const gateways: RunningGateway[] = [];
  for (const [index, gateway] of apis.entries()) {
    const { close } = await startGateway({ ...deps, invoke, tls: options.tls }, gateway, ports[index]);
    closers.add(close);
    gateways.push({ api: gateway, url: urls[index] ?? '' });
  }

  return {
    ...{ account, region, publicUrl: endpoints.publicUrl, endpoints: endpoints.all, gateways },
    ...{ functions: templates, pool, invoke, ...stores, rotations, trail, world, authorize },
    operator: credentials.issue(operator, 'operator', 'long-lived'),
    credentialsOf: (name) => credentialsOf(credentials, templates, name),
    close: closers.close,
  };
}

/** Name of a log stream as Lambda makes them. */
function logStream(now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '/');
  return `${day}/[$LATEST]${randomUUID().replaceAll('-', '')}`;
}

function openStores(assembly: ResolvedAssembly, directory: string, now: () => number) {
  const { account, region } = assembly;
  const open = <T>(name: string, initial: T) => openDocument(join(directory, name), initial);
  const keys = openKeyStore(open(KEYS_FILE, { keys: [] as StoredKey[] }), {
    account,
    region,
    aliases: readAliases(assembly),
  });
  for (const key of readKeys(assembly)) keys.add(key);
  return {
    keys,
    secrets: openSecretStore(
      open('secrets.json', { secrets: [] as StoredSecret[] }),
      readSecrets(assembly),
      now,
    ),
    queues: openQueues(
      open('queues.json', { queues: {} as Record<string, StoredMessage[]> }),
      readQueues(assembly),
      now,
    ),
  };
}

/** What stands in functions' environments for the URL of an API. */
function gatewayUrls(apis: readonly GatewayApi[], urls: readonly string[]): Map<string, string> {
  return new Map(
    apis.map(({ id, region, stage }, index) => [
      `https://${id}.execute-api.${region}.amazonaws.com/${stage}`,
      urls[index] ?? '',
    ]),
  );
}

/** The same session that the function's process has: `issue` gives the same credentials again. */
function credentialsOf(
  table: CredentialTable,
  functions: readonly TemplateFunction[],
  name: string,
): Credentials {
  const of = functions.find((candidate) => candidate.name === name);
  if (of === undefined) throw new TypeError(`there is no function ${name}`);
  return table.issue({ arn: of.roleArn, account: of.account, functionArn: of.arn }, of.name);
}
