import { describeError, type Log } from '@helseid-zones/client/log';
import { isZonesError } from '@helseid-zones/protocol/errors';
import { required } from '@helseid-zones/protocol/values';
import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { challengeFor } from './challenge.ts';
import type { AccessPorts, AccessRequest, AuthorizerSettings } from './rules.ts';
import { type Access, validateAccess } from './validate-access.ts';

/** What the authorizer is made of. */
export interface AuthorizerDeps {
  settings: AuthorizerSettings;
  ports: AccessPorts;
  /** One line a decision: a stable code and facts, never a token, a proof or a person. */
  audit: (code: string, facts: Readonly<Record<string, string | number | boolean>>) => void;
  count: Log['count'];
}

/** The one message that API Gateway turns into a 401; any other error becomes a 500. */
const UNAUTHORIZED = 'Unauthorized';

/**
 * Decides on one request for API Gateway (REST, REQUEST authorizer, results not cached). A valid request is allowed on
 * exactly the method it is for. A refused one becomes a 401, or, where the token is good and not enough, a Deny whose
 * context carries the challenge. Anything that keeps us from checking is thrown: API Gateway then answers 500 and lets
 * nobody in.
 */
export async function authorizeRequest(
  deps: AuthorizerDeps,
  event: APIGatewayRequestAuthorizerEvent,
): Promise<APIGatewayAuthorizerResult> {
  const { settings, ports, audit, count } = deps;
  const request = event.requestContext?.requestId ?? '-';
  const answer = (Effect: 'Allow' | 'Deny', principalId: string, context: Record<string, string>) => {
    const Statement = [{ Action: 'execute-api:Invoke', Effect, Resource: event.methodArn }];
    return { principalId, policyDocument: { Version: '2012-10-17', Statement }, context };
  };
  try {
    const access = await validateAccess(readRequest(event, settings.baseUrl), settings.rules, ports);
    audit('access.allowed', { request, client: access.clientId, jkt: access.jkt });
    return answer('Allow', access.clientId, describeAccess(access));
  } catch (error) {
    const challenge = isZonesError(error) ? challengeFor(error, settings.rules) : undefined;
    if (!isZonesError(error) || !challenge) {
      const facts = isZonesError(error) ? error.facts : {};
      audit('access.unchecked', { ...facts, request, error: String(describeError(error)['reason']) });
      throw error;
    }
    audit('access.refused', { ...error.facts, request, error: error.code });
    if (error.facts['check'] === 'replay') count({ Replays: 1 });
    if (challenge.status === 401) throw new Error(UNAUTHORIZED, { cause: error });
    return answer('Deny', 'refused', { error: error.code, challenge: challenge.header });
  }
}

/** The request as its caller sent it. Where nothing is declared, `requestContext.path` has the stage or base path. */
function readRequest(event: APIGatewayRequestAuthorizerEvent, baseUrl: string | undefined): AccessRequest {
  const { path, domainName } = event.requestContext;
  const several = Object.entries(event.multiValueHeaders ?? {});
  const single = Object.entries(event.headers ?? {});
  const headers = (several.length > 0 ? several : single).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => [name, value] as const),
  );
  const target =
    baseUrl === undefined
      ? { baseUrl: `https://${domainName}`, path }
      : { baseUrl, path: pathOfResource(event) };
  return { method: event.httpMethod, ...target, headers };
}

/**
 * The part of the path that the matched resource stands for: its last segments. What is before them (stage, base path, what
 * a CDN put there) is `baseUrl`'s business; API Gateway's `path` has it or not, depending on the domain.
 */
function pathOfResource(event: APIGatewayRequestAuthorizerEvent): string {
  const { resource, pathParameters, requestContext } = event;
  const body = requestContext.path.replace(/\/+$/, '');
  const end = requestContext.path.slice(body.length);
  if (resource === '/') return end;
  const greedy = /\{(\w+)\+\}/.exec(resource)?.[1];
  const rest = greedy === undefined ? '' : required(pathParameters?.[greedy], 'The greedy path parameter');
  const count = resource.split('/').length - 2 + rest.split('/').length;
  return `/${body.split('/').slice(-count).join('/')}${end}`;
}

const ORGANIZATION = 'helseid://claims/client/claims/';

/** Claims that are handed on, by their name in the authorizer's context. */
const CLAIMS: Readonly<Record<string, string>> = {
  subject: 'sub',
  pidPseudonym: 'helseid://claims/identity/pid_pseudonym',
  hprNumber: 'helseid://claims/hpr/hpr_number',
  securityLevel: 'helseid://claims/identity/security_level',
  orgnrParent: `${ORGANIZATION}orgnr_parent`,
  orgnrChild: `${ORGANIZATION}orgnr_child`,
  orgnrSupplier: `${ORGANIZATION}orgnr_supplier`,
  clientTenancy: 'helseid://claims/client/client_tenancy',
  clientName: 'helseid://claims/client/client_name',
  journalId: 'nhn:sfm:journal-id',
  actor: 'act',
};

/**
 * What the function behind learns of the caller: `event.requestContext.authorizer`, strings only, objects as JSON. The
 * national identity number and the name are left out, because API Gateway may log a context; a function that needs
 * them reads the token, which this check has validated.
 */
function describeAccess(access: Access): Record<string, string> {
  const handedOn = Object.entries(CLAIMS).flatMap(([name, claim]) => {
    const value = access.claims[claim];
    if (value === undefined || value === null) return [];
    return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
  });
  return {
    clientId: access.clientId,
    scope: access.scopes.join(' '),
    jkt: access.jkt,
    tokenExpires: String(access.expires),
    ...Object.fromEntries(handedOn),
  };
}
