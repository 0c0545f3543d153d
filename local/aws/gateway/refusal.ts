import type { WireResponse } from '../errors.ts';
import type { GatewayApi } from '../template/gateways.ts';

/** What API Gateway refuses itself, by response type: status, `x-amzn-errortype`, message. */
const TYPES = {
  MISSING_AUTHENTICATION_TOKEN: [403, 'MissingAuthenticationTokenException', 'Missing Authentication Token'],
  INVALID_SIGNATURE: [403, 'InvalidSignatureException', 'The request signature is invalid'],
  ACCESS_DENIED: [403, 'AccessDeniedException', 'Forbidden'],
  UNAUTHORIZED: [401, 'UnauthorizedException', 'Unauthorized'],
  AUTHORIZER_FAILURE: [500, 'InternalServerErrorException', 'Internal server error'],
  BAD_REQUEST_BODY: [400, 'BadRequestException', 'Invalid request body'],
  REQUEST_TOO_LARGE: [413, 'RequestTooLongException', 'Request Too Long'],
  INTEGRATION_FAILURE: [502, 'InternalServerErrorException', 'Internal server error'],
  INTEGRATION_TIMEOUT: [504, 'InternalServerErrorException', 'Endpoint request timed out'],
} as const satisfies Record<string, readonly [number, string, string]>;

/** API Gateway's response types, as far as this gateway answers them. */
export type RefusalType = keyof typeof TYPES;

/** A request that the gateway does not hand on, or whose function failed. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly type: RefusalType;
  /** What the authorizer that refused said in `context`. */
  readonly authorizer: Readonly<Record<string, string>>;

  constructor(type: RefusalType, message: string = TYPES[type][2], authorizer: Refusal['authorizer'] = {}) {
    super(message);
    this.type = type;
    this.authorizer = authorizer;
  }
}

/** Writes a refusal as API Gateway does, through the API's gateway responses where it has some for the type. */
export function writeRefusal(api: GatewayApi, refusal: Refusal, requestId: string): WireResponse {
  const [status, errorType] = TYPES[refusal.type];
  const custom =
    api.responses.get(refusal.type) ?? api.responses.get(status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX');
  const { template = '{"message":$context.error.messageString}', headers, authorizerHeaders } = custom ?? {};
  const fromAuthorizer = Object.entries(authorizerHeaders ?? {}).flatMap(([name, key]) => {
    const said = refusal.authorizer[key];
    return said === undefined ? [] : [[name, said] as const];
  });
  const named = [...Object.entries(headers ?? {}), ...fromAuthorizer];
  return {
    status: custom?.status ?? status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': errorType,
      ...Object.fromEntries(named.map(([name, value]) => [name.toLowerCase(), value])),
    },
    body: template
      .replaceAll('$context.error.messageString', () => JSON.stringify(refusal.message))
      .replaceAll('$context.error.message', () => refusal.message)
      .replaceAll('$context.requestId', () => requestId),
  };
}
