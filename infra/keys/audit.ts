import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { deriveGrants } from '../declaration/derive.ts';
import { signerName } from '../declaration/names.ts';
import { escapeControls, table } from '../terminal.ts';
import { type Operator, openClients } from './operator.ts';
import type { KeyOptions } from './options.ts';
import { isRecord, reconcile, type TrailEvent } from './reconcile.ts';
import { type FileRead, readRecords } from './records.ts';

/** How many of a kind are shown. */
const SHOWN = 20;

/**
 * `npm run audit -- --reconcile FILE…`: names each signature with a client key that is not a signer's or that no signer tells of, each that
 * CloudTrail does not have, and each file with a part that is not understood. Without files, those of the local system. Exit status 1 where there is
 * anything to name.
 * @throws {ZonesError} config_invalid: no file, one that can't be read, or no signature in any of them
 */
export async function audit(operator: Operator, { reconcile: given, trace }: KeyOptions): Promise<void> {
  if (trace !== undefined) return showTrace(operator, trace);
  const { system } = operator;
  const files = given.length > 0 ? given : localFiles(operator.localLogs);
  const keys = await Promise.all(
    openClients(operator).map(async ({ name: client, store }) => {
      const grants = deriveGrants(system).filter((grant) => grant.client === client);
      const signers = grants.map(({ zone }) => signerName(system.name, client, zone));
      return (await store.read()).keys.map(({ keyArn, kid }) => [keyArn, { kid, signers }] as const);
    }),
  );
  const read: FileRead[] = [];
  const records = readRecords(files, isRecord, (file) => void read.push(file));
  const found = reconcile(records, new Map(keys.flat()), system.name);
  const { matched, unreleased, lost, foreign, unaudited, unrecorded } = found;
  operator.say(
    `${matched} signatures are in CloudTrail and in the audit; ${unreleased} more were given to nobody (lines failed or refused); ${lost} are taken for attempts whose answers were lost (kms_lost of lines).`,
  );
  const tell = (what: string, lines: readonly string[]) => {
    if (lines.length === 0) return;
    process.exitCode = 1;
    operator.say(`\n${lines.length} ${what}`);
    for (const line of lines.slice(0, SHOWN)) operator.say(`  ${escapeControls(line)}`);
    if (lines.length > SHOWN) operator.say(`  and ${lines.length - SHOWN} more`);
  };
  tell(
    'by no signer of the key, or not through an endpoint: act at once (docs/keys.md)',
    foreign.map(describeEvent),
  );
  tell(
    'by a signer, whose lines do not tell of it. Lambda may have ended the signer before its line (its log says Task timed out, or crashed, at that second); else somebody has its credentials: act at once.',
    unaudited.map(describeEvent),
  );
  tell(
    'that CloudTrail does not have, or has once for two lines, of another key, signer or time. Are the files of the same period? CloudTrail is a quarter of an hour late.',
    unrecorded.map(
      ({ timestamp, kms_request, kid, client, zone }) =>
        `${timestamp}  ${kms_request ?? 'no id of a call'}  ${client} of ${zone}  ${kid ?? ''}`,
    ),
  );
  tell(
    'with parts that are neither an event of CloudTrail nor a line of a log, so what they tell was not compared:',
    read.flatMap(({ file, missed, first }) => (missed > 0 ? `${file}: ${missed}, the first: ${first}` : [])),
  );
  for (const { file, records: some, missed } of read)
    if (some + missed === 0) operator.say(escapeControls(`${file}: no lines.`));
  if (matched + unreleased + lost + foreign.length + unaudited.length + unrecorded.length === 0)
    throw new ZonesError(
      'config_invalid',
      `No signature with a key of ${system.name} is in ${files.join(', ')}.`,
    );
}

function describeEvent(event: TrailEvent): string {
  const { eventTime, requestID, userIdentity, vpcEndpointId, sourceIPAddress } = event;
  const who = userIdentity?.arn ?? 'nobody that CloudTrail names';
  const from = vpcEndpointId ?? sourceIPAddress ?? '';
  return [eventTime ?? 'at no time', requestID ?? 'no id', who, from].join('  ');
}

function localFiles(logs: string | undefined): string[] {
  if (logs === undefined)
    throw new ZonesError(
      'config_invalid',
      'Say which files: npm run audit -- --reconcile TRAIL… LOG… (docs/operating.md).',
    );
  const names = readdirSync(logs).filter((name) => name === 'cloudtrail.log' || name.includes('-signer-'));
  return names.map((name) => join(logs, name));
}

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
];

/**
 * `npm run audit -- --trace ID --local`: every line of the request, event or call of AWS with this id, over all zones, from entry to
 * KMS. The id is whichever somebody has: of a page, a gateway's answer, an event, a message, a call of KMS, or X-Ray's.
 * @throws {ZonesError} config_invalid: on AWS, where the saved queries do it; no line has that id
 */
export function showTrace({ localLogs, say }: Pick<Operator, 'localLogs' | 'say'>, id: string): void {
  if (localLogs === undefined)
    throw new ZonesError('config_invalid', `On AWS, ask the saved queries for ${id}: docs/operating.md.`);
  const isLine = (record: unknown) => v.is(trailLine, record) && !('_aws' in record.fields);
  const lines = [...readRecords([join(localLogs, 'trail.log')], isLine)].map((line) =>
    v.parse(trailLine, line),
  );
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
