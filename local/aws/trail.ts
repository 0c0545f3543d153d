import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { appendLine } from './state.ts';
import { currentTrace } from './trace.ts';

/** One line of the audit trail: what happened where. `fields` never hold tokens, assertions, proofs or persons. */
export interface TrailLine {
  /** Epoch milliseconds. */
  at: number;
  /** `aws`: a call to the local AWS; `log`: a line a function wrote; `entry`: something that came in; `stand-in`: at an issuer or API; `platform`: what AWS does by itself. */
  kind: 'aws' | 'log' | 'entry' | 'stand-in' | 'platform';
  zone?: string | undefined;
  /** Name of the function, as on AWS. */
  function?: string | undefined;
  /** Id that the lines of one request have in common. */
  trace?: string | undefined;
  fields: Readonly<Record<string, unknown>>;
}

/** The last lines of everything that happens, and a way to see more as they come. */
export type Trail = ReturnType<typeof createTrail>;

/** A {@link Trail} that keeps the last `capacity` lines. `now` is in epoch milliseconds. */
export function createTrail(now: () => number, capacity = 2000) {
  const kept: TrailLine[] = [];
  const listeners = new Set<(line: TrailLine) => void>();
  return {
    /** In the trace of the request that is being worked on, unless the line names one or `undefined`. */
    add(line: Omit<TrailLine, 'at'>): void {
      const { trace = 'trace' in line ? undefined : currentTrace(), ...rest } = line;
      const known = Object.entries(line.fields).filter(([, value]) => value !== undefined);
      const entry = { at: now(), ...rest, trace, fields: Object.fromEntries(known) };
      kept.push(entry);
      if (kept.length > capacity) kept.splice(0, kept.length - capacity);
      for (const listener of listeners) listener(entry);
    },
    /** The lines kept, oldest first. */
    lines: (): readonly TrailLine[] => kept,
    /** Calls `listener` with each line from now on; returns what ends it. */
    subscribe(listener: (line: TrailLine) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * Appends each line to `<directory>/trail.log`, as JSON, and KMS's `Sign` events as CloudTrail has them to `cloudtrail.log`;
 * returns what ends it.
 */
export function keepTrail(trail: Trail, directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const append = (file: string, entry: object) => appendLine(join(directory, file), JSON.stringify(entry));
  return trail.subscribe((line) => {
    append('trail.log', line);
    const event = cloudTrailEvent(line);
    if (event) append('cloudtrail.log', event);
  });
}

/** CloudTrail's event of a line that is a `Sign`, with the members that `npm run audit` reads; undefined of any other line. */
export function cloudTrailEvent({ at, kind, fields }: TrailLine): object | undefined {
  const { service, operation, requestId, principal, vpce, resource, error } = fields;
  if (kind !== 'aws' || service !== 'kms' || operation !== 'Sign') return undefined;
  return {
    eventVersion: '1.11',
    eventSource: 'kms.amazonaws.com',
    eventName: operation,
    eventTime: `${new Date(at).toISOString().slice(0, 19)}Z`,
    requestID: requestId,
    errorCode: error,
    userIdentity: { arn: principal },
    vpcEndpointId: vpce,
    resources: [{ ARN: resource }],
  };
}
