import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { pathToFileURL } from 'node:url';
import { KMSClient, PutKeyPolicyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { type AwsCaller, createAwsCaller } from '../../client/aws.ts';
import { ZonesError } from '../../client/errors.ts';
import { createKmsPort, createSecretsPort, systemClock } from '../../functions/common/key-ports.ts';
import { functionName } from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/types.ts';
import type { Desk } from './desk.ts';
import type { KeyOptions } from './options.ts';

/** Where to call AWS, and as whom; the SDK's own search where members are absent. */
interface Access {
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/** Opens the desk on AWS, with the credentials that the AWS SDK finds, or on a running local system. Throws `config_invalid`, `local_failed`. */
export async function openDesk(options: KeyOptions): Promise<Desk> {
  const access = options.local === undefined ? onAws(options) : onLocal(options.local);
  const kms = new KMSClient(access);
  const system = await readDeclaration(options.declarationFile);
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
    say: (line) => console.log(line),
    confirm: options.yes ? async () => true : askOnTerminal,
    lastSignature: options.local === undefined ? lookUpSignature(kms, access) : findInLogs(options.local),
    async signingPlace(keyArn) {
      const account = keyArn.split(':')[4] ?? '';
      return { account, signingVpc: options.signingVpc ?? (await readSigningVpc(system, kms, access)) };
    },
    env: process.env,
    local: options.local !== undefined,
  };
}

function onAws({ region }: KeyOptions): Access {
  return region === undefined ? {} : { region };
}

function onLocal(folder: string): Access {
  try {
    const { url, region, credentials } = JSON.parse(readFileSync(join(folder, 'operator.json'), 'utf8'));
    return { endpoint: url, region, credentials };
  } catch (cause) {
    throw new ZonesError('local_failed', `No local system runs in ${folder}; begin one with npm start.`, {
      cause,
    });
  }
}

async function readDeclaration(file: string): Promise<SystemDeclaration> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)).default as SystemDeclaration;
  } catch (cause) {
    throw new ZonesError('config_invalid', `${file} can't be read: ${(cause as Error).message}`, { cause });
  }
}

async function askOnTerminal(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new ZonesError('config_invalid', 'Nobody is there to be asked; say --yes to act without.');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/** CloudTrail keeps 90 days of Sign events, a quarter of an hour late. Who may not read it is told nothing. */
function lookUpSignature(kms: KMSClient, access: Access): Desk['lastSignature'] {
  return async (keyArn) => {
    try {
      const aws = await callAs(kms, access);
      const answer = await aws.json({
        service: 'cloudtrail',
        target: 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents',
        input: {
          LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: keyArn }],
          MaxResults: 50,
        },
        repeatable: true,
      });
      return v.parse(eventsSchema, answer).Events.find(({ EventName }) => EventName === 'Sign')?.EventTime;
    } catch {
      return undefined;
    }
  };
}

/** Newest first; times are epoch seconds. */
const eventsSchema = v.object({
  Events: v.array(v.object({ EventName: v.optional(v.string()), EventTime: v.optional(v.number()) })),
});

/** The credentials and region that the SDK has found, for services without an SDK client here. */
async function callAs(kms: KMSClient, { endpoint }: Access): Promise<AwsCaller> {
  const { config } = kms;
  return createAwsCaller({
    region: await config.region(),
    credentials: await config.credentials(),
    endpoints: endpoint === undefined ? {} : { lambda: endpoint, cloudtrail: endpoint },
  });
}

/** The local signers' own audit. */
function findInLogs(folder: string): Desk['lastSignature'] {
  const logs = join(folder, 'state', 'logs');
  return async (_, kid) => {
    const times = readSignerLogs(logs)
      .filter((line) => line.includes('"code":"signed"') && line.includes(kid))
      .map((line) => Date.parse(/"timestamp":"([^"]+)"/.exec(line)?.[1] ?? ''));
    return times.length === 0 ? undefined : Math.floor(Math.max(...times) / 1000);
  };
}

function readSignerLogs(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.includes('-signer-'))
      .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  } catch {
    return [];
  }
}

/** The rotation function's environment names the signing zone's VPC: what its keys are made with. */
async function readSigningVpc(system: SystemDeclaration, kms: KMSClient, access: Access): Promise<string> {
  const admin = Object.entries(system.zones).find(([, zone]) => zone.admin)?.[0] ?? '';
  const name = functionName(system.name, admin, 'rotation');
  try {
    const { body } = await (await callAs(kms, access)).call({
      service: 'lambda',
      method: 'GET',
      path: `/2015-03-31/functions/${name}/configuration`,
      repeatable: true,
    });
    return v.parse(configurationSchema, JSON.parse(body)).Environment.Variables.SIGNING_VPC;
  } catch (cause) {
    throw new ZonesError(
      'config_invalid',
      `The signing zone's VPC can't be read from ${name}; say it with --signing-vpc.`,
      { cause },
    );
  }
}

const configurationSchema = v.object({
  Environment: v.object({ Variables: v.object({ SIGNING_VPC: v.pipe(v.string(), v.startsWith('vpc-')) }) }),
});
