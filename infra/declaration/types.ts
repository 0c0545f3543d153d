import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import type { AuthorizerConfig, LoginConfig, RouteConfig } from '@helseid-zones/protocol/config';
import type { AllowedDetail } from '@helseid-zones/protocol/grant';
import type { IssuerProfile } from '@helseid-zones/protocol/profile';

/** Where a signing key lives. Only `kms` may span zones. */
export type KeyCustody = 'kms' | 'secret' | 'file' | 'database' | 'pkcs11';

/** One registration at the issuer. */
export interface ClientDeclaration {
  clientId: string;
  /** Exactly as in the issuer's metadata; may have a path. */
  issuer: string;
  /** Algorithm of keys made from now on. */
  algorithm: Algorithm;
  tenancy: 'single-tenant' | 'multi-tenant';
  profile: IssuerProfile;
  /** Default `kms`. */
  custody?: KeyCustody;
  /** HelseID's self-service API, where the issuer has one; only the admin zone reaches it. */
  selfService?: { baseUrl: string; audience: string; scope: string; body: 'object' | 'string' };
  rotation?: {
    /** Days between rotations (default 60). */
    everyDays: number;
    /** Longest life of an access token or authorization code of this client, seconds (default 3600): how long a replaced key still signs proofs. */
    longestTokenLifetime: number;
    /** Seconds the issuer may take until every node of it honours a new key (default 20, HelseID's): a key is not switched to before. */
    propagation?: number;
  };
}

/** A health API that zones call. */
export interface ApiDeclaration {
  /** https, no query, no trailing slash. */
  baseUrl: string;
  audience: string;
  scopes: readonly string[];
  /** RFC 8707 resource indicator. */
  resource?: string;
}

/** Calls of one API that a zone may have proofs for. */
export interface ApiGrant {
  api: string;
  methods: readonly ('GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE')[];
  /** Paths below the API's base URL, each beginning with `/`; a trailing `/*` covers everything below. */
  paths: readonly string[];
}

/** What one zone may have signed for one client; at most one a client in a zone. Each grant gets a signer of its own. */
export interface GrantDeclaration {
  client: string;
  /** Organisation details in assertions: none (default), any valid one, or a list. */
  details?: 'none' | 'any' | readonly AllowedDetail[];
  apis: readonly ApiGrant[];
  /** Request objects at PAR (default false). */
  requestObjects?: boolean;
  /** Reserved concurrency of the signer (default 10). */
  signerConcurrency?: number;
}

/** A route of a zone's REST API. */
export interface Route extends RouteConfig {
  /** Folder under functions/. */
  function: string;
}

/** User login through the zone's gateway: declared once, in the shape that the login functions read. */
export type LoginDeclaration = LoginConfig;

/** What the shipped authorizer demands of a token: declared once, in the shape that it reads. */
export type AuthorizerDeclaration = AuthorizerConfig;

/** A closed network: one VPC, its own roles, its own secrets. */
export interface ZoneDeclaration {
  /** IPv4 CIDR of the VPC, /16 to /24; overlaps no other zone's. */
  cidr: string;
  /** AWS account, when not the signing zone's. The admin zone can't have one of its own. */
  account?: string;
  grants: readonly GrantDeclaration[];
  /** Entered through API Gateway. */
  gateway?: {
    routes: readonly Route[];
    /**
     * External URL of the API's root, where callers use another than API Gateway's own with its stage: a domain name, perhaps
     * with a base path, or a CDN's. Proofs (`htu`), redirects and cookies go by it. No trailing slash.
     */
    baseUrl?: string;
    login?: LoginDeclaration;
    /** Needed where a route has `authorize: 'helseid'`. */
    authorizer?: AuthorizerDeclaration;
  };
  /** Entered by events: EventBridge to SQS to the function. */
  events?: { function: string; sources: readonly string[]; detailTypes: readonly string[] };
  /** The zone that rotates keys; exactly one. Its grants are derived, one a client. */
  admin?: boolean;
}

/** A reasoned exception from a rule of the boundary proof; printed every time. */
export interface BoundaryException {
  rule: string;
  /** Construct path, or a prefix of it ending in `/*`. */
  resource: string;
  reason: string;
}

/** The one declaration: clients, APIs, zones; everything else derives from it. */
export interface SystemDeclaration {
  /** Prefix of every physical name: lower-case letters and digits. */
  name: string;
  clients: Readonly<Record<string, ClientDeclaration>>;
  apis: Readonly<Record<string, ApiDeclaration>>;
  signing: { cidr: string };
  zones: Readonly<Record<string, ZoneDeclaration>>;
  /** Availability zones a VPC spans (default 2). */
  availabilityZones?: 1 | 2 | 3;
  /** Whether this deploy sets `AWS::ApiGateway::Account` (default true). */
  apiGatewayAccount?: boolean;
  exceptions?: readonly BoundaryException[];
}
