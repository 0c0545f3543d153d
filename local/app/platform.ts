import { randomUUID } from 'node:crypto';
import type { ResolvedAssembly } from '../../infra/proof/assembly/resolve.ts';
import { beginCall, type Call } from '../aws/call.ts';
import { type DeliveryDeps, deliver, type Rule } from '../aws/events/delivery.ts';
import { type Scheduled, startSchedules } from '../aws/events/schedule.ts';
import type { FunctionPool } from '../aws/runtime/pool.ts';
import type { Rotations } from '../aws/secrets/rotation.ts';
import type { SecretStore } from '../aws/secrets/store.ts';
import { pollQueue } from '../aws/sqs/event-source.ts';
import { readEventSources, readRules } from '../aws/template/events.ts';
import type { TemplateFunction } from '../aws/template/functions.ts';

/** What happens by itself needs. */
export interface PlatformDeps extends DeliveryDeps {
  pool: FunctionPool;
  secrets: SecretStore;
  rotations: Rotations;
  templates: readonly TemplateFunction[];
}

/** Starts what AWS does by itself: polls queues for functions, fires scheduled rules, rotates secrets on their schedule. */
export function startPlatform(assembly: ResolvedAssembly, deps: PlatformDeps): { close(): Promise<void> } {
  const controller = new AbortController();
  const polling = readEventSources(assembly).map((source) => {
    const of = deps.functions.find(source.functionName);
    const queue = deps.queues.find(source.queueArn);
    return pollQueue(
      { ...deps, callFor: () => pollerCall(deps, of.name) },
      { ...source, of, queue },
      controller.signal,
    );
  });
  const stopSchedules = startSchedules(
    [...ruleSchedules(assembly, deps), ...rotationSchedules(deps)],
    deps.now,
  );
  return {
    async close() {
      controller.abort();
      stopSchedules();
      await Promise.all(polling);
    },
  };
}

/** Lambda polls with the function's role, but not from its VPC, and it is not the function's code that calls. */
function pollerCall(deps: PlatformDeps, name: string): Call {
  const { roleArn = '', account = '' } = deps.templates.find((of) => of.name === name) ?? {};
  const session = `arn:aws:sts::${account}:assumed-role/${roleArn.split('/').at(-1)}/${name}`;
  return beginCall(deps.authorize, { kind: 'role', arn: roleArn, account, session }, randomUUID(), {
    region: deps.region,
    now: deps.now(),
    route: {},
  });
}

function ruleSchedules(assembly: ResolvedAssembly, deps: PlatformDeps): Scheduled[] {
  return readRules(assembly).flatMap((rule) =>
    rule.schedule === undefined
      ? []
      : [{ expression: rule.schedule, run: () => deliver(deps, rule, scheduledEvent(deps, rule)) }],
  );
}

function scheduledEvent({ account, region, now }: PlatformDeps, rule: Rule): object {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account,
    time: new Date(now()).toISOString(),
    region,
    resources: [rule.arn],
    detail: {},
  };
}

function rotationSchedules({ secrets, rotations, trail }: PlatformDeps): Scheduled[] {
  return secrets.list().flatMap((secret) => {
    const { rotation } = secret.settings;
    if (rotation === undefined || rotation.schedule === '') return [];
    const run = () => {
      try {
        rotations.begin(secret, randomUUID());
      } catch (cause) {
        trail.add({
          kind: 'platform',
          fields: { event: 'rotation', secret: secret.stored.name, error: String(cause) },
        });
      }
    };
    return [{ expression: rotation.schedule, run }];
  });
}
