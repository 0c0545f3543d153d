import type { Call, JsonService } from './call.ts';
import type { AwsError } from './errors.ts';
import { operationName, runJsonCall, type WireResponse, writeJsonError } from './json-protocol.ts';
import type { WireRequest } from './sigv4.ts';

/** A service as the listener sees it: which requests are its own, and how it answers them. */
export interface WireService {
  /** Signing name; also the last part of its VPC endpoint's service name. */
  name: string;
  matches(request: WireRequest): boolean;
  /** Operation of a request, for the audit trail. */
  operation(request: WireRequest): string;
  answer(request: WireRequest, call: Call): Promise<WireResponse>;
  writeError(error: AwsError, requestId: string): WireResponse;
}

/** A service of the JSON protocols as a {@link WireService}. */
export function jsonService(service: JsonService): WireService {
  const target = (request: WireRequest) => request.headers['x-amz-target'] ?? '';
  return {
    name: service.name,
    matches: (request) => request.method === 'POST' && target(request).startsWith(`${service.target}.`),
    operation: (request) => operationName(service, target(request)),
    answer: (request, call) => runJsonCall(service, target(request), request.body, call),
    writeError: (error, requestId) => writeJsonError(service.version, error, requestId),
  };
}
