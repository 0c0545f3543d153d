/** How a method is authorised. */
export type MethodAuthorization =
  | { type: 'NONE' }
  | { type: 'AWS_IAM' }
  | { type: 'CUSTOM'; authorizer: GatewayAuthorizer };

/** A REQUEST authorizer whose answers are not cached. */
export interface GatewayAuthorizer {
  id: string;
  functionArn: string;
  /** Header names, lower-case, that must be there. */
  identityHeaders: readonly string[];
}

/** A method with a Lambda proxy integration. */
export interface GatewayMethod {
  /** Upper-case, or `ANY`. */
  httpMethod: string;
  /** As in the template: `/summaries/{id}`. */
  resourcePath: string;
  resourceId: string;
  authorization: MethodAuthorization;
  functionArn: string;
  /** Whether the answer is passed on as it comes (ResponseTransferMode STREAM). */
  streamed?: boolean;
  /** Milliseconds before a 504; absent: 29 s. */
  timeout?: number | undefined;
  /** `header.x` and `querystring.y` that the request validator demands. */
  requiredParameters: readonly string[];
}

/** A gateway response: how API Gateway answers what it refuses itself. */
export interface GatewayResponse {
  status?: number | undefined;
  headers: Readonly<Record<string, string>>;
  /** Headers that are taken from what the authorizer returned in `context`: header to name there. */
  authorizerHeaders: Readonly<Record<string, string>>;
  /** Template for JSON; undefined: the usual `{"message":…}`. */
  template?: string | undefined;
}

/** One REST API with its one stage. */
export interface GatewayApi {
  id: string;
  name: string;
  zone: string | undefined;
  stage: string;
  account: string;
  region: string;
  methods: readonly GatewayMethod[];
  /** By response type, e.g. `DEFAULT_4XX`. */
  responses: ReadonlyMap<string, GatewayResponse>;
  /** Whether every body is binary (a binary media type for everything). */
  binary: boolean;
  throttle?: { rate: number; burst: number } | undefined;
}
