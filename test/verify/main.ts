import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { buildApp } from '../../infra/build-app.ts';
import { loadSystem } from '../../infra/declaration/load.ts';
import type { Difference } from '../../infra/verify/compare-live.ts';
import { reportMissing } from '../missing.ts';
import { freePorts } from '../ports.ts';
import { pythonWith } from '../python.ts';
import { newFolder } from '../temporary.ts';
import { CHANGES } from './changes.ts';

// npm run test:verify: deploys the templates of zones.ts into moto, and asks `npm run verify` about it: as deployed, and with each of
// the changes that it should find. Needs Python 3.10 or newer and PyPI; says so where they are missing.

const MOTO = '5.2.5';
const PLACE = { account: '123456789012', region: 'eu-north-1' };

/** What moto's services, or its CloudFormation, do not keep: by type and property, the whole type where there is none. */
const LACKS = [
  // Interfaces of endpoints have no type of their own there.
  /^AWS::EC2::VPC OtherInterfaces$/,
  /^AWS::Route53Resolver::\w+ $/,
  /^AWS::(?:Lambda::ResourcePolicy|Logs::QueryDefinition) $/,
  // When CloudFormation was done with a function it says wrongly.
  /^AWS::Lambda::Function (?:LoggingConfig|ChangedSince)$/,
  /^AWS::SecretsManager::Secret Rotation$/,
  /^AWS::ApiGateway::RestApi (?:SecurityPolicy|EndpointAccessMode|BinaryMediaTypes)/,
  /^AWS::ApiGateway::RestApi Methods\..*\.ResponseTransferMode$/,
];

/**
 * Whether an alarm differs in nothing but this: for the ids of a firewall that moto has not stands what the template calls it.
 */
function isOfLackingFirewall({ type, property, expected, found }: Difference): boolean {
  if (type !== 'AWS::CloudWatch::Alarm' || property !== 'Dimensions') return false;
  const [names, others] = [expected, found].map((each) => (each as Dimension[]).map(({ Name }) => Name));
  const firewall = ['FirewallDomainListId', 'FirewallRuleGroupId'];
  const named = (found as Dimension[]).every(({ Value }) =>
    /^Network(EveryName|NameRules)[0-9A-F]{8}$/.test(Value),
  );
  return named && isDeepStrictEqual(names, firewall) && isDeepStrictEqual(others, firewall);
}

interface Dimension {
  Name: string;
  Value: string;
}

const python = pythonWith(`moto[all,server]==${MOTO}`, 'moto.server');
if (python === undefined) reportMissing('npm run verify', `moto ${MOTO} (Python 3.10 with venv, and PyPI)`);
else if (!(await run(python))) process.exitCode = 1;

async function run(command: string): Promise<boolean> {
  const assembly = newFolder();
  buildApp(await loadSystem(undefined, undefined), { outdir: assembly, ...PLACE }).synth();
  const { gateway: port } = await freePorts();
  const moto = spawn(command, [join(import.meta.dirname, 'serve.py'), String(port), assembly], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await deployed(moto);
    const endpoint = `http://127.0.0.1:${port}`;
    return await compare({ endpoint, assembly });
  } finally {
    moto.kill();
  }
}

async function compare(place: { endpoint: string; assembly: string }): Promise<boolean> {
  const first = await verify(place);
  const lacking = first.filter(
    (of) => LACKS.some((lack) => lack.test(nameOf(of))) || isOfLackingFirewall(of),
  );
  const wrong = first.filter((of) => !lacking.includes(of));
  for (const name of new Set(lacking.map(nameOf))) console.log(`skipped, moto has it not: ${name}`);
  console.log('skipped, moto has it not: iam:SimulatePrincipalPolicy, and no functions behind the entries');
  for (const of of wrong) console.log('FAILED, a difference as deployed:', JSON.stringify(of));
  let ok = wrong.length === 0;
  for (const { name, change, found } of CHANGES) {
    await change(place.endpoint);
    const seen = (await verify(place)).filter((of) => !lacking.some((lack) => sameAs(lack, of)));
    const hit = seen.some((of) => found.test(`${nameOf(of)} of ${of.resource}`));
    console.log(`${hit ? 'found' : 'FAILED, not found'}: ${name}`);
    ok &&= hit;
  }
  return ok;
}

function nameOf({ type, property }: Difference): string {
  return `${type} ${property}`;
}

function sameAs(a: Difference, b: Difference): boolean {
  return a.resource === b.resource && a.property === b.property;
}

/** Runs `npm run verify`, which exits with 1 where it finds something. */
async function verify({ endpoint, assembly }: { endpoint: string; assembly: string }): Promise<Difference[]> {
  const env = {
    PATH: process.env.PATH,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: PLACE.region,
    AWS_ACCESS_KEY_ID: 'operator',
    AWS_SECRET_ACCESS_KEY: 'operator',
  };
  const args = ['infra/verify/main.ts', '--json', '--assembly', assembly];
  const { stdout, status } = spawnSync(process.execPath, args, { env, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const { differences, unread } = JSON.parse(stdout) as {
    differences: Difference[];
    unread: { type: string; reason: string }[];
  };
  // moto has no simulator of policies, and serve.py refuses.
  if (unread.some(({ type, reason }) => type !== 'simulator' || !reason.includes('AccessDenied')))
    throw new Error(`not read: ${JSON.stringify(unread)}`);
  if (status !== 1) throw new Error(`verify exited with ${status}`);
  return differences;
}

/** Resolves when every stack is there. */
async function deployed(moto: ChildProcess): Promise<void> {
  const lines = createInterface({ input: moto.stdout ?? process.stdin });
  for await (const line of lines) {
    console.log(`deployed; moto's CloudFormation leaves out ${JSON.parse(line).leftOut.join(', ')}`);
    return;
  }
  throw new Error('moto has ended');
}
