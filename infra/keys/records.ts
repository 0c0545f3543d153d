import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '@helseid-zones/protocol/required';

/** Bytes that a file may have when it is unpacked. */
const MOST = 2 ** 29;

/**
 * The records of files as they come: CloudTrail's (`Records`, gzipped or not; also what `aws cloudtrail lookup-events` prints), what
 * `aws logs filter-log-events` prints, arrays, and lines of JSON, also behind a time, as CloudWatch exports them to S3. `unread` is
 * told of each file without a record, and of how many texts in it look like JSON and are none. Lines without a brace are Lambda's.
 * @throws {ZonesError} config_invalid: a file can't be read, or is no text
 */
export function* readRecords(files: Iterable<string>, unread: (what: string) => void): Generator<unknown> {
  for (const file of files) {
    let [records, broken] = [0, 0];
    for (const record of recordsOf(readText(file))) {
      if (record === BROKEN) broken += 1;
      else records += 1;
      if (record !== BROKEN) yield record;
    }
    if (broken > 0) unread(`${file}: ${broken} that look like JSON and are none`);
    else if (records === 0) unread(`${file}: no record`);
  }
}

/** Stands for what could not be read. */
const BROKEN = Symbol('broken');

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

function isGzip([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}

function* recordsOf(text: string): Generator<unknown> {
  const whole = parse(text);
  if (whole !== BROKEN) return yield* unwrap(whole);
  for (const line of text.split('\n')) {
    const start = /^\s*\[/.test(line) ? 0 : line.indexOf('{');
    if (start >= 0) yield* unwrap(parse(line.slice(start)));
  }
}

/** What is in the wrappers of AWS's commands and files, however deep. */
function* unwrap(value: unknown): Generator<unknown> {
  if (typeof value === 'string') return yield* /^\s*[{[]/.test(value) ? unwrap(parse(value)) : [];
  if (Array.isArray(value)) for (const element of value) yield* unwrap(element);
  else if (!isObject(value)) return yield value;
  else {
    const { Records, events, Events, message, CloudTrailEvent } = value;
    const inner = [Records, events, Events].find(Array.isArray) ?? CloudTrailEvent;
    if (inner !== undefined) yield* unwrap(inner);
    else if (typeof message === 'string' && /^\s*\{/.test(message)) yield* unwrap(message);
    else yield value;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return BROKEN;
  }
}
