import { Refusal } from './refusal.ts';

/** Status and headers of an answer for the client: names may repeat. */
export interface ProxyHead {
  status: number;
  headers: [string, string][];
}

/** An answer for the client, whole. */
export interface ProxyAnswer extends ProxyHead {
  body: Buffer;
}

const HEAD_MEMBERS = ['statusCode', 'headers', 'multiValueHeaders'];

/** Headers of a function that API Gateway does not let through under their own name. */
const REMAPPED = new Set([
  'authorization',
  'connection',
  'content-md5',
  'date',
  'expect',
  'host',
  'server',
  'te',
  'user-agent',
  'warning',
  'www-authenticate',
]);

/** Headers that the gateway writes itself. */
const DROPPED = new Set(['content-length', 'transfer-encoding', 'upgrade', 'keep-alive', 'trailer']);

type Json = Readonly<Record<string, unknown>>;

/** Reads what a function returned for a proxy integration. Throws a {@link Refusal} (502) for anything API Gateway would not take. */
export function readProxyResult(payload: Buffer): ProxyAnswer {
  const { body, isBase64Encoded, ...head } = parse(payload);
  const text = body ?? '';
  if (typeof text !== 'string') throw malformed();
  return { ...readHead(head), body: Buffer.from(text, isBase64Encoded === true ? 'base64' : 'utf8') };
}

/** Reads the JSON before the body of a streamed answer. Throws a {@link Refusal} as {@link readProxyResult}. Does not know `cookies`. */
export function readProxyHead(payload: Buffer): ProxyHead {
  return readHead(parse(payload));
}

function readHead(result: Json): ProxyHead {
  const status = Number(result['statusCode'] ?? 200);
  const others = Object.keys(result).filter((name) => !HEAD_MEMBERS.includes(name));
  if (!Number.isInteger(status) || status < 100 || status > 599 || others.length > 0) throw malformed();
  return {
    status,
    headers: [...readHeaders(result['headers']), ...readMultiHeaders(result['multiValueHeaders'])],
  };
}

function parse(payload: Buffer): Json {
  const value: unknown = JSON.parse(payload.toString());
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed();
  return value as Json;
}

function malformed(): Refusal {
  return new Refusal('INTEGRATION_FAILURE');
}

function readHeaders(value: unknown): [string, string][] {
  return Object.entries(objectOf(value)).flatMap(([name, text]) => header(name, text));
}

function readMultiHeaders(value: unknown): [string, string][] {
  return Object.entries(objectOf(value)).flatMap(([name, texts]) => {
    if (!Array.isArray(texts)) throw malformed();
    return texts.flatMap((text: unknown) => header(name, text));
  });
}

function objectOf(value: unknown): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw malformed();
  return value as Json;
}

function header(name: string, value: unknown): [string, string][] {
  if (!['string', 'number', 'boolean'].includes(typeof value)) throw malformed();
  const lower = name.toLowerCase();
  if (DROPPED.has(lower)) return [];
  return [[REMAPPED.has(lower) ? `x-amzn-remapped-${lower}` : name, String(value)]];
}
