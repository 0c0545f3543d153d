import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { type Audit, createAudit } from '../../functions/signer/audit.ts';
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
  const written: string[] = [];
  const stdout = new Writable({ write: (chunk, _, done) => done(void written.push(String(chunk))) });
  const metrics = new Metrics({ namespace: 'helseid-zones', serviceName: 'journal' });
  Object.assign(metrics, { console: new Console({ stdout }) });
  record(
    createAudit((code, facts) => void lines.push({ code, ...facts }), metrics, testGrant(), 'request-1'),
  );
  const reported = written.flatMap((line): Reported[] => {
    const { _aws, ...fields } = JSON.parse(line);
    // The embedded metric format: a metric of each name for each set of dimensions.
    return _aws.CloudWatchMetrics.flatMap(
      (directive: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }) =>
        directive.Dimensions.flatMap((set) =>
          directive.Metrics.map(({ Name }) => ({
            namespace: directive.Namespace,
            metric: Name,
            dimensions: Object.fromEntries(set.map((name) => [name, fields[name]])),
            values: [fields[Name]].flat(),
          })),
        ),
    );
  });
  return { lines, reported };
}
