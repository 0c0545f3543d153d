import type { LoginConfig } from './config.ts';

/** The functions of user login. */
export type LoginFunction = 'login' | 'callback' | 'session' | 'logout' | 'api';

/** A route of user login. It has no authorizer at the gateway: the function checks the session, state or logout token itself. */
export interface LoginRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** API Gateway resource path. */
  path: string;
  function: LoginFunction;
  /** Whether the function answers by streaming, and the integration with it. */
  streamed?: true;
}

/** Seconds that a streamed answer may take; those that come whole have API Gateway's 29. */
export const STREAM_SECONDS = 60;

const FIXED: readonly LoginRoute[] = [
  { method: 'GET', path: '/login', function: 'login' },
  { method: 'GET', path: '/callback', function: 'callback' },
  { method: 'GET', path: '/session', function: 'session' },
  { method: 'POST', path: '/session', function: 'session' },
  { method: 'POST', path: '/logout', function: 'logout' },
  { method: 'GET', path: '/logout/callback', function: 'logout' },
  { method: 'POST', path: '/logout/backchannel', function: 'logout' },
];

/** Every route of a declared login: the fixed ones and the forwarded ones below `/api`. Infrastructure and local gateway derive from it. */
export function loginRoutes(login: Pick<LoginConfig, 'forward'>): LoginRoute[] {
  const forwarded = login.forward.map(
    ({ method, path }) => ({ method, path: `/api${path}`, function: 'api', streamed: true }) as const,
  );
  return [...FIXED, ...forwarded];
}

/** The DynamoDB actions on the session table that each function needs, and no more. */
export const SESSION_TABLE_ACTIONS: Readonly<Record<LoginFunction, readonly string[]>> = {
  login: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  callback: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  session: ['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  logout: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  api: ['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
};
