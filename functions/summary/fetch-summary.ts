import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { describeNetworkFailure } from '@helseid-zones/client/errors';
import { machineTokens } from '@helseid-zones/client/machine-token';
import type { TokenClient } from '@helseid-zones/client/token-client';
import type { ApiConfig } from '@helseid-zones/protocol/config';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { problem, respond } from '../common/route.ts';

/** What the function works with. */
interface SummaryDeps {
  client: TokenClient;
  api: ApiConfig;
  /** Told what went wrong; no summary, no id of one. */
  audit(code: 'summary.failed', facts: Readonly<Record<string, unknown>>): void;
}

/** Ids of summaries: one path segment that needs no encoding and is neither `.` nor `..`. */
const SUMMARY_ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** Bytes of a summary; API Gateway takes 10 MB, Lambda 6. */
const MAX_BYTES = 1024 * 1024;

/** Milliseconds for all of it; API Gateway waits 29 s. */
const TIMEOUT = 20_000;

/** What each failure looks like from outside; anything else is a 502, since it is about what lies behind. */
const STATUS: Readonly<Record<string, [status: number, title: string]>> = {
  request_malformed: [400, 'That is not the id of a summary.'],
  summary_missing: [404, 'There is no such summary.'],
  signer_unavailable: [503, 'Signing is not available; try again.'],
  issuer_unreachable: [503, 'The authorization server is not available; try again.'],
  api_unreachable: [503, 'The summaries API is not available; try again.'],
  request_aborted: [504, 'The summaries API took too long.'],
};

/**
 * Answers `GET /summaries/{id}` with the summary as the summaries API has it, or with problem+json (RFC 9457). Whoever may
 * invoke the route may read any summary: which ones that should be is for the API, or for a route with login.
 */
export async function fetchSummary(
  deps: SummaryDeps,
  event: APIGatewayProxyEvent,
): Promise<APIGatewayProxyResult> {
  try {
    const summary = await readSummary(deps, event.pathParameters?.['id'] ?? '');
    return respond(200, 'application/json', summary);
  } catch (error) {
    const code = isZonesError(error) ? error.code : 'unexpected';
    const missing = isZonesError(error, 'api_refused') && error.facts['status'] === 404;
    const [status, title] = STATUS[missing ? 'summary_missing' : code] ?? [
      502,
      'The summary could not be had.',
    ];
    if (status >= 500)
      deps.audit('summary.failed', {
        ...(isZonesError(error) ? { ...error.facts, message: error.message } : { error: nameOf(error) }),
        requestId: event.requestContext?.requestId,
        reason: code,
      });
    return problem(status, title, code);
  }
}

/** Not its message, which may hold what was sent or read. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

async function readSummary({ client, api }: SummaryDeps, id: string): Promise<string> {
  if (!SUMMARY_ID.test(id))
    throw new ZonesError('request_malformed', 'A summary id has letters, digits and hyphens.');
  const tokens = machineTokens(client, { scopes: api.scopes, resource: api.resource });
  const response = await createApiFetch(client, tokens)(`${api.baseUrl}/v1/summaries/${id}`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new ZonesError('api_refused', `The summaries API answered ${response.status}.`, {
      facts: { status: response.status },
    });
  }
  return readJson(response);
}

/** The body, if it is JSON of a bearable size; parsed and written again, so that nothing else gets through. */
async function readJson(response: Response): Promise<string> {
  const facts = { status: response.status };
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > MAX_BYTES)
        throw new ZonesError('api_refused', `The summary is larger than ${MAX_BYTES} bytes.`, { facts });
      chunks.push(chunk);
    }
  } catch (cause) {
    if (isZonesError(cause)) throw cause;
    throw new ZonesError('api_unreachable', 'The summaries API broke off in the middle of its answer.', {
      cause,
      facts: { ...facts, ...describeNetworkFailure(cause) },
    });
  }
  try {
    return JSON.stringify(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (cause) {
    throw new ZonesError('api_refused', 'The summaries API answered with something else than JSON.', {
      cause,
      facts,
    });
  }
}
