import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** Queries of the audit in CloudWatch Logs Insights, by name; docs/operating.md says when to run which. */
const QUERIES = {
  'signatures-by-target': `filter code = 'signed'
| stats count(*) as signatures, avg(kms_ms) as kms_ms by zone, client, kind, target, bin(1h)
| sort signatures desc`,
  'refused-intents': `filter code = 'refused'
| fields @timestamp, zone, client, reason, field, kinds, request_id, xray_trace_id
| sort @timestamp desc`,
  'failed-signatures': `filter code = 'failed'
| stats count(*) as failures, latest(@timestamp) as last by zone, client, reason, aws_error, status
| sort failures desc`,
  'signatures-of-a-key': `filter code = 'signed' and kid = 'KID'
| fields @timestamp, zone, client, kind, target, jti, kms_request, request_id
| sort @timestamp desc`,
  'signatures-of-a-trace': `filter xray_trace_id = 'TRACE'
| fields @timestamp, zone, client, code, kind, target, reason, jti, kms_request, request_id
| sort @timestamp asc`,
};

/** Saves {@link QUERIES} over the log groups of the signers, in the folder of the system. What is written in capitals is to be filled in. */
export function saveQueries(scope: Construct, system: string, logGroupNames: readonly string[]): void {
  for (const [name, queryString] of Object.entries(QUERIES))
    new CfnQueryDefinition(scope, `Query-${name}`, {
      name: `${system}/${name}`,
      queryString,
      logGroupNames: [...logGroupNames],
    });
}
