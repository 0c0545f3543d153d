import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import * as v from 'valibot';
import { isObject, type JsonObject, parseJson } from '../../../infra/proof/assembly/json.ts';
import { Refusal } from './refusal.ts';

/** Status and headers of an answer for the client: names may repeat. */
export type ProxyHead = { status: number; headers: [string, string][] };

/** Headers of a function that API Gateway does not let through under their own name. */
const REMAPPED =
  /^(authorization|connection|content-md5|date|expect|host|server|te|user-agent|warning|www-authenticate)$/;

/** Headers that the gateway writes itself. */
const DROPPED = /^(content-length|transfer-encoding|upgrade|keep-alive|trailer)$/;

const value = v.union([v.string(), v.number(), v.boolean()]);
const record = <const Value extends v.GenericSchema>(of: Value) =>
  v.nullish(v.pipe(v.custom<JsonObject>(isObject), v.record(v.string(), of)), {});
const numeric = v.pipe(v.union([v.string(), v.number()]), v.transform(Number));
const headEntries = {
  statusCode: v.nullish(v.pipe(numeric, v.integer(), v.minValue(100), v.maxValue(599)), 200),
  headers: record(value),
  multiValueHeaders: record(v.array(value)),
};
const headSchema = v.strictObject(headEntries);
const resultSchema = v.strictObject({
  ...headEntries,
  body: v.nullish(v.string(), ''),
  isBase64Encoded: v.optional(v.unknown()),
});

/**
 * Reads what a function returned for a proxy integration. Base64 is decoded only where the API takes binary types: elsewhere it goes out as it is.
 * @throws {Refusal} INTEGRATION_FAILURE (502): anything that API Gateway would not take
 */
export function readProxyResult(payload: Buffer, binary: boolean): ProxyHead & { body: Buffer } {
  const { body, isBase64Encoded, ...head } = parse(resultSchema, payload);
  const encoded = binary && isBase64Encoded === true;
  return { ...readHead(head), body: Buffer.from(body, encoded ? 'base64' : 'utf8') };
}

function parse<Schema extends v.GenericSchema>(schema: Schema, payload: Buffer): v.InferOutput<Schema> {
  const result = parseJson(payload.toString());
  const parsed = v.safeParse(schema, result);
  if (!isObject(result) || !parsed.success) throw new Refusal('INTEGRATION_FAILURE');
  return parsed.output;
}

function readHead({ statusCode, headers, multiValueHeaders }: v.InferOutput<typeof headSchema>): ProxyHead {
  const pairs = [...Object.entries(headers), ...Object.entries(multiValueHeaders)].flatMap(
    ([name, values]) => {
      const lower = name.toLowerCase();
      const sent = REMAPPED.test(lower) ? `x-amzn-remapped-${lower}` : name;
      return DROPPED.test(lower) ? [] : [values].flat().map((text): [string, string] => [sent, String(text)]);
    },
  );
  return { status: statusCode, headers: pairs };
}

const SEPARATOR = Buffer.alloc(8);
/** Bytes within which API Gateway must find the separator. */
const MAX_HEAD = 16 * 1024;

/**
 * The answer of a Lambda proxy integration with response streaming: JSON with status and headers, eight NUL bytes, and the body.
 * A client that goes away does not end the function: what it still writes is read and dropped, as on AWS.
 */
export function openStreamedAnswer(response: ServerResponse, writeHead: (head: ProxyHead) => void) {
  let begun = Buffer.alloc(0);
  let status: number | undefined;
  let unusable = false;

  /** What follows the head in a piece; nothing before the head is whole. */
  function afterHead(piece: Buffer): Buffer | undefined {
    if (status !== undefined) return piece;
    begun = Buffer.concat([begun, piece]);
    const end = begun.subarray(0, MAX_HEAD).indexOf(SEPARATOR);
    unusable = end < 0 && begun.length >= MAX_HEAD;
    if (end < 0) return undefined;
    try {
      const head = readHead(parse(headSchema, begun.subarray(0, end)));
      writeHead(head);
      status = head.status;
    } catch {
      // No such head, or a refusal (the integration timed out) is out already.
      unusable = true;
    }
    return begun.subarray(end + SEPARATOR.length);
  }

  return {
    /** Status of the answer, once its head is sent; stays undefined for a head that API Gateway would not take. */
    status: () => status,
    /** Takes the next piece; resolves when the client has room for more. Does not throw. */
    async take(piece: Buffer): Promise<void> {
      const body = unusable ? undefined : afterHead(piece);
      if (body === undefined || body.length === 0 || unusable) return;
      if (response.destroyed || response.write(body)) return;
      const room = new AbortController();
      const heard = ['drain', 'close'].map((event) => once(response, event, { signal: room.signal }));
      await Promise.race(heard).catch(() => {});
      room.abort();
    },
  };
}
