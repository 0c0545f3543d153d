import type { Log } from '@helseid-zones/client/log';
import { REFUSALS, type ZonesError } from '@helseid-zones/protocol/errors';
import type { Grant } from '@helseid-zones/protocol/grant';

/** One signature that is about to be released. */
export interface SignedEntry {
  kind: string;
  /** The issuer, or method and granted pattern; never the path of a request. */
  target: string;
  kid: string;
  jti: string;
  /** KMS's id of the call, by which CloudTrail's record of it is found. */
  kmsRequest: string | undefined;
  /** How long KMS took, milliseconds. */
  latency: number;
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
      for (const { kind, target, kid, jti, latency, kmsRequest: kms_request } of entries)
        audit('signed', { ...common, kind, target, kid, jti, kms_request, kms_ms: latency });
      for (const [kind, group] of Map.groupBy(entries, (entry) => entry.kind))
        count({ Signed: group.length, KmsLatency: group.map(({ latency }) => latency) }, { client, kind });
    },
    /** `kinds` are those asked for, where the request could be read; `kmsRequests` are KMS's calls whose signatures nobody got. */
    recordRefused(
      kinds: readonly string[],
      { code: reason, facts }: ZonesError,
      kmsRequests: readonly string[] = [],
    ): void {
      // A client without a usable key is a failure of the system, though its code is that of a refusal: nobody probes.
      const ours = REFUSALS.some((refusal) => refusal === reason) && reason !== 'key_not_usable';
      const kms_requests = kmsRequests.length > 0 ? kmsRequests : undefined;
      audit(ours ? 'refused' : 'failed', { ...facts, ...common, kinds, reason, kms_requests });
      const throttled = reason === 'kms_throttled' ? { Throttled: 1 } : {};
      count({ [ours ? 'Refused' : 'Failed']: 1, ...throttled }, { client });
    },
  };
}
