import { readFileSync } from 'node:fs';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { type Environment, entryOf, readArn } from '@helseid-zones/client/environment';
import type { Fetch } from '@helseid-zones/client/http';
import { createRemoteSigner } from '@helseid-zones/client/invoke';
import { createLog } from '@helseid-zones/client/log';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { parseZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { fillKeyPolicy } from '@helseid-zones/protocol/fill-key-policy';
import type { Signer } from '@helseid-zones/protocol/intents';
import { readConfig } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { type Clock, systemClock } from '../common/clock.ts';
import { createKmsPort, createSecretsPort, type KmsPort, type SecretsPort } from '../common/key-ports.ts';
import { type Audit, createRecordStore } from '../common/record-store.ts';
import { createRetryingKms } from '../common/retry.ts';
import type { MetricValues } from '../key-watch/metrics.ts';
import { createHelseId } from './helse-id.ts';

const signingVpc = v.pipe(v.string(), v.startsWith('vpc-'));
const keyPolicy = v.record(v.string(), v.unknown());
const keyPolicies = v.pipe(v.string(), v.parseJson(), v.record(v.string(), keyPolicy));

/**
 * One client, as the admin zone's functions know it: its declared rotation, whose algorithm is that of keys made from now on, its record,
 * its signer, and the policy its keys shall have.
 */
export type AdminClient = ReturnType<typeof readAdminClients>[number];

/**
 * Every client of the system with what its keys are kept by, of the texts of `config.json` and `key-policy.json` (a template a
 * client) and the variables `RECORDS`, `SIGNERS` and `SIGNING_VPC`. The account is the records' own: signing and admin zones
 * share one, since KMS creates and disables keys in the caller's account only.
 * @throws {ZonesError} config_invalid: naming what is missing
 */
export function readAdminClients(config: string, policies: string, env: Environment) {
  const { system, zone, clients, rotation = {} } = parseZoneConfig(config);
  const templates = readConfig('key-policy.json', keyPolicies, policies);
  const vpc = readConfig('The variable SIGNING_VPC', signingVpc, env['SIGNING_VPC']);
  return Object.entries(rotation).map(([client, settings]) => {
    const secretArn = readArn(env, 'RECORDS', client);
    return {
      ...settings,
      system,
      zone,
      client,
      config: entryOf(clients, client, 'config.json: clients'),
      secretArn,
      signerArn: readArn(env, 'SIGNERS', client),
      policy: entryOf(templates, client, 'key-policy.json'),
      policyValues: { account: readAccount(secretArn), signingVpc: vpc },
    };
  });
}

function readAccount(arn: string): string {
  const [, , , , account] = arn.split(':');
  if (account) return account;
  throw new ZonesError('config_invalid', 'RECORDS has an entry that is no ARN; deploy once more.');
}

/** The world outside, as the admin zone's functions reach it: the one place where it is passed in. */
export interface AdminDependencies {
  kms: KmsPort;
  secrets: SecretsPort;
  /** The signer of one client. */
  signer: (functionArn: string) => Signer;
  fetch?: Fetch;
  clock: Clock;
  audit: Audit;
}

/** Everything that the steps of one client's rotation, and the checks of its keys, need. */
export type Rotation = ReturnType<typeof openRotation>;

/** Puts together what the steps of one client's rotation need. After `deadline`, epoch seconds, nothing more is waited for. */
export function openRotation(client: AdminClient, dependencies: AdminDependencies, deadline: number) {
  const { kms, secrets, clock, audit, fetch } = dependencies;
  const { client: name, secretArn, selfService, config } = client;
  const owner = { client: name, clientId: config.clientId, issuer: config.issuer };
  const signer = dependencies.signer(client.signerArn);
  const now = () => clock.now() * 1000;
  return {
    ...client,
    ...dependencies,
    deadline,
    /** The policy that a key of this algorithm shall have, as JSON text. */
    policyOf: (algorithm: Algorithm) => fillKeyPolicy(client.policy, client.policyValues, algorithm),
    kms: createRetryingKms(kms, { clock, deadline }),
    store: createRecordStore({ secrets, secretArn, owner, clock, audit }),
    helseId: createHelseId({ client: name, config, selfService, audit, signer, fetch, now }),
  };
}

/** The admin zone's functions are patient: a throttled call is repeated for half a minute before a step fails. */
const PATIENCE = { maxAttempts: 8, retryMode: 'adaptive' } as const;

/**
 * Everything the admin zone's functions get from outside: clients of AWS, files beside the bundle (which is at `here`) and
 * environment. `count` counts figures of a client's keys, with the dimensions `service` (the system) and `client` alone.
 * @throws {ZonesError} config_invalid: as {@link readAdminClients}
 */
export function readAdminDependencies(here: string) {
  // Stryker disable all: wiring, which runs in the deployed bundle alone, as handlers do
  const { env } = process;
  const aws = createAwsCaller(readAwsConfig(env), { timeout: 30_000 });
  const readFile = (name: string) => readFileSync(new URL(name, here), 'utf8');
  const clients = readAdminClients(readFile('./config.json'), readFile('./key-policy.json'), env);
  const service = clients[0]?.system ?? 'none';
  const log = createLog({ service, zone: clients[0]?.zone, env });
  const dependencies: AdminDependencies = {
    kms: createKmsPort(new KMSClient(PATIENCE)),
    secrets: createSecretsPort(new SecretsManagerClient(PATIENCE)),
    signer: (functionArn) => createRemoteSigner({ aws, functionArn }),
    clock: systemClock,
    audit: log.audit,
  };
  const count = (client: string, values: MetricValues) => log.count(values, { zone: undefined, client });
  return { dependencies, clients, count };
}
