import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '@helseid-zones/protocol/values';

/** Bytes that a file may have when it is unpacked. */
const MOST = 2 ** 29;

/** How deep records may lie in wrappers: AWS's own are half as deep at most. */
const DEEPEST = 16;

/** Members in which AWS's files and commands have records: CloudTrail's, CloudTrail Lake's, CloudWatch's and EventBridge's. */
const WRAPPING = /^(?:Records|Events|CloudTrailEvent|eventData|events|logEvents|message|detail)$/;

/** Lists beside those members that are about something else. */
const BESIDE = /^(?:[Rr]esources|searchedLogStreams|subscriptionFilters)$/;

/** Lines without JSON that Lambda writes, and what CloudWatch tries an export to S3 with; also behind a time. */
const PLAIN =
  /^\s*(?:\S+Z\s+)?(?:(?:(?:INIT_|RESTORE_)?(?:START|REPORT)|END|XRAY TraceId|EXTENSION)\b.*|(?:\S+ )?Task timed out after .*|RequestId: \S+ Error: .*|Permission Check Successful)?$/;

/** What one file had: how many records, how many parts that are none, and what the first of these looks like. */
export interface FileRead {
  file: string;
  records: number;
  missed: number;
  first: string;
}

/**
 * The records of files as they come: what is `known`, in CloudTrail's files (gzipped or not), in what `aws cloudtrail lookup-events` and
 * `aws logs filter-log-events` print and other wrappers of AWS, in arrays, and in lines of JSON, also behind a time, as CloudWatch exports them
 * to S3. Everything else in a file, be it JSON or a line, is `missed`, but for blank lines and Lambda's own; `done` is told of each file.
 * @throws {ZonesError} config_invalid: a file can't be read, or is no text
 */
export function* readRecords(
  files: Iterable<string>,
  known: (value: unknown) => boolean,
  done: (read: FileRead) => void = () => {},
): Generator<unknown> {
  for (const file of files) {
    const read = { file, records: 0, missed: 0, first: '' };
    for (const part of partsOf(readText(file), known))
      if ('record' in part) {
        read.records += 1;
        yield part.record;
      } else {
        read.missed += 1;
        read.first ||= describe(part.missed);
      }
    done(read);
  }
}

/** A record, or what is none. */
type Part = { record: unknown } | { missed: unknown };

/** Of an object the names of its members, of anything else how it begins. */
const describe = (missed: unknown): string =>
  (isObject(missed) ? `{ ${Object.keys(missed).join(', ')} }` : String(missed)).slice(0, 80);

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    const plain = isGzip(bytes) ? gunzipSync(bytes, { maxOutputLength: MOST }) : bytes;
    if (plain.includes(0) || isGzip(plain)) throw new TypeError('it is no text');
    return plain.toString().replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new ZonesError('config_invalid', `${file} can't be read: ${(cause as Error).message}`, { cause });
  }
}

const isGzip = ([first, second]: Uint8Array): boolean => first === 0x1f && second === 0x8b;

/** The parts of a text that is JSON, or lines; a `depth` too deep is not looked into. */
function* partsOf(text: string, known: (value: unknown) => boolean, depth = 0): Generator<Part> {
  const whole = parse(text);
  if (whole) return yield* unwrap(whole.value, known, depth);
  for (const line of text.split('\n')) {
    const start = /^\s*\[/.test(line) ? 0 : line.indexOf('{');
    const parsed = start < 0 ? undefined : parse(line.slice(start));
    if (parsed) yield* unwrap(parsed.value, known, depth);
    else if (start >= 0 || !PLAIN.test(line)) yield { missed: line };
  }
}

/** What is known in the wrappers of AWS's commands and files, and each part that is neither. */
function* unwrap(value: unknown, known: (value: unknown) => boolean, depth: number): Generator<Part> {
  if (known(value)) yield { record: value };
  else if (depth > DEEPEST) yield { missed: 'more in each other than can be read' };
  else if (Array.isArray(value)) for (const element of value) yield* unwrap(element, known, depth + 1);
  else if (typeof value === 'string') yield* partsOf(value, known, depth + 1);
  else if (!isObject(value) || !Object.keys(value).some((name) => WRAPPING.test(name)))
    yield { missed: value };
  else
    for (const [name, member] of Object.entries(value))
      if (WRAPPING.test(name)) yield* unwrap(member, known, depth + 1);
      else if (typeof member === 'object' && member !== null && !BESIDE.test(name))
        yield { missed: { [name]: member } };
}

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
