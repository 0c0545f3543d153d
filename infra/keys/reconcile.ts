import { isObject } from '@helseid-zones/protocol/required';
import * as v from 'valibot';

const text = v.nullish(v.string());

/** What CloudTrail tells of a call of KMS; whatever is missing is read as missing, and no event is dropped for it. {@link https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html} */
const trailEvent = v.object({
  ...{ eventID: v.fallback(text, null), eventTime: v.fallback(text, null) },
  ...{ requestID: v.fallback(text, null), errorCode: v.fallback(text, null) },
  userIdentity: v.fallback(v.nullish(v.object({ arn: v.fallback(text, null) })), null),
  ...{ vpcEndpointId: v.fallback(text, null), sourceIPAddress: v.fallback(text, null) },
  resources: v.fallback(v.nullish(v.array(v.fallback(v.nullish(v.object({ ARN: text })), null))), null),
  requestParameters: v.fallback(v.nullish(v.object({ keyId: text })), null),
});

/** What a signer tells of signatures: one that it released, or calls of KMS whose signatures it did not. */
const auditLine = v.object({
  code: v.picklist(['signed', 'failed', 'refused']),
  ...{ timestamp: v.string(), service: v.string() },
  ...{ kid: v.optional(v.string()), kms_request: v.optional(v.string()) },
  kms_requests: v.optional(v.array(v.string()), []),
  ...{ zone: v.optional(v.string(), ''), client: v.optional(v.string(), '') },
});

/** What is in CloudTrail's files and in logs: a call of AWS, a signer's line, another line of a function, a metric, Lambda's own, and an error as Lambda writes it. */
const record = v.union([
  v.object({ eventSource: v.string(), eventName: v.string() }),
  auditLine,
  v.object({
    ...{ level: v.string(), timestamp: v.string(), message: v.string() },
    code: v.optional(v.pipe(v.string(), v.regex(/^(?!(?:signed|failed|refused)$)/))),
  }),
  v.object({ _aws: v.record(v.string(), v.unknown()) }),
  v.object({ time: v.string(), type: v.pipe(v.string(), v.startsWith('platform.')) }),
  v.object({ errorType: v.string(), errorMessage: v.string() }),
]);

/** Whether {@link reconcile} knows what this is: then it says all that there is in it, and is not to be looked into. */
export function isRecord(value: unknown): boolean {
  return v.is(record, value);
}

/** A signature as CloudTrail has it. */
export type TrailEvent = v.InferOutput<typeof trailEvent>;
/** A line of a signer. */
export type AuditLine = v.InferOutput<typeof auditLine>;

/** A client key: its kid, and the roles by name that may sign with it. */
export interface KnownKey {
  kid: string;
  signers: readonly string[];
}

/** What two accounts of the same signatures say of each other. */
export interface Reconciliation {
  /** Signatures that both have. */
  matched: number;
  /** Signatures of signers that were not released: a line `failed` or `refused` has them. */
  unreleased: number;
  /** Signatures with a client key by another role than its signers', or not through a VPC endpoint, whatever any line says. */
  foreign: TrailEvent[];
  /** Signatures of signers that none of their lines tells of. */
  unaudited: TrailEvent[];
  /** Lines of signatures that CloudTrail does not have, or has once for two of them. */
  unrecorded: AuditLine[];
}

/** Milliseconds between a signature and its line, at most. */
const APART = 5 * 60_000;

/**
 * Compares CloudTrail's `Sign` events on `keys` (by ARN) with the lines of the signers of `system`: a line tells of an event if it has KMS's id of
 * the call, the key's kid, and a time within five minutes. An event that does not say which key it is about counts; calls that
 * KMS refused are no signatures. Does not check which endpoint an event came through, and believes CloudTrail. Both are to be of
 * the same period: CloudTrail is a quarter of an hour late. An event counts once by its `eventID`.
 */
export function reconcile(
  records: Iterable<unknown>,
  keys: ReadonlyMap<string, KnownKey>,
  system: string,
): Reconciliation {
  const events = new Map<unknown, TrailEvent & { key: KnownKey | undefined }>();
  const lines: AuditLine[] = [];
  for (const record of records) {
    if (!isObject(record)) continue;
    if (record['eventSource'] === 'kms.amazonaws.com' && record['eventName'] === 'Sign') {
      const event = v.parse(trailEvent, record);
      const named = keysOf(event);
      const key = named.map((arn) => keys.get(arn)).find((known) => known !== undefined);
      // Files overlap: one event is one by its id. Without an id, each is.
      const id = event.eventID ? `${event.eventID} ${event.requestID}` : event;
      if (!event.errorCode && (key || named.length === 0)) events.set(id, { ...event, key });
    } else {
      const line = v.safeParse(auditLine, record);
      if (line.success && line.output.service === system) lines.push(line.output);
    }
  }
  const signed = lines.filter(({ code }) => code === 'signed');
  const released = Map.groupBy(signed, (line) => line.kms_request);
  const withheld = Map.groupBy(
    lines.flatMap((line) => line.kms_requests.map((id) => ({ id, line }))),
    ({ id }) => id,
  );
  const told = new Set<AuditLine>();
  const result: Reconciliation = { matched: 0, unreleased: 0, foreign: [], unaudited: [], unrecorded: [] };
  for (const event of events.values()) {
    const { key, requestID, eventTime, vpcEndpointId } = event;
    const near = ({ timestamp }: AuditLine) =>
      Math.abs(Date.parse(timestamp) - Date.parse(eventTime ?? '')) <= APART;
    const line = requestID
      ? released.get(requestID)?.find((one) => !told.has(one) && one.kid === key?.kid && near(one))
      : undefined;
    if (line) told.add(line);
    if (!key?.signers.includes(roleOf(event)) || !vpcEndpointId) result.foreign.push(event);
    else if (line) result.matched += 1;
    else if (withheld.get(requestID ?? '')?.some((one) => near(one.line))) result.unreleased += 1;
    else result.unaudited.push(event);
  }
  result.unrecorded = signed.filter((line) => !told.has(line));
  return result;
}

/** ARNs that an event names: its resources', or the key that was asked for. */
function keysOf({ resources, requestParameters }: TrailEvent): string[] {
  const named = (resources ?? []).flatMap((resource) => resource?.ARN ?? []);
  const asked = requestParameters?.keyId;
  return named.length > 0 || !asked?.startsWith('arn:') ? named : [asked];
}

/** Name of the role whose session it was, such as `journal-signer-portal-public`. */
function roleOf({ userIdentity }: TrailEvent): string {
  return /^arn:[\w-]+:sts::\d{12}:assumed-role\/([^/]+)\//.exec(userIdentity?.arn ?? '')?.[1] ?? '';
}
