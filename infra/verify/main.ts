import { KMSClient } from '@aws-sdk/client-kms';
import { type AwsKeys, signAws } from '@helseid-zones/client/sigv4';
import { loadSystem } from '../declaration/load.ts';
import { zoneStackName } from '../declaration/names.ts';
import {
  DECLARATION_OPTIONS,
  readArguments,
  requireDeclaredPlace,
  requireStage,
  withFolder,
} from '../declaration/options.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { connectLive, requireEndpoints, requirePlace } from '../keys/connect.ts';
import { readOperatorFile } from '../operator-file.ts';
import { readAssembly } from '../proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../proof/assembly/resolve.ts';
import { matrixOf, prove } from '../proof/prove.ts';
import { print, printError, runCommand } from '../terminal.ts';
import { type AssemblyChoice, withAssembly } from '../with-assembly.ts';
import { type Callers, callEntries, type Gateway } from './call-entries.ts';
import { type Comparison, compareLive } from './compare-live.ts';
import { items, type Live, one } from './live.ts';
import { simulate } from './simulate.ts';

const USAGE = `npm run verify -- [options]

Compares what is deployed with what is synthesized, difference by difference; asks IAM's simulator what the proof says of roles;
calls the entries that only read. Changes nothing; run it after every deploy.

  --stage NAME        which stage, of a declaration that is a function of it
  --declaration FILE  the declaration that was deployed (zones.ts)
  --assembly DIR      compare with this cloud assembly instead of synthesizing one
  --region REGION     default: AWS_REGION
  --local [FOLDER]    only call the entries of the running local system (default .local), which has no stacks
  --json              print JSON: differences, unread, read
  --help              print this

Exit status: 0 everything that was compared is as synthesized, 1 something is not or could not be read, 2 there is nothing to compare.
AWS_ENDPOINT_URL names an emulator to ask instead of AWS.`;

async function main(args: string[]): Promise<number> {
  const options = {
    ...DECLARATION_OPTIONS,
    assembly: { type: 'string' },
    region: { type: 'string' },
    local: { type: 'string' },
    json: { type: 'boolean' },
  } as const;
  const { values } = readArguments({ args: args.flatMap(withFolder), options });
  const { local, stage } = values;
  const result = local === undefined ? await verifyDeployed(values) : await verifyLocal(local, stage);
  print(values.json ? JSON.stringify(result, null, 2) : report(result));
  return result.differences.length + result.unread.length === 0 ? 0 : 1;
}

type Options = AssemblyChoice & { stage?: string; region?: string };
type Result = Comparison & { skipped: string[] };

const NOT_COMPARED =
  "not compared: code behind a bundle's key in S3 (only that nothing changed a function after its deploy), account-wide log policies, transformers and sinks of logs, aliases, DHCP options, private hosted zones, resolver rules, further DNS firewall associations (docs/deploying.md)";
const NOT_CALLED = 'the entries: an emulator of the control plane runs none';

async function verifyDeployed(options: Options): Promise<Result> {
  const system = await loadSystem(options.declaration, options.stage);
  requireEndpoints(process.env);
  const kms = new KMSClient(options.region === undefined ? {} : { region: options.region });
  await requirePlace(kms);
  const { live, access, place } = await connectLive(kms);
  requireDeclaredPlace(system, place);
  const onSynth = () => printError('synthesizing ...');
  return withAssembly({ ...options, place }, system, onSynth, async (folder) => {
    let shown = 0;
    const compared = await compareLive(resolveAssembly(readAssembly(folder), place), live, (done, of) => {
      if (performance.now() < shown + 2000) return;
      shown = performance.now();
      printError(`${done} of ${of} resources ...`);
    });
    printError("asking IAM's simulator ...");
    const matrix = matrixOf(prove(folder, system, place));
    const asked = await simulate(matrix, { live, account: place.account, liveName: compared.liveName });
    const called = process.env.AWS_ENDPOINT_URL
      ? { differences: [], skipped: [NOT_CALLED], read: 0 }
      : await callEntries(system, await gatewaysOf(system, live), callersFor(access));
    return {
      differences: [...compared.differences, ...asked.differences, ...called.differences],
      unread: [...compared.unread, ...asked.unread],
      read: compared.read + asked.read + called.read,
      skipped: [NOT_COMPARED, ...called.skipped],
    };
  });
}

/** A local system emulates what functions call, and no CloudFormation: its entries are called. */
function verifyLocal(folder: string, stage: string | undefined): Promise<Result> {
  const { declaration, region, credentials, gateways, stage: running } = readOperatorFile(folder);
  requireStage(stage, running);
  return callEntries(declaration, gateways, callersFor({ region, credentials }));
}

/** The gateways of the zones, by the outputs of their stacks. */
async function gatewaysOf({ name, zones }: SystemDeclaration, live: Live): Promise<Gateway[]> {
  const { Stacks } = await live('cloudformation', 'DescribeStacks');
  return Object.keys(zones).flatMap((zone) =>
    items(one(Stacks, 'StackName', zoneStackName(name, zone))?.Outputs)
      .filter(({ OutputKey }) => String(OutputKey).startsWith('GatewayUrl'))
      .map(({ OutputValue }) => ({ zone, url: String(OutputValue).replace(/\/$/, '') })),
  );
}

/** Calls that resolve to the status of the answer, 0 where there is none. */
function callersFor({ region, credentials }: { region: string; credentials: AwsKeys }): Callers {
  const call = async (url: string, headers: Record<string, string> = {}, tries = 2): Promise<number> => {
    const signal = AbortSignal.timeout(30_000);
    const response = await fetch(url, { redirect: 'manual', headers, signal }).catch(() => undefined);
    await response?.body?.cancel();
    const { status = 0 } = response ?? {};
    // A cold function, or a connection that was lost, is no difference.
    return (status === 0 || status >= 500) && tries > 1 ? call(url, headers, tries - 1) : status;
  };
  const signed = (url: string) => {
    const place = { service: 'execute-api', region, now: Date.now() };
    return call(url, signAws({ method: 'GET', url: new URL(url) }, credentials, place));
  };
  return { plain: (url) => call(url), signed };
}

function report({ differences, unread, read, skipped }: Result): string {
  const value = (of: unknown) =>
    of === undefined ? 'nothing' : typeof of === 'string' ? of : JSON.stringify(of);
  const equal = differences.length + unread.length === 0;
  return [
    ...differences.map(
      ({ resource, type, property, expected, found, means }) =>
        `${`${resource} (${type}) ${property}`.trimEnd()}\n  expected  ${value(expected)}\n  found     ${value(found)}\n  ${means}`,
    ),
    ...skipped.map((what) => `skipped: ${what}`),
    ...unread.map(({ resource, type, reason }) => `${resource} (${type})\n  not read: ${reason}`),
    `${read} read or called: ${equal ? 'everything that was compared is as synthesized' : `${differences.length} differences, ${unread.length} not read`}.`,
  ].join('\n\n');
}

// Last, so that everything above is there.
await runCommand(main, { usage: USAGE, failed: 2 });
