import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { KMSClient, PutKeyPolicyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type AwsCaller, createAwsCaller } from '@helseid-zones/client/aws';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { required } from '@helseid-zones/protocol/values';
import * as v from 'valibot';
import { systemClock } from '../../functions/common/clock.ts';
import { createKmsPort, createSecretsPort } from '../../functions/common/key-ports.ts';
import { loadSystem } from '../declaration/load.ts';
import { requireDeclaredPlace, requireKnown, requireStage } from '../declaration/options.ts';
import { readOperatorFile } from '../operator-file.ts';
import { endProgress, escapeControls, print } from '../terminal.ts';
import { at, createLive, items, type Live, one } from '../verify/live.ts';
import { adminFunction, adminZone, type Operator } from './operator.ts';
import type { KeyOptions } from './options.ts';

/** Milliseconds that a function which an operator invokes may take. */
const PATIENCE = 5 * 60_000;

/**
 * Makes an operator of AWS, with the credentials that the AWS SDK finds, or of a running local system. The declaration is the
 * one that would be deployed, validated as for a deploy.
 * @throws {ZonesError} declaration_invalid, config_invalid, local_failed
 */
export async function connect(options: KeyOptions): Promise<Operator> {
  const { env } = process;
  const local = options.local === undefined ? undefined : readOperatorFile(options.local);
  if (local) requireStage(options.stage, local.stage);
  const system = local?.declaration ?? (await loadSystem(options.declaration, options.stage));
  requireKnown('client', options.client, Object.keys(system.clients));
  requireKnown('zone', options.zone, Object.keys(system.zones));
  const region = options.region ?? system.region;
  const access = local
    ? { endpoint: local.url, region: local.region, credentials: local.credentials }
    : { ...(region === undefined ? {} : { region }) };
  const kms = new KMSClient(access);
  if (!local) requireEndpoints(env);
  await requirePlace(kms);
  if (!local && system.account !== undefined) requireDeclaredPlace(system, (await connectLive(kms)).place);
  // The variable is the SDK's own, which its clients go by.
  const endpoint = local?.url ?? process.env['AWS_ENDPOINT_URL'];
  const endpoints = endpoint ? { lambda: endpoint, sqs: endpoint, cloudtrail: endpoint } : {};
  const own = { region: await kms.config.region(), credentials: kms.config.credentials };
  const aws = createAwsCaller({ ...own, endpoints }, { timeout: PATIENCE });
  const live = createLive({ ...own, endpoint });
  const [admin, rotation] = [adminZone(system), adminFunction(system, 'rotation')];
  const logOf = (zone: string, name: string) =>
    local ? join(local.logs, `${name}.log`) : `/${system.name}/${zone}/${name}`;
  const logLines: Operator['logLines'] = async (zone, name, field, values, since) =>
    local ? readLines(logOf(zone, name), values) : lookUpLines(live, logOf(zone, name), field, values, since);
  const log = logOf(admin, rotation);
  return {
    system,
    kms: {
      ...createKmsPort(kms),
      putKeyPolicy: (input) => kms.send(new PutKeyPolicyCommand(input)),
      scheduleKeyDeletion: (input) => kms.send(new ScheduleKeyDeletionCommand(input)),
    },
    secrets: createSecretsPort(new SecretsManagerClient(access)),
    clock: systemClock,
    fetch: (input, init) => fetch(input, init),
    say: print,
    confirm: options.yes ? async () => true : askOnTerminal,
    lastSignature: local === undefined ? lookUpSignature(aws) : findInLogs(local.logs),
    async signingPlace(keyArn) {
      const account = required(keyArn.split(':')[4], 'The account in the ARN of a key');
      const signingVpc =
        options['signing-vpc'] ?? local?.signingVpc ?? (await readSigningVpc(live, rotation));
      return { account, signingVpc };
    },
    invoke: (name, event) => invoke(aws, name, event),
    aws,
    logLines,
    failedSteps: () => logLines(admin, rotation, 'code', ['ROTATION_STEP_FAILED'], Date.now() - 3_600_000),
    rotationLog: local ? log : `the log group ${log}`,
    place: describePlace(options),
    localLogs: local?.logs,
    env,
  };
}

/**
 * The AWS SDK takes the endpoints that these variables name as they are.
 * @throws {ZonesError} config_invalid: one is no URL of a server
 */
export function requireEndpoints(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env))
    if (name.startsWith('AWS_ENDPOINT_URL') && value && !/^https?:$/.test(URL.parse(value)?.protocol ?? ''))
      throw new ZonesError(
        'config_invalid',
        `${name} is no URL with http or https: correct it, or unset it.`,
      );
}

/** Without region or credentials every call would fail, and say so less clearly. */
export async function requirePlace({ config }: KMSClient): Promise<void> {
  const need = (what: string, how: string) => (cause: unknown) => {
    const why = cause instanceof Error ? ` (${cause.message.replace(/\.$/, '')})` : '';
    const message = `There ${what}${why}: ${how}. A running local system is meant with --local.`;
    throw new ZonesError('config_invalid', message, { cause });
  };
  await config.region().catch(need('is no region', 'set AWS_REGION or say --region'));
  await config.credentials().catch(need('are no AWS credentials', 'set AWS_PROFILE or log in'));
}

/** An account as it describes itself to the credentials that the AWS SDK finds: STS tells everybody whose they are. */
export async function connectLive({ config }: KMSClient) {
  const access = { region: await config.region(), credentials: await config.credentials() };
  const live = createLive({ ...access, endpoint: process.env['AWS_ENDPOINT_URL'] });
  const { Account } = await live('sts', 'GetCallerIdentity');
  return { live, access, place: { account: String(Account), region: access.region } };
}

async function askOnTerminal(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new ZonesError('config_invalid', 'Nobody is there to be asked; say --yes to act without.');
  endProgress();
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // An input that ends leaves a question open for ever.
  const ended = once(terminal, 'close').then(() => Promise.reject(new Error('The input has ended.')));
  try {
    const answer = await Promise.race([terminal.question(`${escapeControls(question)} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } catch (cause) {
    throw new ZonesError('request_aborted', 'Ended at a question: nothing was done.', { cause });
  } finally {
    terminal.close();
  }
}

/** CloudTrail keeps 90 days of Sign events, a quarter of an hour late, the newest first; nothing to whoever may not ask. */
function lookUpSignature(aws: AwsCaller): Operator['lastSignature'] {
  return async (AttributeValue) => {
    const target = 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents';
    const input = { LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue }], MaxResults: 50 };
    const asked = aws.json({ service: 'cloudtrail', target, input, repeatable: true });
    const time = one(at(await asked.catch(() => ({})), 'Events'), 'EventName', 'Sign')?.EventTime;
    return typeof time === 'number' ? time : undefined;
  };
}

/** Invokes a function and waits; resolves to the end of what it wrote to its log. */
async function invoke(aws: AwsCaller, name: string, event: object): Promise<string> {
  const { headers, body } = await aws.call({
    service: 'lambda',
    path: `/2015-03-31/functions/${name}/invocations`,
    headers: { 'content-type': 'application/json', 'x-amz-log-type': 'Tail' },
    body: JSON.stringify(event),
    repeatable: false,
  });
  if (headers.has('x-amz-function-error'))
    throw new ZonesError('aws_refused', `${name} failed: ${body.slice(0, 500)}. Its log says more.`);
  return Buffer.from(headers.get('x-amz-log-result') ?? '', 'base64').toString();
}

/** The local signers' own audit. */
function findInLogs(logs: string): Operator['lastSignature'] {
  return async (_, kid) => {
    const signers = (existsSync(logs) ? readdirSync(logs) : []).filter((file) => file.includes('-signer-'));
    const times = signers
      .flatMap((file) => readLines(join(logs, file), ['"code":"signed"']))
      .filter((line) => line.includes(kid))
      .map((line) => Date.parse(/"timestamp":"([^"]+)"/.exec(line)?.[1] ?? ''));
    return times.length === 0 ? undefined : Math.floor(Math.max(...times) / 1000);
  };
}

/** The lines of a log that hold one of the texts; none of one that is not there. */
function readLines(file: string, texts: readonly string[]): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => texts.some((text) => line.includes(text)));
}

/** What finds the same AWS, or local system, and the same declaration again. */
function describePlace({ local, region, declaration, stage }: KeyOptions): string {
  if (local !== undefined) return local === '.local' ? ' --local' : ` --local=${local}`;
  const own = declaration === 'zones.ts' ? '' : ` --declaration ${declaration}`;
  const part = stage === undefined ? '' : ` --stage ${stage}`;
  return `${region === undefined ? '' : ` --region ${region}`}${own}${part}`;
}

/** Messages of a log group since then (epoch milliseconds) with a field of one of these values. Some seconds late; nothing to whoever may not ask, for the caller then says where to look. */
export async function lookUpLines(
  live: Live,
  logGroupName: string,
  field: string,
  values: readonly string[],
  startTime: number,
): Promise<string[]> {
  const either = values.map((value) => `($.${field} = "${value}")`).join(' || ');
  const asked = live('logs', 'FilterLogEvents', { logGroupName, startTime, filterPattern: `{ ${either} }` });
  return items((await asked.catch(() => ({ Events: [] }))).Events).map(({ Message }) => String(Message));
}

/** The rotation function's environment names the signing zone's VPC: what its keys are made with. */
async function readSigningVpc(live: Live, name: string): Promise<string> {
  try {
    const configuration = await live('lambda', `/2015-03-31/functions/${name}/configuration`);
    return v.parse(vpcId, at(configuration, 'Environment', 'Variables', 'SIGNING_VPC'));
  } catch (cause) {
    const message = `The signing zone's VPC can't be read from ${name}; say it with --signing-vpc.`;
    throw new ZonesError('config_invalid', message, { cause });
  }
}

const vpcId = v.pipe(v.string(), v.startsWith('vpc-'));
