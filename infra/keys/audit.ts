import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { escapeControls } from '../terminal.ts';
import { type Operator, openClients } from './operator.ts';
import type { KeyOptions } from './options.ts';
import { readRecords } from './records.ts';
import { showTrace } from './trace.ts';

/** What CloudTrail tells of a call of KMS. {@link https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html} */
const trailEvent = v.object({
  eventSource: v.literal('kms.amazonaws.com'),
  eventName: v.literal('Sign'),
  eventTime: v.string(),
  requestID: v.string(),
  errorCode: v.optional(v.string()),
  userIdentity: v.object({ arn: v.optional(v.string(), 'nobody that CloudTrail names') }),
  vpcEndpointId: v.optional(v.string()),
  sourceIPAddress: v.optional(v.string()),
  resources: v.optional(v.array(v.object({ ARN: v.optional(v.string()) })), []),
});

/** What a signer tells of signatures: one that it released, or calls of KMS whose signatures it did not. */
const auditLine = v.object({
  code: v.picklist(['signed', 'failed', 'refused']),
  timestamp: v.string(),
  service: v.string(),
  kid: v.optional(v.string()),
  kms_request: v.optional(v.string()),
  kms_requests: v.optional(v.array(v.string()), []),
  zone: v.optional(v.string()),
  client: v.optional(v.string()),
});

/** A signature as CloudTrail has it. */
type TrailEvent = v.InferOutput<typeof trailEvent>;
type AuditLine = v.InferOutput<typeof auditLine>;

/** What two accounts of the same signatures say of each other. */
export interface Reconciliation {
  /** Signatures that both have. */
  matched: number;
  /** Signatures with a client key that no signer tells of. */
  unaudited: TrailEvent[];
  /** Signatures that a signer tells of and CloudTrail does not, or that it tells of twice. */
  unrecorded: AuditLine[];
}

/**
 * Compares CloudTrail's `Sign` events on `keys` (ARNs) with the signers' audit lines, by KMS's id of the call. Events of other keys,
 * and calls that KMS refused, are no signatures of a client. Both are to be of the same period: CloudTrail is a quarter of an
 * hour late.
 */
export function reconcile(
  records: Iterable<unknown>,
  keys: ReadonlySet<string>,
  system: string,
): Reconciliation {
  const events = new Map<string, TrailEvent>();
  const lines: AuditLine[] = [];
  const released = new Set<string>();
  for (const record of records) {
    const event = v.safeParse(trailEvent, record);
    if (event.success) {
      const { errorCode, resources, requestID } = event.output;
      const ours = resources.some(({ ARN }) => ARN !== undefined && keys.has(ARN));
      if (errorCode === undefined && ours) events.set(requestID, event.output);
      continue;
    }
    const line = v.safeParse(auditLine, record);
    if (!line.success || line.output.service !== system) continue;
    for (const id of line.output.kms_requests) released.add(id);
    if (line.output.code === 'signed') lines.push(line.output);
  }
  const unrecorded = lines.filter(
    ({ kms_request: id = '' }) => !events.has(id) || released.has(id) || !released.add(id),
  );
  return {
    matched: lines.length - unrecorded.length,
    unaudited: [...events.values()].filter(({ requestID }) => !released.has(requestID)),
    unrecorded,
  };
}

/** How many of a kind are shown. */
const SHOWN = 20;

/**
 * `npm run audit -- --reconcile FILE…`: names each signature that no signer tells of, and each that CloudTrail does not have.
 * Without files, those of the local system. Exit status 1 where there is one.
 * @throws {ZonesError} config_invalid: no file, or none with an event and a line
 */
export async function audit(operator: Operator, { reconcile: given, trace }: KeyOptions): Promise<void> {
  if (trace !== undefined) return showTrace(operator, trace);
  const files = given.length > 0 ? given : localFiles(operator.localLogs);
  const records = await Promise.all(openClients(operator).map(({ store }) => store.read()));
  const keys = new Set(records.flatMap((record) => record.keys.map(({ keyArn }) => keyArn)));
  const { matched, unaudited, unrecorded } = reconcile(readRecords(files), keys, operator.system.name);
  if (matched + unaudited.length + unrecorded.length === 0)
    throw new ZonesError(
      'config_invalid',
      `No signature with a key of ${operator.system.name} is in ${files.join(', ')}.`,
    );
  operator.say(`${matched} signatures are in CloudTrail and in the audit.`);
  const tell = (what: string, lines: readonly string[]) => {
    if (lines.length === 0) return;
    process.exitCode = 1;
    operator.say(`\n${lines.length} ${what}`);
    for (const line of lines.slice(0, SHOWN)) operator.say(`  ${escapeControls(line)}`);
    if (lines.length > SHOWN) operator.say(`  and ${lines.length - SHOWN} more`);
  };
  tell(
    'that no signer tells of. By another role than a signer’s, or not through the signing endpoint: act at once (docs/keys.md).\nBy a signer: its answer from KMS may have been lost; its line failed of that second says so.',
    unaudited.map(
      ({ eventTime, requestID, userIdentity, vpcEndpointId, sourceIPAddress }) =>
        `${eventTime}  ${requestID}  ${userIdentity.arn}  ${vpcEndpointId ?? sourceIPAddress ?? ''}`,
    ),
  );
  tell(
    'that CloudTrail does not have, or has once for two lines. Are the files of the same period? CloudTrail is a quarter of an hour late.',
    unrecorded.map(
      ({ timestamp, kms_request, kid, client, zone }) =>
        `${timestamp}  ${kms_request ?? 'no id of a call'}  ${client ?? ''} of ${zone ?? ''}  ${kid ?? ''}`,
    ),
  );
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
