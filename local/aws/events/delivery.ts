import { randomUUID } from 'node:crypto';
import type { Authorize } from '../authorize.ts';
import { type Call, serviceCall } from '../call.ts';
import type { KeyStore } from '../kms/keys.ts';
import type { AsyncInvocations } from '../lambda/async.ts';
import { type FunctionTable, requireInvoke } from '../lambda/invoke.ts';
import { requireQueue, useQueueKey } from '../sqs/access.ts';
import type { QueueTable } from '../sqs/queues.ts';
import type { Trail } from '../trail.ts';

/** A target of a rule. */
export interface Target {
  arn: string;
  /** Constant JSON text that replaces the event. */
  input?: string;
  deadLetterArn?: string;
}

/** A rule, with a pattern on a bus or a schedule. */
export interface Rule {
  name: string;
  arn: string;
  /** Name of its bus. */
  bus: string;
  pattern?: unknown;
  schedule?: string;
  targets: readonly Target[];
}

/** What delivery needs. `now` is in epoch milliseconds. */
export interface DeliveryDeps {
  queues: QueueTable;
  functions: FunctionTable;
  asynchronous: AsyncInvocations;
  keys: KeyStore;
  authorize: Authorize;
  trail: Trail;
  account: string;
  region: string;
  now: () => number;
}

/**
 * Hands an event to a rule's targets as EventBridge does, with its own principal and the rule as source. What a target's
 * policy refuses goes to the target's dead-letter queue, or is lost and said so. Knows queues and functions.
 */
export function deliver(deps: DeliveryDeps, rule: Rule, event: object): void {
  const source = { arn: rule.arn, account: deps.account, region: deps.region, now: deps.now() };
  const call = serviceCall(deps.authorize, 'events.amazonaws.com', randomUUID(), source);
  for (const target of rule.targets) {
    const body = target.input ?? JSON.stringify(event);
    try {
      send(deps, call, target.arn, body);
      note(deps, rule, { outcome: 'delivered', target: target.arn });
    } catch (cause) {
      note(deps, rule, { outcome: 'refused', target: target.arn, error: String(cause) });
      bury(deps, call, rule, target, body);
    }
  }
}

function send(deps: DeliveryDeps, call: Call, arn: string, body: string): void {
  if (arn.startsWith('arn:aws:lambda:')) {
    const of = deps.functions.find(arn);
    requireInvoke(call, of);
    deps.asynchronous.enqueue(of, Buffer.from(body));
    return;
  }
  const queue = deps.queues.find(arn);
  requireQueue(call, queue, 'SendMessage');
  useQueueKey(deps.keys, call, queue, 'send', deps.region);
  queue.send(body);
}

function bury(deps: DeliveryDeps, call: Call, rule: Rule, { deadLetterArn }: Target, body: string): void {
  if (deadLetterArn === undefined) return;
  try {
    send(deps, call, deadLetterArn, body);
  } catch (cause) {
    note(deps, rule, { outcome: 'lost', target: deadLetterArn, error: String(cause) });
  }
}

function note(deps: DeliveryDeps, rule: Rule, fields: Record<string, unknown>): void {
  deps.trail.add({ kind: 'platform', fields: { event: 'event-delivery', rule: rule.name, ...fields } });
}
