import { describeNetworkFailure } from '@helseid-zones/client/errors';
import { readBody } from '@helseid-zones/client/http';
import { problem, type RouteAnswer, type RouteEvent, respond } from '@helseid-zones/client/route';
import type { ApiFetch } from '@helseid-zones/client/tokens';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** Ids of summaries: one path segment that needs no encoding and is neither `.` nor `..`. */
const SUMMARY_ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** Bytes of a summary; API Gateway takes 10 MB, Lambda 6. */
const MAX_BYTES = 1024 * 1024;

/** Milliseconds for all of it; API Gateway waits 29 s. */
const TIMEOUT = 20_000;

/**
 * Answers `GET /summaries/{id}` with the summary as the summaries API has it, or with problem+json (RFC 9457). Whoever may
 * invoke the route may read any summary: which ones that should be is for the API, or for a route with login.
 *
 * @throws {ZonesError} api_refused, api_unreachable; and what the API call throws
 */
export async function fetchSummary(summaries: ApiFetch, event: RouteEvent): Promise<RouteAnswer> {
  const id = event.pathParameters?.['id'] ?? '';
  if (!SUMMARY_ID.test(id)) return problem(400, 'That is not the id of a summary.', 'request_malformed');
  const response = await summaries(`/v1/summaries/${id}`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT),
  });
  const { status } = response;
  if (status === 200) return respond(200, 'application/json', await readJson(response));
  await response.body?.cancel();
  if (status === 404) return problem(404, 'There is no such summary.', 'api_refused');
  throw new ZonesError('api_refused', `The summaries API answered ${status}.`, { facts: { status } });
}

/** The body, if it is JSON of a bearable size; parsed and written again, so that nothing else gets through. */
async function readJson(response: Response): Promise<string> {
  try {
    return JSON.stringify(JSON.parse((await readBody(response, MAX_BYTES)).toString()));
  } catch (cause) {
    const unfit = cause instanceof RangeError || cause instanceof SyntaxError;
    throw new ZonesError(
      unfit ? 'api_refused' : 'api_unreachable',
      unfit
        ? 'The summaries API answered with no JSON, or too much.'
        : 'The summaries API broke off its answer.',
      { cause, facts: { status: response.status, ...describeNetworkFailure(cause) } },
    );
  }
}
