import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { serviceCall } from '../call.ts';
import type { AwsContext } from '../context.ts';
import type { WireResponse } from '../errors.ts';
import { headersOf, type KeyAndCert, type Listening, listen, readRequest } from '../http.ts';
import type { GatewayApi } from '../template/gateways.ts';
import { type AuthorizeDeps, authorizeRequest, methodArn } from './authorize.ts';
import { matchRoute } from './match-route.ts';
import { type GatewayRequest, toProxyEvent } from './proxy-event.ts';
import { openStreamedAnswer, type ProxyHead, readProxyResult } from './proxy-result.ts';
import { Refusal, writeRefusal } from './refusal.ts';

const MAX_BODY = 10 * 1024 * 1024;
const INTEGRATION_TIMEOUT = 29_000;

/** What a gateway needs. */
interface GatewayDeps extends AuthorizeDeps, Pick<AwsContext, 'trail'> {
  /** Without it, it is plain HTTP. */
  tls?: KeyAndCert | undefined;
}

/**
 * Serves a REST API of the template on the loopback, at the root of `port` as behind a domain name of its own: routes, authorization, Lambda proxy integration. Does not throttle, and does not
 * demand parameters: the template demands those of paths alone.
 * @throws {ZonesError} local_failed: the port is taken
 */
export function startGateway(deps: GatewayDeps, api: GatewayApi, port = 0): Promise<Listening> {
  return listen((asked, response) => void serve(deps, api, asked, response), port, deps.tls);
}

async function serve(deps: GatewayDeps, api: GatewayApi, asked: IncomingMessage, response: ServerResponse) {
  const [id, at] = [randomUUID(), deps.now()];
  const { url: target = '/', method: verb = 'GET' } = asked;
  const [path = '/', search = ''] = target.split(/\?(.*)/s);
  const match = matchRoute(api.methods, verb, path);
  let status: number;
  let refused: string | undefined;
  try {
    if (match === undefined) throw new Refusal('MISSING_AUTHENTICATION_TOKEN');
    const wire = await readRequest(asked, MAX_BODY).catch((failure: unknown) => {
      // Or else the client went away in the middle of it.
      throw new Refusal(failure instanceof RangeError ? 'REQUEST_TOO_LARGE' : 'BAD_REQUEST_BODY');
    });
    const [query, headers] = [new URLSearchParams(search), headersOf(asked)];
    const request = { api, match, id, path, query, headers, wire, at };
    status = await answerRequest(deps, request, response);
  } catch (cause) {
    const refusal = cause instanceof Refusal ? cause : new Refusal('INTEGRATION_FAILURE');
    refused = `${refusal.type}: ${refusal.message}`;
    status = refuse(response, writeRefusal(api, refusal, id));
  }
  // Never the path itself: it may name a person.
  const route = match?.method.resourcePath ?? 'none';
  const ms = deps.now() - at;
  const fields = { entry: 'gateway', requestId: id, method: verb, route, status, ms, refused };
  deps.trail.add({ kind: 'entry', zone: api.zone, fields });
}

/** Resolves to the status of the answer. */
async function answerRequest(deps: GatewayDeps, request: GatewayRequest, response: ServerResponse) {
  const authorized = await authorizeRequest(deps, request);
  const { api, match, wire } = request;
  const { functionArn, resourcePath, streamed, timeout = INTEGRATION_TIMEOUT } = match.method;
  const call = serviceCall(deps, 'apigateway.amazonaws.com', methodArn(api, wire.method, resourcePath));
  const event = Buffer.from(JSON.stringify(toProxyEvent(request, authorized)));
  const streaming = streamed
    ? openStreamedAnswer(response, (head) => setHead(response, request.id, head).flushHeaders())
    : undefined;
  const invoked = deps.invoke(call, functionArn, event, streaming?.take);
  const answered = new AbortController();
  const { payload, functionError } = await Promise.race([invoked, timeOut(timeout, answered.signal)]).finally(
    () => answered.abort(),
  );
  if (functionError !== undefined) throw new Refusal('INTEGRATION_FAILURE');
  if (streaming === undefined) {
    const { body, ...head } = readProxyResult(payload, api.binary);
    setHead(response, request.id, head).setHeader('content-length', body.length).end(body);
    return head.status;
  }
  const status = streaming.status();
  if (status === undefined) throw new Refusal('INTEGRATION_FAILURE');
  response.end();
  return status;
}

/** Answers with a refusal; an answer that has begun is broken off instead, since its status is out. */
function refuse(response: ServerResponse, { status, headers, body }: WireResponse): number {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
  return status;
}

async function timeOut(ms: number, signal: AbortSignal): Promise<never> {
  await setTimeout(ms, undefined, { ref: false, signal });
  throw new Refusal('INTEGRATION_TIMEOUT');
}

function setHead(response: ServerResponse, requestId: string, { status, headers }: ProxyHead) {
  response.statusCode = status;
  response.setHeader('x-amzn-requestid', requestId);
  for (const [name, value] of headers) response.appendHeader(name, value);
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/json');
  return response;
}
