import { ZonesError } from './errors.ts';
import { type Intent, MAX_INTENTS, signRequest } from './intents.ts';
import { checkParameters } from './parameters.ts';
import { isFieldName, readBy, refuseNewer } from './schema.ts';

/** A sign request may be this many bytes of JSON. */
export const MAX_REQUEST_BYTES = 16 * 1024;

const MAX_DEPTH = 8;
const MAX_STRING = 4096;

/** Control and invisible formatting characters, and halves of surrogate pairs: nothing signed holds one. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * Reads what a signer was invoked with. Does not check URLs, details or the grant.
 *
 * @throws {ZonesError} version_unknown: a newer release's; nothing else of it is looked at
 * @throws {ZonesError} request_too_large: over {@link MAX_REQUEST_BYTES}
 * @throws {ZonesError} request_malformed, intent_malformed: with the field's path, never its value, for unknown kinds and fields,
 * keys like `__proto__`, control characters, wrong types
 */
export function parseSignRequest(event: unknown): Intent[] {
  refuseNewer(event, 'The sign request', 'deploy the signing stack');
  if (measure(event) > MAX_REQUEST_BYTES)
    throw new ZonesError(
      'request_too_large',
      `A sign request holds at most ${MAX_REQUEST_BYTES} bytes; ask in several.`,
    );
  refuseHostileValues(event, '', 0);
  const many = `takes 1 to ${MAX_INTENTS} intents: ask in several requests`;
  const { intents } = readBy(signRequest, event, (field) =>
    field === 'intents' ? malformed(field, many) : unfit(field),
  );
  intents.forEach(checkIntent);
  return intents;
}

/** Bytes of `event` as JSON. Nesting that JSON.parse reads and JSON.stringify runs out of stack on counts as endless. */
function measure(event: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(event) ?? '');
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function checkIntent(intent: Intent, index: number): void {
  const field = `intents.${index}`;
  if (intent.kind === 'request_object') checkParameters(intent.parameters, `${field}.parameters`);
  if (intent.kind === 'client_assertion' && intent.kid !== undefined && intent.key !== undefined)
    throw malformed(`${field}.key`, 'goes without a pinned kid');
  // I9: the token is bound to one key, and only its holder knows which.
  if (intent.kind === 'dpop_proof' && intent.ath !== undefined && intent.kid === undefined)
    throw malformed(`${field}.kid`, 'is required with ath: pin the key the token is bound to');
}

/** Refuses, before any schema looks, what could confuse one: inherited key names, depth, characters that don't print. */
function refuseHostileValues(value: unknown, field: string, depth: number): void {
  if (depth > MAX_DEPTH) throw malformed(field, 'is nested too deep');
  if (typeof value === 'string' && (value.length > MAX_STRING || FORBIDDEN.test(value)))
    throw malformed(field, 'holds control characters or is too long');
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    if (!Array.isArray(value) && !isFieldName(key))
      throw malformed(field, 'holds a field whose name is not allowed');
    refuseHostileValues(
      (value as Record<string, unknown>)[key],
      field === '' ? key : `${field}.${key}`,
      depth + 1,
    );
  }
}

/** The error of a field that its schema does not take. */
export const unfit = (field: string) => malformed(field, 'is missing, unknown or not of the right form');

/** The error of a field, by its path; of the whole request where that is empty. */
export function malformed(field: string, why: string): ZonesError {
  const subject = field === '' ? 'The request' : `The field ${field}`;
  const code = field.startsWith('intents.') ? 'intent_malformed' : 'request_malformed';
  return new ZonesError(code, `${subject} ${why}.`, { facts: { field } });
}
