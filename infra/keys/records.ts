import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '@helseid-zones/protocol/required';

/**
 * The records of files as they come: CloudTrail's (`Records`, gzipped or not), what `aws logs filter-log-events` prints
 * (`events`), and lines of JSON, also behind a time, as CloudWatch exports them to S3. What is no JSON is passed over.
 * @throws {ZonesError} config_invalid: a file can't be read
 */
export function* readRecords(files: Iterable<string>): Generator<unknown> {
  for (const file of files) {
    let text: string;
    try {
      const bytes = readFileSync(file);
      text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString();
    } catch (cause) {
      throw new ZonesError('config_invalid', `${file} can't be read: ${(cause as Error).message}`, { cause });
    }
    const whole = parse(text);
    if (isObject(whole) && Array.isArray(whole['Records'])) yield* whole['Records'];
    else if (isObject(whole) && Array.isArray(whole['events']))
      yield* whole['events'].map((event) => parse(String(isObject(event) ? event['message'] : '')));
    else for (const line of text.split('\n')) yield parse(line.slice(Math.max(0, line.indexOf('{'))));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
