import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { buildSync } from 'esbuild';
import { buildApp } from '../infra/build-app.ts';
import { BUNDLING } from '../infra/bundling.ts';
import { readAssembly } from '../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../infra/proof/assembly/resolve.ts';
import { readFunctions } from '../local/aws/template/resources.ts';
import { createQuickSigner } from '../test/fakes/quick-ecdsa.ts';
import shipped from '../test/two-clients.zones.ts';
import { alone, beside, type Figure, inTurns, type Part, type Scale } from './figures.ts';

/** What a child process tells of itself: milliseconds, and kB of memory in use after a tenth of the calls and after all. */
type Told = Record<'load' | 'first' | 'processor' | 'early' | 'late', number>;

/** What somebody would write who only wants it to work. */
const PEERS = {
  'a handler with client-kms': `
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

/** Cold starts, each in a process of its own with the deployed bundle, and the memory that a signer keeps; AWS answers at once. */
export async function benchCold({ rounds, share }: Scale): Promise<Part> {
  const directory = mkdtempSync(join(tmpdir(), 'zones-bench-'));
  const aws = await startAws();
  try {
    buildApp(shipped, { outdir: directory, checkTemplates: false }).synth();
    const place = { account: '000000000000', region: 'eu-north-1' };
    const functions = readFunctions(resolveAssembly(readAssembly(directory), place));
    const find = (part: RegExp) => functions.find(({ name }) => part.test(name));
    const [own, everything] = Object.entries(PEERS).map(([name, contents], index) => {
      const file = join(directory, `peer-${index}.mjs`);
      const stdin = { contents, resolveDir: import.meta.dirname };
      buildSync({ ...BUNDLING, stdin, outfile: file });
      return { name, file, environment: {} };
    }) as [Module, Module];
    const figures: Figure[] = [];
    const signer = moduleOf(find(/-signer-.*-public$/));
    const grant = JSON.parse(readFileSync(join(signer.file, '../grant.json'), 'utf8'));
    const url = `${grant.proofs[0].origin}/connect/token`;
    const event = { intents: [{ kind: 'dpop_proof', client: grant.client, method: 'POST', url }] };
    aws.serve(grant);
    const told: Told[][] = [[], []];
    const several = rounds * 3;
    await inTurns(several, {
      ours: async () => told[0]?.push(await run(signer, event, 1, aws.url)) ?? 0,
      peer: async () => told[1]?.push(await run(own, event, 1, aws.url)) ?? 0,
    });
    const column = (of: number, name: keyof Told) => (told[of] ?? []).map((each) => each[name]);
    const add = (what: string, name: keyof Told, most?: number) =>
      figures.push(
        beside(
          `signer: ${what}`,
          'ms',
          column(0, name),
          [own.name, column(1, name)],
          most ? { most } : undefined,
        ),
      );
    add('initialisation, with record and key', 'load');
    add('first signature', 'first', 1.1);
    add('processor time of both', 'processor');
    const whole = (of: number) =>
      column(of, 'load').map((load, round) => load + (column(of, 'first')[round] ?? 0));
    figures.push(beside('signer: both', 'ms', whole(0), [own.name, whole(1)]));
    for (const [name, pattern] of [
      ['tokens', /-tokens$/],
      ['login', /-login$/],
      ['worker', /-worker$/],
    ] as const) {
      const found = find(pattern);
      if (!found) continue;
      const of = moduleOf(found);
      const size = (file: string) => [statSync(file).size / 1000];
      const loads = await inTurns(several, {
        ours: async () => (await run(of, {}, 0, aws.url)).load,
        peer: async () => (await run(everything, {}, 0, aws.url)).load,
      });
      figures.push(beside(`${name}: initialisation`, 'ms', loads.ours, [everything.name, loads.peer]));
      figures.push(beside(`${name}: bundle`, 'kB', size(of.file), [everything.name, size(everything.file)]));
    }
    const calls = 10_000 * share;
    const [ours, peer] = [await run(signer, event, calls, aws.url), await run(own, event, calls, aws.url)];
    const growth = ({ early, late }: Told) => [(100 * late) / early];
    figures.push(
      beside(
        `memory after ${calls} invocations, of that after a tenth`,
        '%',
        growth(ours),
        [own.name, growth(peer)],
        {
          ...{ of: 'value', most: 105 },
        },
      ),
      alone(`memory after ${calls} invocations`, 'kB', [ours.late]),
    );
    return { figures, notes: find(/-tokens$/) ? [] : ['The example has no tokens function.'] };
  } finally {
    aws.close();
    rmSync(directory, { recursive: true });
  }
}

interface Module {
  name: string;
  file: string;
  environment: Readonly<Record<string, string>>;
}

function moduleOf(found: ReturnType<typeof readFunctions>[number] | undefined): Module {
  if (!found) throw new Error('The example lacks a function that is measured.');
  const { name, codeDirectory, environment } = found;
  return {
    name,
    file: join(codeDirectory, 'index.mjs'),
    environment: { LAMBDA_TASK_ROOT: codeDirectory, ...environment },
  };
}

/** A function in a process of its own, with nothing inherited, as Lambda starts one. */
async function run(
  { file, environment }: Module,
  event: unknown,
  calls: number,
  endpoint: string,
): Promise<Told> {
  const args = [
    '--expose-gc',
    join(import.meta.dirname, 'child.ts'),
    pathToFileURL(file).href,
    JSON.stringify(event),
    String(calls),
  ];
  const env = {
    ...environment,
    ...{
      AWS_REGION: 'eu-north-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_SESSION_TOKEN: 'bench',
    },
    ...{ AWS_ENDPOINT_URL_KMS: endpoint, AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint },
  };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.on('data', (chunk) => {
    told += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${file} did not run: ${told.slice(-1000)}`);
  return JSON.parse(told.slice(told.lastIndexOf('{')));
}

/** KMS and Secrets Manager as far as a signer needs them, with one key and no delay. */
async function startAws() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sign = createQuickSigner(privateKey);
  const keyArn = 'arn:aws:kms:eu-north-1:000000000000:key/bench';
  const { thumbprint: kid } = describePublicKey(publicKey, 'ES256');
  const keys = [{ kid, keyArn, algorithm: 'ES256', state: 'current', since: { current: 0 } }];
  let record = {};
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const answers: Record<string, (input: Record<string, string>) => object> = {
    Sign: ({ Message = '' }) => ({ Signature: base64(sign(Buffer.from(Message, 'base64'))) }),
    GetPublicKey: () => ({ PublicKey: base64(publicKey.export({ format: 'der', type: 'spki' })) }),
    GetSecretValue: () => ({ SecretString: JSON.stringify(record) }),
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const operation = String(request.headers['x-amz-target']).split('.').pop() ?? '';
    const answer = answers[operation]?.(JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(answer ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(answer ?? { __type: 'UnknownOperationException' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: ({ client, clientId, issuer }: Record<string, string>) => {
      record = { version: 1, client, clientId, issuer, keys };
    },
    close: () => server.close(),
  };
}
