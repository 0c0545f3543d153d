/** `LoggingConfig` of a function, as far as it decides which lines are kept. */
export interface Logging {
  format: 'Text' | 'JSON';
  /** `ApplicationLogLevel`; Lambda's default for JSON is INFO. */
  level: string;
}

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** RFC 3339. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * Whether Lambda keeps a line that a function writes. With the format Text it keeps all. With JSON it drops what is below the
 * level, and a line that is no object with a level that it knows and a timestamp counts as INFO
 * (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html). Does not filter the platform's lines.
 */
export function passesLevel(line: string, { format, level }: Logging): boolean {
  return format === 'Text' || LEVELS.indexOf(levelOf(line)) >= LEVELS.indexOf(level.toUpperCase());
}

function levelOf(line: string): string {
  try {
    const { level, timestamp } = Object(JSON.parse(line)) as { level?: unknown; timestamp?: unknown };
    const known = typeof level === 'string' && LEVELS.includes(level.toUpperCase());
    if (known && typeof timestamp === 'string' && TIMESTAMP.test(timestamp)) return level.toUpperCase();
  } catch {
    // not JSON
  }
  return 'INFO';
}
