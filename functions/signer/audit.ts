import type { Log } from '@helseid-zones/client/log';
import { REFUSALS, type ZonesError } from '@helseid-zones/protocol/errors';
import type { Grant } from '@helseid-zones/protocol/grant';

/** One call of KMS, whatever came of it. */
export interface KmsCall {
  kid: string;
  /** KMS's id of the call, by which CloudTrail's record of it is found; undefined where KMS signed nothing. */
  kmsRequest: string | undefined;
  /** How many attempts had no answer: CloudTrail may have a record of each, by an id that nobody knows. */
  lost: number;
  /** How long KMS took, milliseconds. */
  latency: number;
}

/** One signature that is about to be released. */
export interface SignedEntry extends KmsCall {
  kind: string;
  /** The issuer, or method and granted pattern; never the path of a request. */
  target: string;
  jti: string;
}

/** The audit of one invocation (I7). */
export type Audit = ReturnType<typeof createAudit>;

/**
 * Makes the audit of one invocation: a structured line a signature or refusal, with a stable `code` (`signed`, `refused`,
 * `failed`), and metrics with the dimensions service (the system's name), zone and client: Signed and KmsLatency, of a kind
 * (a fourth dimension), and Refused, Failed and Throttled, of a request, on which alarms ring. The lines pass every configured level (`Log.audit`). They are small and name no claims, tokens, paths or persons: an invoker can read the log's
 * last 4 KB (`LogType=Tail`). Lambda ships what is written here asynchronously; CloudTrail's Sign events are the
 * independent record.
 */
export function createAudit({ audit, count }: Pick<Log, 'audit' | 'count'>, grant: Grant, requestId: string) {
  const { system, client } = grant;
  const common = { system, client, request_id: requestId };
  return {
    recordSigned(entries: readonly SignedEntry[]): void {
      for (const { kind, target, kid, jti, latency, kmsRequest: kms_request, lost } of entries) {
        const kms = { kms_request, kms_ms: latency, kms_lost: lost || undefined };
        audit('signed', { ...common, kind, target, kid, jti, ...kms });
      }
      for (const [kind, group] of Map.groupBy(entries, (entry) => entry.kind))
        count({ Signed: group.length, KmsLatency: group.map(({ latency }) => latency) }, { client, kind });
    },
    /** `kinds` are those asked for, where the request could be read; nobody got a signature of these `calls`. */
    recordRefused(
      kinds: readonly string[],
      { code: reason, facts }: ZonesError,
      calls: readonly KmsCall[] = [],
    ): void {
      // A client without a usable key is a failure of the system, though its code is that of a refusal: nobody probes.
      const ours = REFUSALS.some((refusal) => refusal === reason) && reason !== 'key_not_usable';
      const kms = calls.length > 0 ? describeCalls(calls) : {};
      audit(ours ? 'refused' : 'failed', { ...facts, ...common, kinds, reason, ...kms });
      const throttled = reason === 'kms_throttled' ? { Throttled: 1 } : {};
      count({ [ours ? 'Refused' : 'Failed']: 1, ...throttled }, { client });
    },
  };
}

function describeCalls(calls: readonly KmsCall[]) {
  const ids = calls.flatMap(({ kmsRequest }) => kmsRequest ?? []);
  return {
    kids: [...new Set(calls.map(({ kid }) => kid))],
    kms_requests: ids.length > 0 ? ids : undefined,
    kms_ms: Math.max(...calls.map(({ latency }) => latency)),
    kms_lost: calls.reduce((sum, { lost }) => sum + lost, 0) || undefined,
  };
}
