import { authorizerConfig, type LoginConfig, loginConfig, routeConfig } from '@helseid-zones/protocol/config';
import { allowedDetail } from '@helseid-zones/protocol/grant';
import { audience, count, type DeepReadonly, scope, some, text } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { ALARM_NAMES } from '../alarm-kinds.ts';
import { clientSchema } from './client-schema.ts';
import {
  baseUrl,
  externalUrl,
  functionFolder,
  grantedPath,
  plainName,
  resourceIndicator,
  thing,
} from './fields.ts';
import { eventPattern, functionSchema } from './function-schema.ts';
import { exitSchema, networkSchema, vpcRange } from './network-schema.ts';

/**
 * The declaration: what may be written, field by field, with the defaults. The types are read off it. What fields mean together
 * is for checks/ to say.
 * @module
 */

const apiSchema = v.strictObject({
  /** https, no query, no trailing slash. */
  baseUrl,
  /** `aud` of its access tokens, as registered at HelseID. */
  audience,
  /** Scopes asked for when a token for it is fetched. */
  scopes: some(scope),
  /** RFC 8707 resource indicator. */
  resource: v.exactOptional(resourceIndicator),
});

const apiGrantSchema = v.strictObject({
  /** Name of the API in `apis`. */
  api: text,
  methods: some(v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])),
  /** Paths below the API's base URL, each beginning with `/`; a trailing `/*` covers everything below. */
  paths: some(grantedPath),
});

const concurrency = v.pipe(count, v.maxValue(1000, 'must be at most 1000'));

const grantSchema = v.strictObject({
  /** Name of the client in `clients`. */
  client: text,
  /** Organisation details in assertions: none (default), any valid one, or a list. */
  details: v.optional(
    // Not a union, whose issue would not say which detail is wrong.
    v.lazy((given) => (Array.isArray(given) ? v.array(allowedDetail) : v.picklist(['none', 'any']))),
    'none',
  ),
  /** Calls that proofs are made for. */
  apis: v.array(apiGrantSchema),
  /** Request objects at PAR (default false). */
  requestObjects: v.optional(v.boolean(), false),
  /**
   * The zone's share of the signatures a second that KMS makes in a Region (1,000 with ECC or RSA keys, unless AWS gave you more): its
   * signer reserves what that takes at ten milliseconds each, and no more reaches KMS.
   */
  signaturesPerSecond: v.exactOptional(v.pipe(count, v.maxValue(100_000, 'must be at most 100000'))),
  /** Reserved concurrency of the signer (default what `signaturesPerSecond` takes, or 10). */
  signerConcurrency: v.exactOptional(concurrency),
});

const routeSchema = v.strictObject({
  ...routeConfig.entries,
  /** Folder under functions/. */
  function: functionFolder,
});

const gatewaySchema = v.strictObject({
  /** Routes that lead to functions; login brings its own. */
  routes: v.array(routeSchema),
  /**
   * External URL of the API's root, where callers use another than API Gateway's own with its stage: a domain name, perhaps
   * with a base path, or a CDN's. Proofs (`htu`), redirects and cookies go by it. No trailing slash.
   */
  baseUrl: v.exactOptional(externalUrl),
  /**
   * How strictly API Gateway holds callers to its TLS policy (default `BASIC`). `STRICT` also wants the kind of endpoint and the
   * name in TLS to be those of the API: set it once every caller, CDN and custom domain is known to pass (docs/deploying.md).
   */
  endpointAccessMode: v.optional(v.picklist(['BASIC', 'STRICT']), 'BASIC'),
  /** User login; the functions that read it apply the defaults. */
  login: v.exactOptional(loginConfig),
  /** Needed where a route has `authorize: 'helseid'`. */
  authorizer: v.exactOptional(authorizerConfig),
});

/** Availability zones that a VPC spans. */
const availabilityZones = v.picklist([1, 2, 3]);

const account = v.exactOptional(
  v.pipe(text, v.regex(/^\d{12}$/, 'must be an AWS account id of twelve digits')),
);

const role = v.pipe(
  text,
  v.regex(
    /^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    'must be the ARN of a role such as arn:aws:iam::111122223333:role/on-call, without wildcards',
  ),
);

const zoneSchema = v.strictObject({
  /** IPv4 CIDR of the VPC, /16 to /24; overlaps no other zone's. */
  cidr: vpcRange,
  /** A VPC that is there, of that CIDR and this zone's alone (default: one is made). */
  network: v.exactOptional(networkSchema),
  /** Ways out to other networks, such as Helsenettet, by a name of yours: docs/helsenettet.md. */
  exits: v.optional(v.record(thing, exitSchema), {}),
  /** Availability zones its VPC spans (default the system's). */
  availabilityZones: v.exactOptional(availabilityZones),
  /** AWS account, when not the signing zone's. The admin zone can't have one of its own. */
  account,
  /** What may be signed for its functions: at most one grant a client. */
  grants: v.array(grantSchema),
  /**
   * Who has things signed: each function by itself (`own`, default), or one function `tokens` of the zone, which gives the others
   * headers of API calls, in any language (docs/tokens.md). Then none of them can have a token of another scope than the zone's APIs have.
   */
  tokens: v.optional(v.picklist(['own', 'function']), 'own'),
  /** Entered through API Gateway. */
  gateway: v.exactOptional(gatewaySchema),
  /** Entered by events: EventBridge to SQS to the function. */
  events: v.exactOptional(v.strictObject({ function: functionFolder, ...eventPattern.entries })),
  /** What functions of the zone have of their own, by folder under functions/: tables, queues, secrets, schedules and more. */
  functions: v.optional(v.record(functionFolder, functionSchema), {}),
  /** Reserved concurrency by function of the zone; one that is not named shares what the account has left. */
  reservedConcurrency: v.optional(v.record(text, concurrency), {}),
  /**
   * Roles outside the system, in the zone's account, by exact ARN (ECS, EKS, EC2, IAM Roles Anywhere): what a role calls is the zone's signers,
   * through its endpoint and with its network's function group, or in the same way its tokens function, or its entry, by a route with
   * `authorize: 'iam'`.
   */
  callers: v.optional(
    v.array(v.strictObject({ role, calls: v.picklist(['signers', 'tokens', 'entry']) })),
    [],
  ),
  /** The zone that rotates keys; exactly one. Its grants are derived, one a client. */
  admin: v.optional(v.boolean(), false),
});

const destination = v.pipe(
  text,
  v.regex(
    /^arn:aws:logs:[a-z0-9-]+:\d{12}:destination:[^:*?\s]+$/,
    'must be the ARN of a CloudWatch Logs destination such as arn:aws:logs:eu-north-1:111122223333:destination:audit, without wildcards',
  ),
);

const exceptionSchema = v.strictObject({
  /** Name of the rule, as the finding has it. */
  rule: text,
  /** Construct path, or a prefix of it ending in `/*`. */
  resource: v.pipe(
    text,
    v.check(
      (resource) => resource !== '*' && resource !== '/*',
      'excepts everything; name a construct path, or a prefix of one ending in /*',
    ),
  ),
  /** What of it is excepted and nothing else: actions, properties or the type of the resource, as the finding names them. */
  about: some(v.pipe(text, v.regex(/^[^*]+$/, 'must be names, without wildcards'))),
  /** A sentence that says why. */
  reason: v.pipe(
    text,
    v.check(
      (reason) => reason.replace(/[^\p{L}\p{N}]+/gu, ' ').trim().length >= 15,
      'must be a sentence that says why; it is printed every time',
    ),
  ),
});

/** The whole declaration; see {@link SystemDeclaration}. */
export const systemSchema = v.strictObject({
  /** Prefix of every physical name: lower-case letters and digits. */
  name: plainName,
  /** Registrations at the issuer, by a name of yours. */
  clients: v.record(plainName, clientSchema),
  /** APIs that zones call, by a name of yours. */
  apis: v.record(thing, apiSchema),
  /** The zone that the signers and keys are in. */
  signing: v.strictObject({
    /** IPv4 CIDR of its VPC, as a zone's. */
    cidr: vpcRange,
    availabilityZones: v.exactOptional(availabilityZones),
    /**
     * Whether each signer has a policy of its own (default true): nobody but its zone's roles invokes it, through its zone's endpoint. Off only
     * in a region without `AWS::Lambda::ResourcePolicy` (docs/deploying.md).
     */
    resourcePolicies: v.optional(v.boolean(), true),
    /** ARNs of roles that may change signers' code and settings, beside the one that CloudFormation deploys with (default none). */
    deployers: v.optional(v.array(role), []),
  }),
  /**
   * From where on alarms ring, by the end of their names, where that is not as docs/operating.md and docs/keys.md say: at so many or more
   * in the alarm's period, `DaysToExpiry` at fewer days.
   */
  alarms: v.exactOptional(
    v.pipe(
      v.record(v.picklist(ALARM_NAMES), v.pipe(v.number(), v.integer(), v.minValue(1))),
      v.check(
        ({ DurationUsed = 1, MemoryUsed = 1 }) => DurationUsed <= 100 && MemoryUsed <= 100,
        'DurationUsed and MemoryUsed are percent, 100 at most: a larger one never rings',
      ),
    ),
  ),
  /** The audit of signatures, beside the log groups that it always lies in. */
  audit: v.exactOptional(
    v.strictObject({
      /**
       * CloudWatch Logs destination of another account, in the system's region, which every line of the signers is sent to, and no line of
       * anybody else: docs/operating.md has what its owner does.
       */
      export: destination,
    }),
  ),
  /** AWS account of the signing zone, and of every zone that names none. Absent: whichever it is deployed to. */
  account,
  /** Region of all zones, of the partition `aws`. Absent: whichever it is deployed to. */
  region: v.exactOptional(
    v.pipe(text, v.regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'must be a region such as eu-north-1')),
  ),
  /** Closed networks, by a name of yours. */
  zones: v.record(plainName, zoneSchema),
  /** Availability zones a VPC spans (default 2), unless its zone says otherwise. */
  availabilityZones: v.optional(availabilityZones, 2),
  /**
   * Whether functions reserve what is declared for them (default), or `none` does, whatever is declared: for an account whose
   * concurrency is too low to reserve any. A flood in one zone can then starve another's signer (docs/deploying.md).
   */
  reservedConcurrency: v.optional(v.picklist(['declared', 'none']), 'declared'),
  /** Whether this deploy sets `AWS::ApiGateway::Account` (default true). */
  apiGatewayAccount: v.optional(v.boolean(), true),
  /**
   * Stacks of the same assembly that are no part of the system: an application that it is deployed with. Of them the proof judges
   * only what touches the system, and holds assuming the rest.
   */
  otherStacks: v.optional(v.array(text), []),
  /** Reasoned exceptions from rules of the proof; printed every time. */
  exceptions: v.optional(v.array(exceptionSchema), []),
});

type Output<T extends v.GenericSchema> = DeepReadonly<v.InferOutput<T>>;

/** What is written in zones.ts: {@link SystemDeclaration}, of which whatever has a default may be left out. */
export type SystemInput = DeepReadonly<v.InferInput<typeof systemSchema>>;

/** The one declaration: clients, APIs, zones; everything else derives from it. */
export type SystemDeclaration = Output<typeof systemSchema>;

/** One registration at the issuer. */
export type ClientDeclaration = Output<typeof clientSchema>;

/** A health API that zones call. */
export type ApiDeclaration = Output<typeof apiSchema>;

/** Calls of one API that a zone may have proofs for. */
export type ApiGrant = Output<typeof apiGrantSchema>;

/** What one zone may have signed for one client; at most one a client in a zone. Each grant gets a signer of its own. */
export type GrantDeclaration = Output<typeof grantSchema>;

/** User login through the zone's gateway. */
export type LoginDeclaration = LoginConfig;

/** {@link LoginDeclaration} as it is written in zones.ts: whatever has a default may be left out. */
export type LoginInput = NonNullable<NonNullable<SystemInput['zones'][string]['gateway']>['login']>;

/** A route of a zone's REST API. */
export type Route = Output<typeof routeSchema>;

/** A zone's entry through API Gateway. */
export type GatewayDeclaration = Output<typeof gatewaySchema>;

/** A closed network: one VPC, its own roles, its own secrets. */
export type ZoneDeclaration = Output<typeof zoneSchema>;

/** A way out of a zone to another network. */
export type ExitDeclaration = Output<typeof exitSchema>;

/** What one function has of its own. */
export type FunctionDeclaration = Output<typeof functionSchema>;

/** A reasoned exception from a rule of the proof. */
export type ProofException = Output<typeof exceptionSchema>;
