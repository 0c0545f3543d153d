import type { ApiConfig, ForwardConfig, LoginConfig, ZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { IssuerProfile } from '@helseid-zones/protocol/profile';

/** What a refresh asks a narrow access token for: one API by its resource indicator, or by its scopes where it has none. */
export interface TokenTarget {
  /** The API's name; empty where the session has no API. */
  name: string;
  resource?: string;
  scopes?: readonly string[];
}

/** A forwarded route with the API it leads to. */
export interface ForwardTarget extends ForwardConfig {
  baseUrl: string;
  token: TokenTarget;
}

/** The declaration's login, with defaults applied and everything that derives from it. */
export interface LoginSettings {
  clientName: string;
  clientId: string;
  issuer: string;
  profile: IssuerProfile;
  tenancy: 'single-tenant' | 'multi-tenant';
  /** External URL of the gateway without a trailing slash; its path is the stage, or what is declared. */
  gatewayUrl: string;
  /** Its origin. */
  origin: string;
  /** Its path: empty, the stage, or what is declared. Goes before every path of ours that a browser is sent to. */
  basePath: string;
  redirectUri: string;
  postLogoutRedirectUri: string;
  scope: string;
  login: LoginConfig;
  idleSeconds: number;
  absoluteSeconds: number;
  /** `METHOD /api/path` to its target. */
  forward: ReadonlyMap<string, ForwardTarget>;
  /** Resource indicators of all forwarded APIs, each once. */
  resources: readonly string[];
  /** What the code is redeemed for: "code first, then refresh". */
  first: TokenTarget;
  /** Whether the token that the code gives is narrow enough to be used. */
  firstIsNarrow: boolean;
}

/** Where a login goes before it is sent to the issuer, and comes back to. */
export const CALLBACK_PATH = '/callback';

/** Where the issuer sends the browser after logout. */
export const LOGGED_OUT_PATH = '/logout/callback';

/**
 * Derives the settings from `config.json` and the gateway's own URL, which the declared `baseUrl` replaces.
 * Leaves what `defineSystem` has checked unchecked.
 *
 * @throws {ZonesError} config_invalid: there is no login, no usable URL, or it names what the zone lacks
 */
export function deriveSettings(config: ZoneConfig, gatewayUrl: string | undefined): LoginSettings {
  const { login } = config;
  if (!login) throw new ZonesError('config_invalid', 'config.json has no login; declare one for this zone.');
  const client = config.clients[login.client];
  if (!client)
    throw new ZonesError(
      'config_invalid',
      `The login names the client ${login.client}, which this zone lacks.`,
    );
  const base = readGatewayUrl(config.baseUrl ?? gatewayUrl);
  const forward = login.forward.map((route) => forwardTarget(route, config.apis[route.api]));
  const targets = [...new Map(forward.map(({ token }) => [token.name, token])).values()];
  const first = targets.find(({ resource }) => resource !== undefined) ?? targets[0] ?? { name: '' };
  return {
    clientName: login.client,
    clientId: client.clientId,
    issuer: client.issuer,
    profile: client.profile,
    tenancy: client.tenancy,
    gatewayUrl: base,
    origin: new URL(base).origin,
    basePath: base.slice(new URL(base).origin.length),
    redirectUri: base + CALLBACK_PATH,
    postLogoutRedirectUri: base + LOGGED_OUT_PATH,
    scope: login.scopes.join(' '),
    login,
    idleSeconds: login.idleMinutes * 60,
    absoluteSeconds: login.absoluteMinutes * 60,
    forward: new Map(forward.map((route) => [`${route.method} /api${route.path}`, route])),
    resources: [...new Set(targets.flatMap(({ resource }) => resource ?? []))],
    first,
    firstIsNarrow: first.resource !== undefined || targets.length < 2,
  };
}

function readGatewayUrl(url: string | undefined): string {
  const parsed = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
  if (url === undefined || !parsed || !/^https?:$/.test(parsed.protocol) || parsed.search || parsed.hash)
    throw new ZonesError(
      'config_invalid',
      "GATEWAY_URL must be the gateway's external URL, unless the gateway declares a baseUrl.",
    );
  return url.replace(/\/+$/, '');
}

function forwardTarget(route: ForwardConfig, api: ApiConfig | undefined): ForwardTarget {
  if (!api)
    throw new ZonesError(
      'config_invalid',
      `A forwarded route names the API ${route.api}, which this zone lacks.`,
    );
  const token: TokenTarget =
    api.resource === undefined
      ? { name: route.api, scopes: api.scopes }
      : { name: route.api, resource: api.resource };
  return { ...route, baseUrl: api.baseUrl, token };
}
