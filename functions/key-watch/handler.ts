import { openRotation, readAdminDependencies } from '../rotation/settings.ts';
import { readTask, runChecks } from './checks.ts';

const { dependencies, clients, count } = readAdminDependencies(import.meta.url);

/** Watches every client's keys, on the schedule that the event names, and emits what it finds as metrics. */
export const handler = async (event: unknown): Promise<void> => {
  const task = readTask(event);
  for (const client of clients) {
    // It waits for nothing: what is not there now is looked for an hour later.
    count(client.client, await runChecks(openRotation(client, dependencies, dependencies.clock.now()), task));
  }
};
