import { readFileSync } from 'node:fs';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/remote-signer';
import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { createKmsPort, createSecretsPort, systemClock } from '../common/key-ports.ts';
import { createLog } from '../common/log.ts';
import type { AdminWorld } from './open-rotation.ts';
import { type AdminClient, readAdminClients } from './settings.ts';

/** The admin zone's functions are patient: a throttled call is repeated for half a minute before a step fails. */
const PATIENCE = { maxAttempts: 8, retryMode: 'adaptive' } as const;

/**
 * Everything the admin zone's functions get from outside: clients of AWS, files beside the bundle (which is at `here`) and
 * environment. Metrics carry the system as `service`, as the signers' do.
 * @throws ZonesError `config_invalid`
 */
export function readAdminWorld(here: string): {
  world: AdminWorld;
  clients: AdminClient[];
  metrics: Metrics;
} {
  const aws = createAwsCaller(readAwsConfig(process.env), { timeout: 30_000 });
  const readFile = (name: string) => readFileSync(new URL(name, here), 'utf8');
  const files = { config: readFile('./config.json'), policies: readFile('./key-policy.json') };
  const clients = readAdminClients({ ...files, env: process.env });
  const service = clients[0]?.system ?? 'none';
  const world: AdminWorld = {
    kms: createKmsPort(new KMSClient(PATIENCE)),
    secrets: createSecretsPort(new SecretsManagerClient(PATIENCE)),
    signer: (functionArn) => createRemoteSigner({ aws, functionArn }),
    clock: systemClock,
    audit: createLog({ service, env: process.env }).audit,
  };
  return { world, clients, metrics: new Metrics({ namespace: METRICS_NAMESPACE, serviceName: service }) };
}
