import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { describeFailure } from '../common/aws-error.ts';
import type { Rotation } from '../rotation/rotation.ts';
import { CHECKS, type Task } from './checks.ts';
import type { Figures } from './metrics.ts';

const eventSchema = v.object({ task: v.picklist(Object.keys(CHECKS) as Task[]) });

/**
 * The schedule that an event names.
 * @throws {ZonesError} `event_invalid`
 */
export function readTask(event: unknown): Task {
  const parsed = v.safeParse(eventSchema, event);
  if (parsed.success) return parsed.output.task;
  throw new ZonesError(
    'event_invalid',
    'This event names no schedule: {"task":"hourly"} or {"task":"daily"}.',
  );
}

/**
 * Runs the checks of a schedule for one client. One that fails does not keep the others from running; it is audited and
 * counted as `WatchFailed`.
 */
export async function runChecks(watch: Rotation, task: Task): Promise<Figures> {
  const figures: Figures = { WatchFailed: 0 };
  for (const [name, check] of Object.entries(CHECKS[task])) {
    try {
      Object.assign(figures, await check(watch));
    } catch (error) {
      figures.WatchFailed = 1;
      watch.audit('WATCH_FAILED', { client: watch.client, check: name, ...describeFailure(error) });
    }
  }
  return figures;
}
