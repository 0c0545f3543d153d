import type { Log } from '@helseid-zones/client/log';
import { type Audit, createAudit } from '../../functions/signer/audit.ts';
import { collectLog } from '../fakes/log.ts';
import { testGrant } from '../functions/signer/grant-fixture.ts';

/** A value that a service reports for a period. */
export interface Reported {
  namespace: string;
  metric: string;
  /** All of them, which CloudWatch takes as one name. */
  dimensions: Readonly<Record<string, unknown>>;
  values: readonly number[];
}

/** The lines and metrics that a signer of the public zone writes in its log. */
export function writtenBySigner(record: (audit: Audit) => void) {
  const lines: Record<string, unknown>[] = [];
  const { count, lines: figures } = collectLog();
  const audit: Log['audit'] = (code, facts) => void lines.push({ code, ...facts });
  record(createAudit({ audit, count }, testGrant(), 'request-1'));
  return { lines, reported: reportedIn(figures) };
}

/** The embedded metric format in lines of a log: a metric of each name for each set of dimensions. */
export function reportedIn(lines: readonly Record<string, unknown>[]): Reported[] {
  return lines.flatMap(({ _aws, ...fields }) =>
    ((_aws as Embedded | undefined)?.CloudWatchMetrics ?? []).flatMap(
      ({ Namespace: namespace, Dimensions, Metrics }) =>
        Dimensions.flatMap((set) =>
          Metrics.map(({ Name: metric }) => ({
            namespace,
            metric,
            dimensions: Object.fromEntries(set.map((name) => [name, fields[name]])),
            values: [fields[metric]].flat() as number[],
          })),
        ),
    ),
  );
}

interface Embedded {
  CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[];
}
