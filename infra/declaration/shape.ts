import { allowedDetail } from '@helseid-zones/protocol/grant';
import * as v from 'valibot';
import type { Problem } from './problem.ts';

const text = v.pipe(v.string(), v.minLength(1, 'must not be empty'), v.maxLength(2000, 'is too long'));
const atLeastOne = 'must name at least one';
const texts = v.pipe(v.array(text), v.minLength(1, atLeastOne));

/** One scope-token (RFC 6749 3.3): a space would make two of it. */
const scope = v.pipe(text, v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope, without spaces'));
const scopes = v.pipe(v.array(scope), v.minLength(1, atLeastOne));

/** Compared as it is, so nothing that is not seen may make two of one. */
const audience = v.pipe(text, v.regex(/^[^\s\p{C}]+$/u, 'must have no spaces and no invisible characters'));

const count = v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1'));
const httpMethod = v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

const profile = v.strictObject({
  assertionTyp: text,
  assertionLifetime: count,
  assertionBackdate: v.pipe(v.number(), v.integer(), v.minValue(0)),
  requestObjectTyp: text,
  idTokenAlgorithm: text,
  accessTokenAlgorithm: text,
  logoutTokenTyp: v.exactOptional(v.literal('logout+jwt', 'may only be logout+jwt')),
  detailTypes: v.array(text),
  proofAtPar: v.boolean(),
});

const client = v.strictObject({
  clientId: text,
  issuer: text,
  algorithm: text,
  tenancy: v.picklist(['single-tenant', 'multi-tenant']),
  profile,
  custody: v.exactOptional(v.picklist(['kms', 'secret', 'file', 'database', 'pkcs11'])),
  selfService: v.exactOptional(
    v.strictObject({ baseUrl: text, audience, scope, body: v.picklist(['object', 'string']) }),
  ),
  rotation: v.exactOptional(
    v.strictObject({ everyDays: count, longestTokenLifetime: count, propagation: v.exactOptional(count) }),
  ),
});

const api = v.strictObject({ baseUrl: text, audience, scopes, resource: v.exactOptional(text) });

const grant = v.strictObject({
  client: text,
  // Not a union, whose issue would not say which detail is wrong.
  details: v.exactOptional(
    v.lazy((given) => (Array.isArray(given) ? v.array(allowedDetail) : v.picklist(['none', 'any']))),
  ),
  apis: v.array(
    v.strictObject({
      api: text,
      methods: v.pipe(
        v.array(v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])),
        v.minLength(1, atLeastOne),
      ),
      paths: texts,
    }),
  ),
  requestObjects: v.exactOptional(v.boolean()),
  signerConcurrency: v.exactOptional(v.pipe(count, v.maxValue(1000, 'must be at most 1000'))),
});

const login = v.strictObject({
  client: text,
  scopes,
  securityLevel: v.exactOptional(v.picklist(['2', '3', '4'])),
  acrValues: v.exactOptional(texts),
  prompt: v.exactOptional(v.picklist(['login', 'select_account'])),
  maxAge: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  onBehalfOf: v.exactOptional(text),
  requestObject: v.exactOptional(v.boolean()),
  idleMinutes: v.exactOptional(count),
  absoluteMinutes: v.exactOptional(count),
  forward: v.array(
    v.strictObject({
      method: httpMethod,
      path: text,
      api: text,
      to: v.exactOptional(text),
      headers: v.exactOptional(v.array(text)),
    }),
  ),
});

const authorizer = v.strictObject({
  client: text,
  audience,
  scopes,
  securityLevel: v.exactOptional(v.picklist(['2', '3', '4'])),
  otherAudiences: v.exactOptional(v.boolean()),
  proofAge: v.exactOptional(count),
  clockSkew: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
});

const zone = v.strictObject({
  cidr: text,
  account: v.exactOptional(text),
  grants: v.array(grant),
  gateway: v.exactOptional(
    v.strictObject({
      routes: v.array(
        v.strictObject({
          method: httpMethod,
          path: text,
          function: text,
          authorize: v.picklist(['iam', 'helseid']),
        }),
      ),
      baseUrl: v.exactOptional(text),
      login: v.exactOptional(login),
      authorizer: v.exactOptional(authorizer),
    }),
  ),
  events: v.exactOptional(v.strictObject({ function: text, sources: texts, detailTypes: texts })),
  admin: v.exactOptional(v.boolean()),
});

const system = v.strictObject({
  name: text,
  clients: v.record(text, client),
  apis: v.record(text, api),
  signing: v.strictObject({ cidr: text }),
  zones: v.record(text, zone),
  availabilityZones: v.exactOptional(v.picklist([1, 2, 3])),
  apiGatewayAccount: v.exactOptional(v.boolean()),
  exceptions: v.exactOptional(v.array(v.strictObject({ rule: text, resource: text, reason: text }))),
});

/** Fields that are missing, unknown or of the wrong type. Says nothing about what values mean together. */
export function checkShape(declaration: unknown): Problem[] {
  const parsed = v.safeParse(system, declaration);
  if (parsed.success) return findLost(declaration, parsed.output, '');
  return parsed.issues.map((issue) => ({
    field: fieldOf(issue.path),
    message:
      issue.kind === 'schema' && issue.expected === 'never'
        ? 'is not a field of the declaration; check its spelling against infra/declaration/types.ts'
        : isMissing(issue)
          ? 'is missing'
          : issue.message.replace(/^Invalid \w+: Expected/, 'is not right: expected'),
  }));
}

/** Whether a key is not there: valibot then expects its name. */
function isMissing({ expected, received, path }: v.BaseIssue<unknown>): boolean {
  return received === 'undefined' && expected === JSON.stringify(path?.at(-1)?.key);
}

/**
 * What the schema never looked at: `v.record` leaves `__proto__`, `prototype` and `constructor` out, so whatever stands below
 * such a name would be in the declaration unread.
 */
function findLost(given: unknown, read: unknown, field: string): Problem[] {
  if (typeof given !== 'object' || given === null) return [];
  const output = (read ?? {}) as Record<string, unknown>;
  return Object.entries(given).flatMap(([key, value]) => {
    const at = Array.isArray(given) ? `${field}[${key}]` : `${field}${field && '.'}${key}`;
    return Object.hasOwn(output, key)
      ? findLost(value, output[key], at)
      : [{ field: at, message: 'has a name that JavaScript keeps for itself: choose another' }];
  });
}

function fieldOf(path: readonly { key: unknown }[] | undefined): string {
  return (path ?? []).reduce(
    (field, { key }) =>
      typeof key === 'number' ? `${field}[${key}]` : field === '' ? `${key}` : `${field}.${key}`,
    '',
  );
}
