import * as v from 'valibot';
import type { Task } from '../../functions/key-watch/checks.ts';
import { KEY_METRICS, type KeyMetric } from '../../functions/key-watch/metrics.ts';
import type { ClientDeclaration, SystemDeclaration } from '../declaration/schema.ts';
import { adminFunction, type Desk } from './desk.ts';

/**
 * Has key-watch make the checks of a schedule now, for every client, and prints what it finds. What it would do by itself within
 * the hour or the day it does now: it retires what is due and goes on with rotations.
 * @throws {ZonesError} `aws_refused`: when the function fails
 */
export async function watchNow(desk: Desk, task: Task): Promise<void> {
  if (!(await desk.confirm(`Make the ${task} checks now? They retire what is due and rotate what must be.`)))
    return;
  const log = await desk.invoke(adminFunction(desk.system, 'key-watch'), { task });
  for (const line of describeLog(log, desk.system.clients)) desk.say(line);
}

const auditSchema = v.looseObject({ code: v.string(), client: v.string() });
const figuresSchema = v.looseObject({ _aws: v.unknown(), client: v.string() });

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
 * What the end of key-watch's log says, in lines for people: audit lines, and a client's figures with what to do about those on
 * which an alarm rings. Lines of Lambda's own, and one that was cut off, are left out.
 */
export function describeLog(log: string, clients: SystemDeclaration['clients']): string[] {
  return log.split('\n').flatMap((line) => {
    const parsed = parse(line);
    const figures = v.safeParse(figuresSchema, parsed);
    if (figures.success) return describeFigures(figures.output, clients[figures.output.client]);
    const audit = v.safeParse(auditSchema, parsed);
    return audit.success ? [describeAudit(audit.output)] : [];
  });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function describeAudit(line: v.InferOutput<typeof auditSchema>): string {
  const facts = Object.entries(line).filter(([name]) => !COMMON.includes(name));
  return [line.code, ...facts.map(([name, value]) => `${name}=${value}`)].join('  ');
}

function describeFigures(
  line: v.InferOutput<typeof figuresSchema>,
  declared: ClientDeclaration | undefined,
): string[] {
  const rows = Object.entries<KeyMetric>(KEY_METRICS).flatMap(([name, metric]) => {
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
