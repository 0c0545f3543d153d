import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { KMSClient } from '@aws-sdk/client-kms';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { loadSystem } from '../declaration/load.ts';
import { requireDeclaredPlace } from '../declaration/options.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { readAssembly } from '../proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../proof/assembly/resolve.ts';
import { print, printError } from '../terminal.ts';
import { type Comparison, compareLive, type Difference } from './compare-live.ts';
import { createLive } from './live.ts';

const USAGE = `npm run verify -- [options]

Compares what is deployed with what is synthesized, difference by difference. Reads only; run it after every deploy.

  --stage NAME        which stage, of a declaration that is a function of it
  --declaration FILE  the declaration that was deployed (zones.ts)
  --assembly DIR      compare with this cloud assembly instead of synthesizing one
  --region REGION     default: AWS_REGION
  --json              print JSON: differences, unread, read
  --help              print this

Exit status: 0 everything is as synthesized, 1 something is not or could not be read, 2 there is nothing to compare.
AWS_ENDPOINT_URL names an emulator to ask instead of AWS.`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args,
      options: {
        ...{ stage: { type: 'string' }, declaration: { type: 'string' }, assembly: { type: 'string' } },
        ...{ region: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
      },
    });
    if (values.help) {
      print(USAGE);
      return 0;
    }
    const { live, place } = await connect(values.region);
    const assembly = await withAssembly(values, place, (folder) =>
      resolveAssembly(readAssembly(folder), place),
    );
    let shown = 0;
    const result = await compareLive(assembly, live, (done, of) => {
      if (performance.now() < shown + 2000) return;
      shown = performance.now();
      printError(`${done} of ${of} resources ...`);
    });
    print(values.json ? JSON.stringify(result, null, 2) : report(result));
    return result.differences.length + result.unread.length === 0 ? 0 : 1;
  } catch (error) {
    const known = isZonesError(error) || (error instanceof TypeError && 'code' in error);
    printError(known ? error.message : error);
    return 2;
  }
}

/** The account of the credentials that the AWS SDK finds. */
async function connect(region: string | undefined) {
  const { config } = new KMSClient(region === undefined ? {} : { region });
  const missing = (what: string) => (cause: unknown) => {
    throw new ZonesError('config_invalid', `There ${what}: set AWS_REGION and AWS_PROFILE, or log in.`, {
      cause,
    });
  };
  const access = {
    region: await config.region().catch(missing('is no region')),
    credentials: await config.credentials().catch(missing('are no AWS credentials')),
  };
  const live = createLive({ ...access, endpoint: process.env.AWS_ENDPOINT_URL });
  const { Account } = await live('sts', 'GetCallerIdentity');
  return { live, place: { account: String(Account), region: access.region } };
}

/** Runs `use` on the given assembly, or on one synthesized as a deploy to that place does it, and thrown away. */
async function withAssembly<T>(
  { assembly, declaration, stage }: { assembly?: string; declaration?: string; stage?: string },
  place: { account: string; region: string },
  use: (folder: string) => T,
): Promise<T> {
  if (assembly !== undefined) return use(assembly);
  const system: SystemDeclaration = await loadSystem(declaration, stage);
  requireDeclaredPlace(system, place);
  printError('synthesizing ...');
  const { buildApp } = await import('../build-app.ts');
  const folder = mkdtempSync(join(tmpdir(), 'zones-'));
  try {
    buildApp(system, { outdir: folder, ...place }).synth();
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report({ differences, unread, read }: Comparison): string {
  const value = (of: unknown) =>
    of === undefined ? 'nothing' : typeof of === 'string' ? of : JSON.stringify(of);
  const difference = ({ resource, type, property, expected, found, means }: Difference) =>
    [
      `${resource} (${type}) ${property}`.trimEnd(),
      `  expected  ${value(expected)}`,
      `  found     ${value(found)}`,
      `  ${means}`,
    ].join('\n');
  const equal = differences.length + unread.length === 0;
  return [
    ...differences.map(difference),
    ...unread.map(({ resource, type, reason }) => `${resource} (${type})\n  not read: ${reason}`),
    `${read} resources read: ${equal ? 'everything is as synthesized' : `${differences.length} differences, ${unread.length} not read`}.`,
  ].join('\n\n');
}
