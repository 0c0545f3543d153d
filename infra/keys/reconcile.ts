import { MAX_INTENTS } from '@helseid-zones/protocol/intents';
import { isObject } from '@helseid-zones/protocol/values';
import * as v from 'valibot';
import { signerName } from '../declaration/names.ts';

const text = v.nullish(v.string());
const said = v.fallback(text, null);

/** What CloudTrail tells of a call of KMS; whatever is missing is read as missing, and no event is dropped for it. {@link https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html} */
const trailEvent = v.object({
  eventID: said,
  eventTime: said,
  requestID: said,
  errorCode: said,
  vpcEndpointId: said,
  sourceIPAddress: said,
  userIdentity: v.fallback(v.nullish(v.object({ arn: said })), null),
  resources: v.fallback(v.nullish(v.array(v.fallback(v.nullish(v.object({ ARN: text })), null))), null),
  requestParameters: v.fallback(v.nullish(v.object({ keyId: text })), null),
});

/** What a signer tells of signatures: one that it released, or calls of KMS whose signatures it did not. */
const auditLine = v.object({
  code: v.picklist(['signed', 'failed', 'refused']),
  timestamp: v.string(),
  service: v.string(),
  kid: v.optional(v.string()),
  kms_request: v.optional(v.string()),
  kids: v.optional(v.array(v.string())),
  kms_requests: v.optional(v.array(v.string()), []),
  kms_lost: v.optional(v.number(), 0),
  kms_ms: v.optional(v.number(), 0),
  request_id: v.optional(v.string()),
  zone: v.optional(v.string(), ''),
  client: v.optional(v.string(), ''),
});

/** What is in CloudTrail's files and in logs: a call of AWS, a signer's line, another line of a function, a metric, Lambda's own, and an error as Lambda writes it. */
const record = v.union([
  v.object({ eventSource: v.string(), eventName: v.string() }),
  auditLine,
  v.object({
    level: v.string(),
    timestamp: v.string(),
    message: v.string(),
    code: v.optional(v.pipe(v.string(), v.regex(/^(?!(?:signed|failed|refused)$)/))),
  }),
  v.object({ _aws: v.record(v.string(), v.unknown()) }),
  v.object({ time: v.string(), type: v.pipe(v.string(), v.startsWith('platform.')) }),
  v.object({ errorType: v.string(), errorMessage: v.string() }),
]);

/** Whether {@link reconcile} knows what this is: then it says all that there is in it, and is not to be looked into. */
export const isRecord = (value: unknown): boolean => v.is(record, value);

/** A signature as CloudTrail has it. */
export type TrailEvent = v.InferOutput<typeof trailEvent>;
/** A line of a signer. */
export type AuditLine = v.InferOutput<typeof auditLine>;

/** A client key: its kid, and the roles by name that may sign with it. */
export interface KnownKey {
  kid: string;
  signers: readonly string[];
}

/** Milliseconds between a signature and its line, at most. */
const APART = 5 * 60_000;

/** Milliseconds before and after a call of KMS in which CloudTrail may have its attempts: it writes whole seconds, and KMS may still be at one that was given up. */
const AROUND = 10_000;

/** An event with what is looked up of it: the key, whose role's session it was, and when, in epoch milliseconds. */
interface Signature extends TrailEvent {
  key: KnownKey | undefined;
  role: string;
  at: number;
}

/**
 * Compares CloudTrail's `Sign` events on `keys` (by ARN) with the lines of the signers of `system`: a line tells of an event by its signer's
 * role if it has KMS's id of the call, the key's kid, and a time within five minutes. A line also tells of what nobody got, if it was by that role, with
 * that key and within ten seconds of the call: of each id once, and, where answers were lost, of as many other events as it counts. An event
 * that does not say which key it is about counts; calls that KMS refused are no signatures; an event counts once by its `eventID`. Does not check
 * which endpoint an event came through, and believes CloudTrail. Both are to be of the same period: CloudTrail is a quarter of an hour late.
 */
export function reconcile(records: Iterable<unknown>, keys: ReadonlyMap<string, KnownKey>, system: string) {
  const events = new Map<unknown, Signature>();
  const lines: AuditLine[] = [];
  for (const record of records) {
    if (!isObject(record)) continue;
    if (record['eventSource'] === 'kms.amazonaws.com' && record['eventName'] === 'Sign') {
      const event = v.parse(trailEvent, record);
      const named = keysOf(event);
      const arn = named.find((each) => keys.has(each)) ?? '';
      // Files overlap. Without an id, each event is one.
      const id = event.eventID ? `${event.eventID} ${event.requestID}` : event;
      const at = Date.parse(event.eventTime ?? '');
      if (!event.errorCode && (arn || named.length === 0))
        events.set(id, { ...event, key: keys.get(arn), role: roleOf(event, arn), at });
    } else {
      const line = v.safeParse(auditLine, record);
      if (line.success && line.output.service === system) lines.push(line.output);
    }
  }
  const signed = lines.filter(({ code }) => code === 'signed');
  const released = Map.groupBy(signed, (line) => line.kms_request);
  const withheld = Map.groupBy(
    lines.flatMap((line) => line.kms_requests.map((id) => ({ id, ...callOf(line, system) }))),
    ({ id }) => id,
  );
  const told = new Set<AuditLine>();
  const untold: Signature[] = [];
  const result = {
    /** Signatures that both have. */
    matched: 0,
    /** Signatures of signers that were not released: a line `failed` or `refused` has them. */
    unreleased: 0,
    /** Signatures that no line has, taken for attempts of signers whose answers were lost: at most as many as their lines count. */
    lost: 0,
    /** Signatures with a client key by another role than its signers', or not through a VPC endpoint, whatever any line says. */
    foreign: [] as TrailEvent[],
    /** Signatures of signers that none of their lines tells of. */
    unaudited: [] as TrailEvent[],
  };
  for (const event of events.values()) {
    const { key, requestID, role, at, vpcEndpointId } = event;
    const tells = ({ kid, client, zone, timestamp }: AuditLine) =>
      kid === key?.kid &&
      signerName(system, client, zone) === role &&
      Math.abs(Date.parse(timestamp) - at) <= APART;
    const line = requestID ? released.get(requestID)?.find((one) => !told.has(one) && tells(one)) : undefined;
    if (line) told.add(line);
    if (!key?.signers.includes(role) || !vpcEndpointId) result.foreign.push(event);
    else if (line) result.matched += 1;
    else if (withheld.get(requestID ?? '')?.some((call) => call.covers(event))) {
      withheld.delete(requestID ?? '');
      result.unreleased += 1;
    } else untold.push(event);
  }
  // A line that no event bears out excuses none, and one that lies in two files excuses as one.
  const losing = lines.filter((line) => line.kms_lost > 0 && (line.code !== 'signed' || told.has(line)));
  const calls = [...new Map(losing.map((line) => [JSON.stringify(line), callOf(line, system)])).values()];
  calls.sort((one, other) => one.until - other.until);
  for (const event of untold.sort((one, other) => (one.at || 0) - (other.at || 0))) {
    // In the order of time, whichever ends first: no other choice would leave fewer.
    const call = calls.find(({ left, covers }) => left > 0 && covers(event));
    if (!call) result.unaudited.push(event);
    else {
      call.left -= 1;
      result.lost += 1;
    }
  }
  // Those that CloudTrail does not have, or has once for two of them.
  return { ...result, unrecorded: signed.filter((line) => !told.has(line)) };
}

/** How often a signer asks KMS for a signature: a line that counts more than can be lost was not written by one. */
const ATTEMPTS = 3;

/** Which events a line may be about beside the one that it names, and how many are left of those that it counts. */
function callOf({ code, kid, kids, client, zone, timestamp, kms_ms, kms_lost }: AuditLine, system: string) {
  const most = code === 'signed' ? ATTEMPTS - 1 : ATTEMPTS * MAX_INTENTS;
  const role = signerName(system, client, zone);
  const until = Date.parse(timestamp) + AROUND;
  const from = until - Math.min(kms_ms, APART) - 2 * AROUND;
  // Lines of earlier versions do not name the keys of what nobody got.
  const known = kids ?? (kid === undefined ? undefined : [kid]);
  const covers = ({ role: of, key, at }: Signature) =>
    of === role && (known?.includes(key?.kid ?? '') ?? true) && from <= at && at <= until;
  return { until, left: Math.min(kms_lost, most), covers };
}

/** ARNs that an event names: its resources', or the key that was asked for. */
function keysOf({ resources, requestParameters }: TrailEvent): string[] {
  const named = (resources ?? []).flatMap((resource) => resource?.ARN ?? []);
  const asked = requestParameters?.keyId;
  return named.length > 0 || !asked?.startsWith('arn:') ? named : [asked];
}

/** Name of the role whose session it was, such as `journal-signer-portal-public`, if it is of the key's account: its signers are. */
function roleOf({ userIdentity }: TrailEvent, keyArn: string): string {
  const [, partition, account, role] =
    /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(userIdentity?.arn ?? '') ?? [];
  return keyArn.startsWith(`arn:${partition}:kms:`) && keyArn.split(':')[4] === account ? (role ?? '') : '';
}
