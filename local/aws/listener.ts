import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authorize, Caller, Need } from './authorize.ts';
import { beginCall, type Call, type Route } from './call.ts';
import type { CredentialTable } from './credentials.ts';
import { AwsError } from './errors.ts';
import { type Listening, listen, readBody } from './http.ts';
import type { WireResponse } from './json-protocol.ts';
import type { WireService } from './service.ts';
import { verifySignature, type WireRequest } from './sigv4.ts';
import type { Trail } from './trail.ts';

const MAX_BODY = 10 * 1024 * 1024;

/** What every listener of the local AWS shares. `now` is in epoch milliseconds. */
export interface AwsDeps {
  services: readonly WireService[];
  authorize: Authorize;
  credentials: CredentialTable;
  trail: Trail;
  region: string;
  now: () => number;
}

/**
 * Listens as one VPC endpoint (then only `only` is served, and `aws:SourceVpce` and `aws:SourceVpc` are the route's), or as
 * AWS's public endpoints. Every request is verified, authorised and put on the trail before it is answered.
 */
export function startListener(deps: AwsDeps, route: Route, only?: string): Promise<Listening> {
  return listen((request, response) => {
    // Looked up for each request: functions, which some services run, need the listeners' URLs first.
    const services = deps.services.filter(({ name }) => only === undefined || name === only);
    void answer({ ...deps, services }, route, request).then((answered) => write(response, answered));
  });
}

async function answer(deps: AwsDeps, route: Route, incoming: IncomingMessage): Promise<WireResponse> {
  const requestId = randomUUID();
  const needs: Need[] = [];
  let service: WireService | undefined;
  let operation = '';
  let caller: Caller | undefined;
  try {
    const request = await readRequest(incoming);
    service = deps.services.find((candidate) => candidate.matches(request));
    if (service === undefined) throw unknownOperation();
    operation = service.operation(request);
    caller = await verifySignature(request, { ...deps, service: service.name });
    const call = beginCall(deps.authorize, caller, requestId, {
      region: deps.region,
      now: deps.now(),
      route,
    });
    const answered = await service.answer(request, observe(call, needs));
    record(deps, { service, operation, caller, route, requestId, needs });
    return answered;
  } catch (cause) {
    const error = toAwsError(cause);
    record(deps, { service, operation, caller, route, requestId, needs, error, cause });
    return service?.writeError(error, requestId) ?? plainError(error, requestId);
  }
}

/** The call, noting each permission that was asked for. */
function observe(call: Call, needs: Need[]): Call {
  return {
    ...call,
    require(need) {
      needs.push(need);
      call.require(need);
    },
  };
}

interface Outcome {
  service: WireService | undefined;
  operation: string;
  caller: Caller | undefined;
  route: Route;
  requestId: string;
  needs: readonly Need[];
  error?: AwsError;
  cause?: unknown;
}

function record(deps: AwsDeps, outcome: Outcome): void {
  const last = outcome.needs.at(-1);
  deps.trail.add({
    kind: 'aws',
    fields: {
      service: outcome.service?.name ?? 'unknown',
      operation: outcome.operation,
      principal: outcome.caller?.session ?? 'nobody',
      requestId: outcome.requestId,
      ...(outcome.route.vpce === undefined ? {} : { vpce: outcome.route.vpce }),
      ...(last === undefined ? {} : { action: last.action, resource: last.resource }),
      ...(outcome.error === undefined ? {} : { error: outcome.error.code, message: outcome.error.message }),
      // Only a fault of the local AWS itself has a stack that is worth seeing.
      ...(outcome.cause instanceof AwsError || outcome.cause === undefined
        ? {}
        : { fault: outcome.cause instanceof Error ? outcome.cause.stack : String(outcome.cause) }),
    },
  });
}

async function readRequest(incoming: IncomingMessage): Promise<WireRequest> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: incoming.method ?? 'GET',
    target: incoming.url ?? '/',
    headers,
    body: await readBody(incoming, MAX_BODY),
  };
}

function unknownOperation(): AwsError {
  return new AwsError('UnknownOperationException', 'This endpoint does not serve that operation', 404);
}

function toAwsError(cause: unknown): AwsError {
  if (cause instanceof AwsError) return cause;
  if (cause instanceof RangeError) return new AwsError('RequestEntityTooLargeException', cause.message, 413);
  return new AwsError('InternalFailure', 'The local AWS failed; logs/trail.log says how', 500);
}

function plainError(error: AwsError, requestId: string): WireResponse {
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': error.code,
    },
    body: JSON.stringify({ __type: error.code, message: error.message }),
  };
}

function write(response: ServerResponse, { status, headers, body }: WireResponse): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
