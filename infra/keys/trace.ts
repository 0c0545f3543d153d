import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { table } from '../terminal.ts';
import type { Operator } from './operator.ts';
import { readRecords } from './records.ts';

/** A line of what the local system has seen (`trail.log`). */
const trailLine = v.object({
  at: v.number(),
  zone: v.optional(v.string(), ''),
  function: v.optional(v.string()),
  trace: v.optional(v.string()),
  fields: v.record(v.string(), v.unknown()),
});

/** What tells of a line, in the order in which it is shown; ids that every line of one has are left out. */
const TOLD = [
  'status',
  'error',
  'reason',
  'refusal',
  'kind',
  'target',
  'route',
  'path',
  'detail',
  'kms_request',
] as const;

/**
 * `npm run audit -- --trace ID --local`: every line of the request, event or call of AWS with this id, over all zones, from entry to
 * KMS. The id is whichever somebody has: of a page, a gateway's answer, an event, a message, a call of KMS, or X-Ray's.
 * @throws {ZonesError} config_invalid: on AWS, where the saved queries do it; no line has that id
 */
export function showTrace({ localLogs, say }: Pick<Operator, 'localLogs' | 'say'>, id: string): void {
  if (localLogs === undefined)
    throw new ZonesError('config_invalid', `On AWS, ask the saved queries for ${id}: docs/operating.md.`);
  const lines = [...readRecords([join(localLogs, 'trail.log')], () => {})].flatMap((record) => {
    const line = v.safeParse(trailLine, record);
    return line.success && !('_aws' in line.output.fields) ? [line.output] : [];
  });
  const named = lines.filter(({ trace, fields }) => trace === id || Object.values(fields).includes(id));
  const traces = new Set(named.flatMap(({ trace }) => trace ?? []));
  const found = lines.filter((line) => named.includes(line) || (line.trace && traces.has(line.trace)));
  if (found.length === 0) throw new ZonesError('config_invalid', `No line in ${localLogs} has the id ${id}.`);
  const rows = found.map(({ at, zone, function: name, fields }) => [
    new Date(at).toISOString().slice(11, 23),
    zone,
    name ?? String(fields['service'] ?? fields['entry'] ?? ''),
    String(
      fields['code'] ?? fields['action'] ?? fields['event'] ?? fields['message'] ?? fields['method'] ?? '',
    ),
    TOLD.flatMap((of) => (fields[of] === undefined ? [] : [`${of} ${String(fields[of])}`])).join(', '),
  ]);
  say(table([['time', 'zone', 'who', 'what', ''], ...rows], Number.MAX_SAFE_INTEGER));
}
