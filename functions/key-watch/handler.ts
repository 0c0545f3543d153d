import { readAdminWorld } from '../rotation/admin-world.ts';
import { openRotation } from '../rotation/open-rotation.ts';
import { KEY_METRICS, type KeyMetricName } from './metrics.ts';
import { readTask, runChecks } from './run-checks.ts';

const { world, clients, metrics } = readAdminWorld(import.meta.url);

/** Watches every client's keys, on the schedule that the event names, and emits what it finds as metrics. */
export const handler = async (event: unknown): Promise<void> => {
  const task = readTask(event);
  for (const client of clients) {
    // It waits for nothing: what is not there now is looked for an hour later.
    const rotation = openRotation(client, world, world.clock.now());
    const figures = await runChecks({ ...rotation, everyDays: client.rotation.everyDays }, task);
    metrics.addDimension('client', client.client);
    for (const [name, value] of Object.entries(figures))
      metrics.addMetric(name, KEY_METRICS[name as KeyMetricName].unit, value);
    metrics.publishStoredMetrics();
  }
};
