import * as v from 'valibot';
import { KEY_METRICS, type KeyMetric } from '../../functions/key-watch/metrics.ts';
import type { ClientDeclaration, SystemDeclaration } from '../declaration/schema.ts';
import { adminFunction, type Operator } from './operator.ts';
import type { KeyOptions } from './options.ts';

/**
 * Has key-watch make the checks of a schedule now, for every client, and prints what it finds. What it would do by itself within
 * the hour or the day it does now: it retires what is due and goes on with rotations.
 * @throws {ZonesError} aws_refused: when the function fails
 */
export async function watchNow(operator: Operator, { task }: KeyOptions): Promise<void> {
  if (
    !(await operator.confirm(`Make the ${task} checks now? They retire what is due and rotate what must be.`))
  )
    return;
  const log = await operator.invoke(adminFunction(operator.system, 'key-watch'), { task });
  for (const line of describeLog(log, operator.system.clients)) operator.say(line);
}

const jsonLine = v.pipe(v.string(), v.parseJson());
const auditSchema = v.pipe(jsonLine, v.looseObject({ code: v.string(), client: v.string() }));
const metricsSchema = v.pipe(jsonLine, v.looseObject({ _aws: v.unknown(), client: v.string() }));

/** Members of a log line that say nothing about keys. */
const COMMON = [
  'code',
  'level',
  'message',
  'timestamp',
  'service',
  'sampling_rate',
  'xray_trace_id',
  'function_request_id',
];

/**
 * What the end of key-watch's log says, in lines for people: audit lines, and a client's metrics with what to do about those on
 * which an alarm rings. Lines of Lambda's own, and one that was cut off, are left out.
 */
function describeLog(log: string, clients: SystemDeclaration['clients']): string[] {
  return log.split('\n').flatMap((line) => {
    const metrics = v.safeParse(metricsSchema, line);
    if (metrics.success) return describeMetrics(metrics.output, clients[metrics.output.client]);
    const audit = v.safeParse(auditSchema, line);
    return audit.success ? [describeAudit(audit.output)] : [];
  });
}

function describeAudit(line: v.InferOutput<typeof auditSchema>): string {
  const facts = Object.entries(line).filter(([name]) => !COMMON.includes(name));
  return [line.code, ...facts.map(([name, value]) => `${name}=${value}`)].join('  ');
}

function describeMetrics(
  line: v.InferOutput<typeof metricsSchema>,
  declared: ClientDeclaration | undefined,
): string[] {
  const rows = Object.entries(KEY_METRICS).flatMap(([name, metric]) => {
    const value = line[name];
    if (typeof value !== 'number') return [];
    return [`  ${name.padEnd(14)} ${value}${rings(metric, value) ? `  ${metric.meaning}` : ''}`];
  });
  // The daily checks look for it: its absence is an answer of HelseID's, or that there is nobody to ask.
  const daily = line['PolicyDrift'] !== undefined && line['DaysToExpiry'] === undefined;
  const why = declared?.selfService
    ? 'no key is current, or HelseID gave none'
    : 'no self-service API; the portal shows it';
  return [`Client ${line.client}`, ...rows, ...(daily ? [`  DaysToExpiry   unknown: ${why}`] : [])];
}

function rings({ alarm: { comparisonOperator, threshold } }: KeyMetric, value: number): boolean {
  return comparisonOperator === 'GreaterThanThreshold' ? value > threshold : value < threshold;
}
