import { openRotation, readAdminDependencies } from '../rotation/settings.ts';
import { runChecks } from './checks.ts';

const { dependencies, clients, count } = readAdminDependencies(import.meta.url);

/** Watches every client's keys and emits what it finds as metrics, whatever the event says. */
export const handler = async (): Promise<void> => {
  for (const client of clients) {
    // It waits for nothing: what is not there now is looked for an hour later.
    count(client.client, await runChecks(openRotation(client, dependencies, dependencies.clock.now())));
  }
};
