import type { ResolvedAssembly } from '../../infra/proof/assembly/resolve.ts';
import { createDynamoDb } from './dynamodb/service.ts';
import { type DeliveryDeps, deliver } from './events/delivery.ts';
import { createEvents } from './events/service.ts';
import { createKms } from './kms/service.ts';
import { createLambda } from './lambda/service.ts';
import { createRateLimit } from './rate-limit.ts';
import type { FunctionPool } from './runtime/pool.ts';
import type { Rotations } from './secrets/rotation.ts';
import { createSecretsManager } from './secrets/service.ts';
import type { SecretStore } from './secrets/store.ts';
import { jsonService, type WireService } from './service.ts';
import { createSqs } from './sqs/service.ts';
import { readBuses, readRules } from './template/events.ts';
import { readTableKeys } from './template/tables.ts';

/** KMS requests with asymmetric keys a second: the quota of an account. */
const KMS_QUOTA = 1000;

/** What the services share. */
export interface ServiceDeps extends DeliveryDeps {
  pool: FunctionPool;
  secrets: SecretStore;
  rotations: Rotations;
  /** dynalite's. */
  tablesUrl: string;
}

/** Every service of the local AWS, for the resources of an assembly. */
export function createServices(assembly: ResolvedAssembly, deps: ServiceDeps): WireService[] {
  return [
    jsonService(createKms(deps.keys, deps, createRateLimit(KMS_QUOTA, deps.now))),
    jsonService(createSecretsManager(deps, deps.rotations)),
    createLambda(deps.functions, deps.pool, deps.asynchronous),
    jsonService(createSqs(deps)),
    jsonService(
      createEvents({
        ...deps,
        buses: readBuses(assembly),
        rules: readRules(assembly),
        deliver: (rule, event) => deliver(deps, rule, event),
      }),
    ),
    createDynamoDb({ ...deps, tableKeys: readTableKeys(assembly) }),
  ];
}
