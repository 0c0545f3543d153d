import { isZonesError } from '@helseid-zones/protocol/errors';
import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import type { Environment } from './environment.ts';
import { describeNetworkFailure } from './errors.ts';

/** Facts of a line: names and values, never a token, a proof, a document or a person. */
type Facts = Readonly<Record<string, unknown>>;

/** A function's log. */
export interface Log {
  /** Writes a line that no configured level drops, whatever it tells. */
  audit(code: string, facts: Facts): void;
  /** Writes a line of a level; Lambda drops it where an operator asked for fewer. */
  write(level: 'info' | 'warn' | 'error', code: string, facts: Facts): void;
  /**
   * Counts in CloudWatch, by a line in its embedded metric format: each figure, of one value or several, with the dimensions `service`, `zone` and
   * those of `by` (an undefined one is left out, also `zone`), whose values must be few, since each is a metric that is paid for.
   * {@link https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html}
   */
  count(
    figures: Readonly<Record<string, number | readonly number[]>>,
    by?: Readonly<Record<string, string | undefined>>,
  ): void;
}

/** What every line of a function says. */
interface LogSource {
  /** Name of the system: `service`. */
  service: string;
  zone?: string | undefined;
  /** For the trace id of the invocation, which Lambda changes with each, and the memory that it gives the function. */
  env: Environment;
  /** Takes a whole line. Default: standard output, which Lambda ships to the function's log group. */
  write?: (line: string) => void;
  /** Epoch milliseconds. */
  now?: () => number;
}

/**
 * The one level that Lambda never filters: with log format JSON it drops lines below `ApplicationLogLevel`, whose highest value
 * this is, and counts a line without a valid `level` and RFC 3339 `timestamp` as INFO
 * (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
 */
const AUDIT_LEVEL = 'FATAL';

/** Names that a line gives its own meaning. A fact of such a name is kept as `fact_…`. */
const OWN = new Set(['level', 'timestamp', 'service', 'zone', 'code', 'xray_trace_id']);

/** Milliseconds and percent after which a function says again how much of its memory it uses. */
const MEMORY_AGAIN = { after: 300_000, more: 10 };

/**
 * Makes a function's log: one JSON object a line, with `level`, `timestamp`, `service`, `zone`, `code`, the trace id where there is one,
 * `message` (the facts' own, else the code) and the facts. Goes through no logger, so none can be silenced, and no name of a fact is
 * lost. Does not look into the facts: who writes keeps secrets out. Beside a line or a figure it counts `MemoryUsed`, percent of the function's
 * memory that this process uses, at most every five minutes unless that grows.
 */
export function createLog({ service, zone, env, now = Date.now, ...source }: LogSource): Log {
  const write = source.write ?? ((line) => void process.stdout.write(line));
  const put = (level: string, code: string, facts: Facts) => {
    const trace = /Root=([^;]+)/.exec(env['_X_AMZN_TRACE_ID'] ?? '')?.[1];
    const kept = Object.entries(facts).map(([name, value]) => [OWN.has(name) ? `fact_${name}` : name, value]);
    const line = {
      level,
      timestamp: new Date(now()).toISOString(),
      message: code,
      ...Object.fromEntries(kept),
      service,
      zone,
      code,
      xray_trace_id: trace,
    };
    write(`${JSON.stringify(line)}\n`);
    countMemory();
  };
  const count = (figures: Facts, by: Facts = {}, beside: Facts = {}) => {
    // A unit test's zone sets it; a declaration can't, and the proof finds it where a template does.
    if (env['POWERTOOLS_METRICS_DISABLED'] === 'true') return;
    const dimensions = { service, zone, ...by };
    const Metrics = Object.keys(figures).map((Name) => ({ Name }));
    const Dimensions = [Object.entries(dimensions).flatMap(([name, of]) => (of === undefined ? [] : [name]))];
    const CloudWatchMetrics = [{ Namespace: METRICS_NAMESPACE, Dimensions, Metrics }];
    const _aws = { Timestamp: now(), CloudWatchMetrics };
    write(`${JSON.stringify({ _aws, ...beside, ...dimensions, ...figures })}\n`);
  };
  const memory = Number(env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 0);
  let counted = { at: 0, used: 0 };
  function countMemory(): void {
    if (!(memory > 0)) return;
    const used = Math.round((100 * process.memoryUsage.rss()) / (memory * 1024 * 1024));
    if (now() - counted.at < MEMORY_AGAIN.after && used < counted.used + MEMORY_AGAIN.more) return;
    counted = { at: now(), used };
    count({ MemoryUsed: used }, {}, { function: env['AWS_LAMBDA_FUNCTION_NAME'] });
  }
  return {
    audit: (code, facts) => put(AUDIT_LEVEL, code, facts),
    write: (level, code, facts) => put(level.toUpperCase(), code, facts),
    count(figures, by) {
      count(figures, by);
      countMemory();
    },
  };
}

/**
 * Any error as facts of a line: `reason` is the code of one of ours, with its sentence as `message` and its facts; of another
 * only its name, `at`, where it was thrown, and why no answer came (`network`): its message may repeat what was sent or read.
 */
export function describeError(error: unknown): Facts {
  if (isZonesError(error)) return { ...error.facts, reason: error.code, message: error.message };
  if (!(error instanceof Error)) return { reason: typeof error };
  // A loader may put a query behind a module's name.
  const at = /^\s+at .*?([\w.-]+)(?:\?[\w=&.-]*)?(:\d+:\d+)\)?$/m.exec(error.stack ?? '');
  return { ...describeNetworkFailure(error), reason: error.name, at: at?.slice(1).join('') };
}
