import type { LoginClient } from './login-client.ts';
import type { SamePerson } from './person.ts';
import type { LoginSettings } from './settings.ts';
import type { LoginStore } from './store.ts';

/** Everything a login function works with; wired in one place (wire.ts), replaced by fakes in tests. */
export interface Dependencies {
  settings: LoginSettings;
  client: LoginClient;
  store: LoginStore;
  /** Epoch milliseconds. */
  now(): number;
  wait(milliseconds: number): Promise<void>;
  samePerson: SamePerson;
  /** Writes one structured line. Never given a token, an id of ours, or a person. */
  log(line: LogLine): void;
}

/** A line of the log: a stable code, and facts that help. */
export interface LogLine {
  level: 'info' | 'warn' | 'error';
  /** Such as `login.begun`; docs/operating.md lists them. */
  code: string;
  /** API Gateway's request id, where the line is about one request. */
  request?: string;
  facts?: Readonly<Record<string, string | number | boolean>>;
}

/** Now, in epoch seconds. */
export function seconds(deps: Pick<Dependencies, 'now'>): number {
  return Math.floor(deps.now() / 1000);
}
