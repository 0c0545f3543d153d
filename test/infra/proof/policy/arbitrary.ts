import fc from 'fast-check';
import type { Context } from '../../../../infra/proof/policy/request.ts';

/**
 * Random policies and requests over a small vocabulary, so that statements often apply and often nearly do.
 * Used by the soundness test here and by the differential test.
 */

export const ACCOUNT = '111122223333';
export const OTHER_ACCOUNT = '444455556666';
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/journal-signer`;
const OTHER_ROLE = `arn:aws:iam::${ACCOUNT}:role/journal-worker`;
export const SESSION = 'invocation';
export const KEY = `arn:aws:kms:eu-north-1:${ACCOUNT}:key/0f0e0d0c-1111-2222-3333-444455556666`;
export const ENDPOINT = 'vpce-0aaaaaaaaaaaaaaaa';
export const OTHER_ENDPOINT = 'vpce-0bbbbbbbbbbbbbbbb';
export const VPC = 'vpc-0aaaaaaaaaaaaaaaa';
export const OTHER_VPC = 'vpc-0bbbbbbbbbbbbbbbb';

export type Document = { Version: string; Statement: readonly Record<string, unknown>[] };

/** What a request is about: actions, resources and the keys that their service knows. */
interface Service {
  actions: readonly string[];
  actionPatterns: readonly string[];
  resources: readonly string[];
  resourcePatterns: readonly string[];
  keys: Readonly<Record<string, KeyKind>>;
}

/** How values of a key look, and which operators suit it. */
type KeyKind = 'text' | 'arn' | 'texts' | 'bool';

const GLOBAL: Readonly<Record<string, KeyKind>> = {
  'aws:SourceVpce': 'text',
  'aws:SourceVpc': 'text',
  'aws:PrincipalArn': 'arn',
  'aws:SecureTransport': 'bool',
  'aws:TagKeys': 'texts',
};

const SERVICES: Readonly<Record<'kms' | 'sqs' | 'secretsmanager' | 's3' | 'lambda', Service>> = {
  kms: {
    actions: ['kms:Sign', 'kms:DisableKey'],
    actionPatterns: ['*', 'kms:*', 'kms:Sign', 'kms:S*', 'kms:Disable?ey', 'kms:GetPublicKey'],
    resources: [KEY],
    resourcePatterns: ['*', KEY, 'arn:aws:kms:*:*:key/*', `arn:aws:kms:eu-north-1:${ACCOUNT}:key/ffff*`],
    keys: { ...GLOBAL, 'kms:MessageType': 'text', 'kms:SigningAlgorithm': 'text' },
  },
  sqs: {
    actions: ['sqs:SendMessage'],
    actionPatterns: ['*', 'sqs:*', 'sqs:Send*', 'sqs:ReceiveMessage'],
    resources: [`arn:aws:sqs:eu-north-1:${ACCOUNT}:events`, `arn:aws:sqs:eu-north-1:${OTHER_ACCOUNT}:events`],
    resourcePatterns: [
      '*',
      'arn:aws:sqs:*:*:events',
      `arn:aws:sqs:eu-north-1:${ACCOUNT}:*`,
      `arn:aws:sqs:eu-north-1:${ACCOUNT}:other`,
    ],
    keys: GLOBAL,
  },
  secretsmanager: {
    actions: ['secretsmanager:GetSecretValue'],
    actionPatterns: ['*', 'secretsmanager:*', 'secretsmanager:Get*Value', 'secretsmanager:PutSecretValue'],
    resources: [`arn:aws:secretsmanager:eu-north-1:${ACCOUNT}:secret:journal/client/journal-AbCdEf`],
    resourcePatterns: [
      '*',
      `arn:aws:secretsmanager:eu-north-1:${ACCOUNT}:secret:journal/client/*-??????`,
      `arn:aws:secretsmanager:eu-north-1:${ACCOUNT}:secret:other-*`,
    ],
    keys: { ...GLOBAL, 'secretsmanager:VersionStage': 'text' },
  },
  s3: {
    actions: ['s3:GetObject'],
    actionPatterns: ['*', 's3:*', 's3:Get*', 's3:PutObject'],
    resources: ['arn:aws:s3:::journal/letters/one.txt'],
    resourcePatterns: [
      '*',
      'arn:aws:s3:::journal/*',
      'arn:aws:s3:::journal/letters/one.txt',
      'arn:aws:s3:::other/*',
    ],
    keys: { ...GLOBAL, 's3:authType': 'text', 'aws:PrincipalTag/folder': 'text' },
  },
  lambda: {
    actions: ['lambda:InvokeFunction'],
    actionPatterns: ['*', 'lambda:*', 'lambda:Invoke*', 'lambda:GetFunction'],
    resources: [`arn:aws:lambda:eu-north-1:${ACCOUNT}:function:journal-signer-journal-public`],
    resourcePatterns: [
      '*',
      `arn:aws:lambda:eu-north-1:${ACCOUNT}:function:journal-signer-*`,
      `arn:aws:lambda:*:${OTHER_ACCOUNT}:function:*`,
    ],
    keys: GLOBAL,
  },
};

type ServiceName = keyof typeof SERVICES;

const VALUES: Readonly<Record<string, readonly string[]>> = {
  'aws:SourceVpce': [ENDPOINT, OTHER_ENDPOINT],
  'aws:SourceVpc': [VPC, OTHER_VPC],
  'aws:PrincipalArn': [ROLE, OTHER_ROLE],
  'aws:SecureTransport': ['true', 'false'],
  'aws:TagKeys': ['system', 'client', 'request'],
  'kms:MessageType': ['DIGEST', 'RAW'],
  'kms:SigningAlgorithm': ['ECDSA_SHA_256', 'ECDSA_SHA_384'],
  'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPENDING'],
  's3:authType': ['REST-HEADER', 'POST'],
  'aws:PrincipalTag/folder': ['letters', 'images'],
};

const PATTERNS: Readonly<Record<string, readonly string[]>> = {
  'aws:SourceVpce': ['vpce-*', 'vpce-0a*'],
  'aws:SourceVpc': ['vpc-0a*', 'vpc-0?bb*'],
  'kms:SigningAlgorithm': ['ECDSA_*', '*256'],
  's3:authType': ['REST-*'],
  'aws:PrincipalTag/folder': ['l*', '*s'],
};

const OPERATORS: Readonly<Record<KeyKind, readonly string[]>> = {
  text: ['StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike'],
  texts: ['StringEquals', 'StringLike'],
  arn: ['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike', 'StringLike'],
  bool: ['Bool'],
};

const ARN_PATTERNS = [
  ROLE,
  OTHER_ROLE,
  `arn:aws:iam::${ACCOUNT}:role/journal-*`,
  'arn:aws:iam::*:role/*-signer',
  `arn:aws:iam::${OTHER_ACCOUNT}:role/*`,
];

function policyValues(key: string, kind: KeyKind, operator: string): readonly string[] {
  if (kind === 'arn') return ARN_PATTERNS;
  const exact = VALUES[key] ?? [];
  return operator.endsWith('Like') ? [...exact, ...(PATTERNS[key] ?? []), '*'] : exact;
}

/** One entry of a Condition element: operator, key and values. */
function conditionArbitrary(keys: Readonly<Record<string, KeyKind>>): fc.Arbitrary<Record<string, unknown>> {
  return fc.constantFrom(...Object.entries(keys)).chain(([key, kind]) =>
    fc.constantFrom(...OPERATORS[kind]).chain((operator) => {
      const values = fc.uniqueArray(fc.constantFrom(...policyValues(key, kind, operator)), {
        minLength: 1,
        maxLength: 2,
      });
      const set = fc.constant(kind === 'texts' ? 'ForAllValues:' : '');
      const presence = fc.constantFrom('true', 'false').map((absent) => ({ Null: { [key]: absent } }));
      const test = fc
        .tuple(set, values, fc.constantFrom('', '', 'IfExists'))
        .map(([prefix, list, suffix]) => ({ [`${prefix}${operator}${suffix}`]: { [key]: list } }));
      return fc.oneof({ weight: 5, arbitrary: test }, { weight: 1, arbitrary: presence });
    }),
  );
}

/** Principal elements of a resource policy. */
const principalArbitrary: fc.Arbitrary<unknown> = fc.oneof(
  fc.constant('*'),
  fc.constantFrom(
    { AWS: ROLE },
    { AWS: OTHER_ROLE },
    { AWS: `arn:aws:iam::${ACCOUNT}:root` },
    { AWS: [ROLE, `arn:aws:iam::${OTHER_ACCOUNT}:root`] },
    { Service: 'events.amazonaws.com' },
  ),
);

/** Policy documents about a service; `principals` for policies that name them. */
function documentArbitrary(service: Service, principals?: fc.Arbitrary<unknown>): fc.Arbitrary<Document> {
  const some = (from: readonly string[]) =>
    fc.uniqueArray(fc.constantFrom(...from), { minLength: 1, maxLength: 2 });
  const element = (name: string, from: readonly string[]) =>
    fc.oneof(
      { weight: 7, arbitrary: some(from).map((values) => ({ [name]: values })) },
      {
        weight: 1,
        arbitrary: some(from.filter((pattern) => pattern !== '*')).map((values) => ({
          [`Not${name}`]: values,
        })),
      },
    );
  const conditions = fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(conditionArbitrary(service.keys), { minLength: 1, maxLength: 2 }) },
  );
  const statement = fc
    .tuple(
      fc.constantFrom('Allow', 'Allow', 'Allow', 'Allow', 'Deny'),
      element('Action', service.actionPatterns),
      element('Resource', service.resourcePatterns),
      conditions,
      principals ?? fc.constant(undefined),
    )
    .map(([effect, action, resource, parts, principal]) => ({
      Effect: effect,
      ...action,
      ...resource,
      ...(parts.length === 0 ? {} : { Condition: mergeConditions(parts) }),
      ...(principal === undefined ? {} : { Principal: principal }),
    }));
  return fc
    .array(statement, { minLength: 1, maxLength: 3 })
    .map((Statement) => ({ Version: '2012-10-17', Statement }));
}

function mergeConditions(parts: readonly Record<string, unknown>[]): Record<string, unknown> {
  const merged: Record<string, Record<string, unknown>> = {};
  for (const part of parts) {
    for (const [operator, keys] of Object.entries(part))
      merged[operator] = { ...merged[operator], ...(keys as Record<string, unknown>) };
  }
  return merged;
}

/** Contexts of a request that AWS could make: an endpoint comes with its VPC, and both or none is there. */
function contextArbitrary(service: Service): fc.Arbitrary<Context> {
  const {
    'aws:SourceVpce': _endpoint,
    'aws:SourceVpc': _vpc,
    'aws:PrincipalArn': _arn,
    ...others
  } = service.keys;
  const network = fc.constantFrom<Context>(
    {},
    { 'aws:SourceVpce': ENDPOINT, 'aws:SourceVpc': VPC },
    { 'aws:SourceVpce': OTHER_ENDPOINT, 'aws:SourceVpc': OTHER_VPC },
  );
  const value = (key: string, kind: KeyKind): fc.Arbitrary<string | string[]> => {
    const one = fc.constantFrom(...(VALUES[key] ?? ['x']));
    return kind === 'texts'
      ? fc.uniqueArray(one, { minLength: 1, maxLength: 3 })
      : fc.oneof(
          { weight: 9, arbitrary: one },
          { weight: 1, arbitrary: fc.constant(kind === 'text' ? 'other' : (VALUES[key]?.[0] ?? 'x')) },
        );
  };
  const entries = Object.entries(others).map(([key, kind]) =>
    fc
      .option(value(key, kind), { nil: undefined })
      .map((found): [string, string | string[] | undefined] => [key, found]),
  );
  return fc
    .tuple(network, ...entries)
    .map(
      ([place, ...found]) =>
        ({ ...place, ...Object.fromEntries(found.filter(([, one]) => one !== undefined)) }) as Context,
    );
}

/** Documents that limit what others allow: half of them allow everything that they do not deny. */
function limitArbitrary(service: Service, principals?: fc.Arbitrary<unknown>): fc.Arbitrary<Document> {
  const whom = principals === undefined ? {} : { Principal: '*' };
  const everything = { Effect: 'Allow', Action: '*', Resource: '*', ...whom };
  return fc
    .tuple(documentArbitrary(service, principals), fc.boolean())
    .map(([{ Version, Statement }, wide]) => ({
      Version,
      Statement: wide ? [...Statement, everything] : Statement,
    }));
}

/** Everything that decides one request, as documents. */
export interface Case {
  service: ServiceName;
  principal: 'session' | 'service';
  action: string;
  resource: string;
  identity: readonly Document[];
  boundary: Document | undefined;
  resourcePolicy: Document | undefined;
  /** Policy of {@link ENDPOINT}; the other endpoint lets everything pass. */
  endpointPolicy: Document | undefined;
  contexts: readonly Context[];
}

/** Random cases with `contexts` contexts each. */
export function caseArbitrary(contexts: number): fc.Arbitrary<Case> {
  return fc.constantFrom(...(Object.keys(SERVICES) as ServiceName[])).chain((name) => {
    const service = SERVICES[name];
    const document = documentArbitrary(service);
    const limit = limitArbitrary(service);
    const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) =>
      fc.option(arbitrary, { nil: undefined, freq: 1 });
    return fc.record({
      service: fc.constant(name),
      principal: fc.constantFrom<Case['principal'][]>('session', 'session', 'session', 'session', 'service'),
      action: fc.constantFrom(...service.actions),
      resource: fc.constantFrom(...service.resources),
      identity: fc.array(document, { maxLength: 2 }),
      boundary: maybe(limit),
      resourcePolicy:
        name === 'kms'
          ? documentArbitrary(service, principalArbitrary)
          : maybe(documentArbitrary(service, principalArbitrary)),
      endpointPolicy: maybe(limitArbitrary(service, fc.constant('*'))),
      contexts: fc.array(contextArbitrary(service), { minLength: contexts, maxLength: contexts }),
    });
  });
}
