import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildSync } from 'esbuild';
import { buildApp } from '../infra/build-app.ts';
import { BUNDLING } from '../infra/bundling.ts';
import { readAssembly } from '../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../infra/proof/assembly/resolve.ts';
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

/** Cold starts, each in a process of its own with the deployed bundle, and the memory that a signer keeps; AWS answers at once. */
export async function benchCold({ rounds, share }: Scale): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'zones-bench-'));
  const aws = await startInstantAws();
  /** A function in a process of its own with nothing inherited, as Lambda starts one. */
  const run = async (file: string, event: object, calls: number, more: object = {}) => {
    const args = [
      '--expose-gc',
      join(import.meta.dirname, 'child.ts'),
      file,
      JSON.stringify(event),
      String(calls),
    ];
    const credentials = {
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_SESSION_TOKEN: 'bench',
    };
    const env = {
      AWS_REGION: 'eu-north-1',
      AWS_ENDPOINT_URL: aws.url,
      LAMBDA_TASK_ROOT: dirname(file),
      ...credentials,
      ...more,
    };
    const { stderr } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 2 ** 30 });
    return JSON.parse(stderr.slice(stderr.lastIndexOf('{"load')));
  };
  try {
    buildApp(shipped, { outdir: directory, checkTemplates: false }).synth();
    const assembly = resolveAssembly(readAssembly(directory), {
      account: '000000000000',
      region: 'eu-north-1',
    });
    const find = (ending: RegExp) => {
      const { codeDirectory = '', environment = {} } =
        readFunctions(assembly).find(({ name }) => ending.test(name)) ?? {};
      const file = join(codeDirectory, 'index.mjs');
      return { file, start: (event: object, calls: number) => run(file, event, calls, environment) };
    };
    const [own = '', all = ''] = Object.values(PEERS).map((contents, index) => {
      const outfile = join(directory, `peer-${index}.mjs`);
      buildSync({ ...BUNDLING, stdin: { contents, resolveDir: import.meta.dirname }, outfile });
      return outfile;
    });
    const [nameOwn = '', nameAll = ''] = Object.keys(PEERS);
    const signer = find(/-signer-.*-public$/);
    const grant = JSON.parse(readFileSync(join(dirname(signer.file), 'grant.json'), 'utf8'));
    aws.serve(grant);
    const url = `${grant.proofs[0].origin}/connect/token`;
    const event = { intents: [{ kind: 'dpop_proof', client: grant.client, method: 'POST', url }] };
    const [here = [], peer = []] = await inTurns(rounds * 3, [
      () => signer.start(event, 1),
      () => run(own, event, 1),
    ]);
    const figures: Figure[] = [
      ['initialisation, with record and key', 'load'],
      ['first signature', 'first'],
      ['processor time of both', 'processor'],
    ].map(([what, name = '']) => ({
      ...{ what: `signer: ${what}`, unit: 'ms', here: here.map((told) => told[name]) },
      peer: [nameOwn, peer.map((told) => told[name])],
      target: name === 'first' ? ['ratio', 'most', 1.1] : undefined,
    }));
    for (const name of ['tokens', 'login', 'worker']) {
      const { file, start } = find(new RegExp(`-${name}$`));
      if (file === 'index.mjs') continue;
      const load = (told: { load: number }) => told.load;
      const [loads = [], others = []] = await inTurns(rounds * 3, [
        () => start({}, 0).then(load),
        () => run(all, {}, 0).then(load),
      ]);
      const [size, other] = [file, all].map((bundle) => [statSync(bundle).size / 1000]);
      figures.push(
        { what: `${name}: initialisation`, unit: 'ms', here: loads, peer: [nameAll, others] },
        { what: `${name}: bundle`, unit: 'kB', here: size ?? [], peer: [nameAll, other ?? []] },
      );
    }
    const calls = 10_000 * share;
    const grown = ({ used: [early, late] }: { used: [number, number] }) => [(100 * late) / early];
    return [
      ...figures,
      {
        ...{ what: `memory after ${calls} invocations, of that after a tenth`, unit: '%' },
        ...{
          here: grown(await signer.start(event, calls)),
          peer: [nameOwn, grown(await run(own, event, calls))],
        },
        target: ['value', 'most', 105],
      },
    ];
  } finally {
    aws.close();
    rmSync(directory, { recursive: true });
  }
}
