import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Log, problem, type RouteAnswer, type RouteEvent } from '@helseid-zones/client';
import { createCached } from '@helseid-zones/client/cached';
import { describeError } from '@helseid-zones/client/log';
import type { RouteConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** What API Gateway sends beside {@link RouteEvent}. */
type WebhookEvent = RouteEvent & { multiValueHeaders?: Record<string, string[] | undefined> | null };

/** A function's own handler. */
type Handler = (event: WebhookEvent, context?: unknown) => unknown;

/** What the guard is made from. */
export interface GuardOptions {
  routes: readonly RouteConfig[];
  /** Text of a secret, by its name in the declaration. */
  readSecret(name: string): Promise<string>;
  audit: Log['audit'];
  /** Epoch milliseconds. */
  now?: () => number;
}

/** Milliseconds that a secret is kept. */
const KEPT = 60_000;

/** Signatures in one header: the sender's old key and its new one, and some more. */
const MOST_SIGNATURES = 8;

/**
 * Hands a request by a route with `authorize: 'webhook'` on only where it is signed as Standard Webhooks says
 * (https://github.com/standard-webhooks/standard-webhooks): HMAC-SHA256 by the secret over `webhook-id`, `webhook-timestamp` and the
 * body's bytes, compared in constant time, no older or newer than the declared tolerance. Everything else goes on as it is: other
 * routes are authorized by the gateway, and batches and schedules come from AWS. Remembers no id: a request that is sent again within the
 * tolerance is handed on again, with the same `webhook-id`, which is the handler's idempotency key.
 */
export function guardWebhooks(options: GuardOptions, handler: Handler): Handler {
  const { routes, readSecret, audit, now = Date.now } = options;
  const guarded = routes.flatMap(({ method, path, webhook }) => {
    if (!webhook) return [];
    const read = async () => webhookKey(webhook.secret, await readSecret(webhook.secret));
    const key = createCached({ read, lifetime: KEPT, now });
    return [{ method, path, tolerance: webhook.tolerance, key }];
  });

  return async (event, context) => {
    const route = guarded.find(({ method, path }) => method === event.httpMethod && path === event.resource);
    if (route === undefined) return handler(event, context);
    const { requestId } = event.requestContext ?? {};
    const refuse = (reason: string) => {
      audit('webhook.refused', { reason, requestId });
      return problem(401, 'The request is not signed as it must be.', 'webhook_refused');
    };
    const [id = '', timestamp = '', signatures = ''] = ['id', 'timestamp', 'signature'].map((name) =>
      onlyHeader(event, `webhook-${name}`),
    );
    // A dot would let an id and a timestamp be read apart in two ways.
    if (!/^[\x21-\x2d\x2f-\x7e]{1,256}$/.test(id)) return refuse('webhook-id');
    if (!/^\d{1,12}$/.test(timestamp)) return refuse('webhook-timestamp');
    if (Math.abs(now() / 1000 - Number(timestamp)) > route.tolerance) return refuse('tolerance');
    let key: Buffer;
    try {
      key = await route.key.get();
    } catch (error) {
      audit('webhook.unchecked', { ...describeError(error), requestId });
      return problem(503, 'The request could not be checked; try again.', 'webhook_unchecked');
    }
    const body = Buffer.from(
      typeof event.body === 'string' ? event.body : '',
      event.isBase64Encoded ? 'base64' : 'utf8',
    );
    const mac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
    if (!isAmong(signatures, mac)) return refuse('webhook-signature');
    const requestContext = { ...event.requestContext, authorizer: { webhookId: id } };
    return (await handler({ ...event, requestContext }, context)) as RouteAnswer;
  };
}

/**
 * The key that the text of a webhook's secret holds.
 * @throws {ZonesError} config_invalid: the text is not of Standard Webhooks' form
 */
export function webhookKey(name: string, text: string): Buffer {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const key = Buffer.from(encoded ?? '', 'base64');
  if (key.length >= 24) return key;
  throw new ZonesError('config_invalid', `The secret ${name} is not whsec_ and 24 bytes or more in base64.`);
}

/** The value of a header that is there once. */
function onlyHeader({ headers, multiValueHeaders }: WebhookEvent, name: string): string {
  const all = Object.entries(multiValueHeaders ?? headers ?? {}).flatMap(([each, values]) =>
    each.toLowerCase() === name ? [values].flat().filter((value) => typeof value === 'string') : [],
  );
  return all.length === 1 ? (all[0] ?? '') : '';
}

/** Whether one of the signatures of version 1, apart by blanks, is `mac`. */
function isAmong(signatures: string, mac: Buffer): boolean {
  return signatures
    .split(' ', MOST_SIGNATURES)
    .map((each) => Buffer.from(/^v1,([A-Za-z0-9+/]{43}=)$/.exec(each)?.[1] ?? '', 'base64'))
    .some((each) => each.length === mac.length && timingSafeEqual(each, mac));
}
