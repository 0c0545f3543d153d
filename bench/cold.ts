import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildSync } from 'esbuild';
import { buildApp } from '../infra/build-app.ts';
import { BUNDLING } from '../infra/bundling.ts';
import { readAssembly } from '../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../infra/proof/assembly/resolve.ts';
import { inNewFolder } from '../infra/with-assembly.ts';
import { readFunctions } from '../local/aws/template/resources.ts';
import { startInstantAws } from '../test/fakes/instant-aws.ts';
import shipped from '../test/two-clients.zones.ts';
import { type Figure, inTurns, type Scale } from './figures.ts';

/** What somebody would write who only wants it to work. */
const PEERS = {
  'client-kms': `
    import { createHash } from 'node:crypto';
    import { KMSClient, SignCommand } from '@aws-sdk/client-kms';
    const kms = new KMSClient({});
    export const handler = async ({ intents: [{ url }] }) => {
      const input = [{ alg: 'ES256', typ: 'dpop+jwt' }, { htm: 'POST', htu: url, iat: Math.floor(Date.now() / 1000) }]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
      const { Signature } = await kms.send(new SignCommand({ KeyId: 'bench', MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256', Message: createHash('sha256').update(input).digest() }));
      return { jws: input + '.' + Buffer.from(Signature).toString('base64url') };
    };`,
  'client-kms, client-dynamodb, oauth4webapi, jose': `
    import { KMSClient, SignCommand } from '@aws-sdk/client-kms';
    import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
    import { clientCredentialsGrantRequest, processClientCredentialsResponse } from 'oauth4webapi';
    import { jwtVerify } from 'jose';
    export const made = [new KMSClient({}), new DynamoDBClient({})];
    export const handler = async () => [SignCommand, PutItemCommand, clientCredentialsGrantRequest,
      processClientCredentialsResponse, jwtVerify];`,
};

const AWS = {
  AWS_REGION: 'eu-north-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_SESSION_TOKEN: 'bench',
};

/** A function in a process of its own with nothing inherited, as Lambda starts one. */
async function run(file: string, event: object, calls: number, more: object) {
  const child = join(import.meta.dirname, 'child.ts');
  const args = ['--expose-gc', child, file, JSON.stringify(event), String(calls)];
  const env = { ...AWS, LAMBDA_TASK_ROOT: dirname(file), ...more };
  const { stderr } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 2 ** 30 });
  return JSON.parse(stderr.slice(stderr.lastIndexOf('{"load')));
}

type Start = (event: object, calls: number, more?: object) => ReturnType<typeof run>;

/** Cold starts, each in a process of its own with the deployed bundle, and the memory that a signer keeps; AWS answers at once. */
export async function benchCold(scale: Scale): Promise<Figure[]> {
  const aws = await startInstantAws();
  return inNewFolder((folder) => measure(folder, aws, scale)).finally(() => aws.close());
}

async function measure(directory: string, aws: Awaited<ReturnType<typeof startInstantAws>>, scale: Scale) {
  const { rounds, share } = scale;
  buildApp(shipped, { outdir: directory, checkTemplates: false }).synth();
  const place = { account: '000000000000', region: 'eu-north-1' };
  const functions = readFunctions(resolveAssembly(readAssembly(directory), place));
  const url = { AWS_ENDPOINT_URL: aws.url };
  const find = (ending: RegExp) => {
    const { codeDirectory = '', environment } = functions.find(({ name }) => ending.test(name)) ?? {};
    const file = join(codeDirectory, 'index.mjs');
    const start: Start = (event, calls, more) => run(file, event, calls, { ...url, ...environment, ...more });
    return { file, start };
  };
  const [own, all] = Object.entries(PEERS).map(([name, contents], index) => {
    const file = join(directory, `peer-${index}.mjs`);
    buildSync({ ...BUNDLING, stdin: { contents, resolveDir: import.meta.dirname }, outfile: file });
    return { name, file, start: (event: object, calls: number) => run(file, event, calls, url) };
  });
  if (!own || !all) throw new Error('There are two peers.');
  const signer = find(/-signer-.*-public$/);
  const grant = JSON.parse(readFileSync(join(dirname(signer.file), 'grant.json'), 'utf8'));
  aws.serve(grant);
  const asked = { method: 'POST', url: `${grant.proofs[0].origin}/connect/token` };
  const event = { intents: [{ kind: 'dpop_proof', client: grant.client, ...asked }] };
  const starts = [() => signer.start(event, 1), () => own.start(event, 1)];
  const [here = [], peer = []] = await inTurns(rounds * 3, starts);
  const figures: Figure[] = [
    ['initialisation, with record and key', 'load'],
    ['first signature', 'first'],
    ['processor time of both', 'processor'],
  ].map(([what, name = '']) => ({
    what: `signer: ${what}`,
    unit: 'ms',
    here: here.map((told) => told[name]),
    peer: [own.name, peer.map((told) => told[name])],
    target: name === 'first' ? ['ratio', 'most', 1.1] : undefined,
  }));
  for (const name of ['tokens', 'login', 'worker']) {
    const bundle = find(new RegExp(`-${name}$`));
    if (bundle.file === 'index.mjs') continue;
    const load = async ({ start }: Pick<typeof all, 'start'>): Promise<number> => (await start({}, 0)).load;
    const [loads = [], others = []] = await inTurns(rounds * 3, [() => load(bundle), () => load(all)]);
    const [size = [], other = []] = [bundle, all].map(({ file }) => [statSync(file).size / 1000]);
    figures.push(
      { what: `${name}: initialisation`, unit: 'ms', here: loads, peer: [all.name, others] },
      { what: `${name}: bundle`, unit: 'kB', here: size, peer: [all.name, other] },
    );
  }
  const cached = { signer, tokens: find(/-tokens$/), worker: find(/-worker$/) };
  for (const [name, { start }] of Object.entries(cached))
    figures.push(...(await measureCaches(name, start, directory, rounds)));
  const calls = 10_000 * share;
  const grown = async ({ start }: Pick<typeof signer, 'start'>) => {
    const [early, late] = (await start(event, calls)).used;
    return [(100 * late) / early];
  };
  figures.push({
    what: `memory after ${calls} invocations, of that after a tenth`,
    unit: '%',
    here: await grown(signer),
    peer: [own.name, await grown(own)],
    // Of fewer calls a tenth is still part of the start.
    target: share < 1 ? undefined : ['value', 'most', 105],
  });
  return figures;
}

/** Node's compile cache, empty as it is in `/tmp` of a function that starts cold, and filled as if a deploy could bring one. */
async function measureCaches(
  name: string,
  start: Start,
  directory: string,
  rounds: number,
): Promise<Figure[]> {
  const load = async (folder?: string): Promise<number> =>
    (await start({}, 0, folder ? { NODE_COMPILE_CACHE: folder } : {})).loading;
  const newFolder = () => mkdtempSync(join(directory, 'cache-'));
  const filled = newFolder();
  await load(filled);
  const ways = [() => load(), () => load(newFolder()), () => load(filled)];
  const [without = [], ...others] = await inTurns(rounds * 3, ways);
  return ['an empty', 'a filled'].map((which, index) => ({
    what: `${name}: processor time of its initialisation, ${which} compile cache`,
    unit: 'ms',
    here: others[index] ?? [],
    peer: ['without', without],
  }));
}
