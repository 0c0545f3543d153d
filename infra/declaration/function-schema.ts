import { count, some, text } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { registrationSchema, selfService } from './client-schema.ts';
import { hostName, plainName, thing } from './fields.ts';
import { RUNTIMES } from './runtimes.ts';

/**
 * What one function of a zone may have of its own. Names become variables of the function: `ownVariable` says which.
 * @module
 */

/** Seconds: API Gateway waits 29, and a function that is stopped a little before can still be seen to be. */
export const REQUEST_TIMEOUT_SECONDS = 28;

/** Seconds that a function has for a batch, unless it says otherwise. */
export const EVENT_TIMEOUT_SECONDS = 30;

/** What events say of themselves: matched as it is, and shown on maps and in terminals. */
export const visible = v.pipe(text, v.regex(/^\P{C}+$/u, 'must have no invisible characters'));

/** Values that a field of an event's detail may have, by field, at any depth. */
export type DetailPattern = Readonly<{
  [field: string]: readonly (string | number | boolean | null)[] | DetailPattern;
}>;

const detailPattern: v.GenericSchema<DetailPattern> = v.pipe(
  v.record(
    v.pipe(text, v.regex(/^[^$]/, 'begins with $; write which values a field may have, and no operators')),
    // Not a union, whose issue would not say which value is wrong.
    v.lazy((given) =>
      Array.isArray(given)
        ? some(
            v.union(
              [v.string(), v.number(), v.boolean(), v.null()],
              'must be a text, number, true, false or null: values are matched as they are, and matchers such as prefix are not known',
            ),
          )
        : detailPattern,
    ),
    "must be a list of values, like ['signed'], or an object of fields with theirs",
  ),
  v.check(
    (fields) => Object.keys(fields).length > 0,
    "must name a field with its values, like { status: ['signed'] }",
  ),
);

/** Which events of the zone's bus a function takes. */
export const eventPattern = v.strictObject({
  sources: some(visible),
  detailTypes: some(visible),
  /** Values that fields of the events' `detail` must have, at any depth: `{ status: ['signed'] }` (default: any). */
  detail: v.exactOptional(detailPattern),
});

const attribute = v.pipe(
  text,
  v.regex(/^[A-Za-z0-9_.-]{1,255}$/, 'must be an attribute name of letters, digits and _ . -'),
);

const key = v.strictObject({
  name: attribute,
  /** String (default), number or binary. */
  type: v.optional(v.picklist(['S', 'N', 'B']), 'S'),
});

const ownTable = v.strictObject({
  partitionKey: key,
  sortKey: v.exactOptional(key),
  /** Attribute with the epoch seconds after which DynamoDB deletes an item, within days. */
  ttl: v.exactOptional(attribute),
});

const sharedTable = v.strictObject({
  /** The function of the zone that has the table. */
  of: text,
  /** `read`, or `all` (default) as the function that has it. */
  access: v.optional(v.picklist(['read', 'all']), 'all'),
});

/** A field of a cron expression: numbers or names, ranges and steps of them. */
const listOf = (value: string): string => {
  const part = String.raw`(?:\*|${value}(?:-${value})?)(?:/[1-9]\d*)?`;
  return `${part}(?:,${part})*`;
};

const MINUTES = listOf(String.raw`[0-5]?\d`);
const HOURS = listOf(String.raw`(?:[01]?\d|2[0-3])`);
const DAYS = listOf(String.raw`(?:0?[1-9]|[12]\d|3[01])`);
const MONTHS = listOf('(?:0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)');
const WEEKDAYS = listOf('(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)');
const YEARS = listOf(String.raw`(?:19[7-9]\d|2[01]\d\d)`);

const CRON = String.raw`cron\(${MINUTES} ${HOURS} (?:\? ${MONTHS} ${WEEKDAYS}|${DAYS} ${MONTHS} \?) ${YEARS}\)`;
const RATE = String.raw`rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9]\d{1,3}) (?:minutes|hours|days))\)`;

/** `rate(…)`, or `cron(…)` without the marks `L`, `W` and `#`. EventBridge refuses anything else in the middle of a deploy. */
const schedule = v.pipe(
  text,
  v.regex(
    new RegExp(`^(?:${RATE}|${CRON})$`),
    'must be an EventBridge schedule such as rate(5 minutes) or cron(0 3 * * ? *), in UTC, one of the days a question mark; L, W and # are not known',
  ),
);

/** Variables that the runtime, the SDK, the system or Powertools read. */
const TAKEN =
  /^(?:_.*|(?:AWS|AMZN|LAMBDA|NODE|LD|POWERTOOLS|OTEL|LOCAL)_.*|(?:HTTPS?|ALL|NO)_PROXY|TZ|PATH|LANG|SIGNERS|RECORDS|SIGNING_VPC|GATEWAY_URL|TOKENS_FUNCTION|(?:IDEMPOTENCY|SESSION|REPLAY|TOKEN)_TABLE)$/;

/** Names of what nobody may read who may look at a function. */
const SECRET_NAME =
  /SECRET|PASSW|PASSPHRASE|TOKEN|CREDENTIAL|PRIVATE|(?:API|ACCESS|SIGNING|ENCRYPTION|HMAC)_?KEY/;

/** A PEM block, user information in a URL, or a run that nobody writes by hand: 20 characters with both cases and three digits, or 32 of hex. */
const SECRET_VALUE =
  /-----BEGIN |:\/\/[^/\s@]+@|(?<!\w)(?=\w*[a-z])(?=\w*[A-Z])(?=(?:\w*\d){3})\w{20,}|[0-9a-f]{32,}/;

const unlikeSecret = (secret: RegExp) =>
  v.check<string, string>(
    (text) => !secret.test(text),
    'looks like a secret, and whoever may look at the function sees its settings: name it in secrets, and read it from there',
  );

const setting = v.pipe(
  text,
  v.regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'must be called by capital letters, digits and _, like PAGE_SIZE'),
  v.check((name) => !TAKEN.test(name), 'is set, or read, by the system or the runtime: choose another name'),
  unlikeSecret(SECRET_NAME),
);

/** A client whose keys one function keeps: they can be read out, so they are in one zone, and none of `clients`. */
const clientKeys = v.strictObject({
  ...registrationSchema.entries,
  /** HelseID's self-service API, by which each key but the first is registered. The zone reaches its host; so may no zone with grants of a client that has one too. */
  selfService,
  /** APIs that the function calls as this client. */
  apis: some(thing),
  /** Seconds the issuer may take until every node of it honours a new key (default 20, NHN's word on HelseID's test environment): a key is not switched to before. */
  propagation: v.optional(count, 20),
});

/** A whole number of that, at least and at most so many. */
const between = (least: number, most: number, unit: string) => {
  const message = `must be a whole number from ${least} to ${most} ${unit}`;
  return v.pipe(v.number(), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};

/** What a function has, beside what its zone has for it. */
export const functionSchema = v.strictObject({
  /** Lambda's runtime, of a function in another language (default: `handler.ts` in its folder is compiled for Node.js). */
  runtime: v.exactOptional(v.picklist(Object.keys(RUNTIMES) as (keyof typeof RUNTIMES)[])),
  /** Its code, with `runtime`: a folder or zip that is deployed as it lies, from where the system is synthesized (default: its folder under functions/). */
  code: v.exactOptional(text),
  /** Where it begins, with `runtime`, as Lambda writes it (default `handler.handler` in Python, `bootstrap` of `provided`). */
  handler: v.exactOptional(text),
  /** Settings, by variable. Whoever may look at the function sees them: what is secret is in `secrets`. */
  environment: v.optional(
    v.record(
      setting,
      v.pipe(v.string(), v.maxLength(1024, 'must be at most 1,024 characters'), unlikeSecret(SECRET_VALUE)),
    ),
    {},
  ),
  /** Seconds that it may run (default 28, behind events and queues 30). */
  timeout: v.exactOptional(between(1, 900, 'seconds: Lambda runs nothing longer')),
  /** MB (default 512). */
  memory: v.exactOptional(between(128, 10_240, 'MB')),
  /** DynamoDB tables that it has, or that another function of the zone has. Kept when the stack or the declaration goes. */
  tables: v.optional(
    v.record(
      thing,
      // Not a union, whose issue would not say which field is wrong.
      v.lazy((given) =>
        typeof given === 'object' && given !== null && 'of' in given
          ? sharedTable
          : typeof given === 'string'
            ? v.literal('cdk', "must be keys, { of: 'FUNCTION' }, or 'cdk' where zones.cdk.ts makes it")
            : ownTable,
      ),
    ),
    {},
  ),
  /** SQS queues of the zone that it sends to; a function with `reads` gets what is sent. */
  queues: v.optional(v.array(thing), []),
  /** Queues of the zone whose messages it gets, in batches. */
  reads: v.optional(v.array(thing), []),
  /** Events of the zone's bus that it gets, in batches, through a queue of its own. */
  events: v.exactOptional(eventPattern),
  /** Secrets that it alone may read. Made with a random value; the operator puts the true one. */
  secrets: v.optional(v.array(thing), []),
  /** Clients of HelseID whose keys it alone keeps, in Secrets Manager, by a name that is none of `clients`: docs/patterns.md. */
  clientKeys: v.optional(v.record(plainName, clientKeys), {}),
  /** When it is started, by name. */
  schedules: v.optional(v.record(thing, schedule), {}),
  /** Hosts that it reaches beside the APIs of its zone's grants: by https, or on the ports of the exit that leads there. The network, and so the way out, is the zone's. */
  hosts: v.optional(v.array(hostName), []),
});
