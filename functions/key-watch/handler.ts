import { openRotation, readAdminDependencies } from '../rotation/settings.ts';
import { readTask, runChecks } from './checks.ts';

const { dependencies, clients, metrics } = readAdminDependencies(import.meta.url);

/** Watches every client's keys, on the schedule that the event names, and emits what it finds as metrics. */
export const handler = async (event: unknown): Promise<void> => {
  const task = readTask(event);
  for (const client of clients) {
    // It waits for nothing: what is not there now is looked for an hour later.
    const values = await runChecks(openRotation(client, dependencies, dependencies.clock.now()), task);
    metrics.addDimension('client', client.client);
    for (const [name, value] of Object.entries(values)) metrics.addMetric(name, 'Count', value);
    metrics.publishStoredMetrics();
  }
};
