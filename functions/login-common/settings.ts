import { entryOf } from '@helseid-zones/client/environment';
import type { ForwardConfig, ZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';

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

/** Where a login goes before it is sent to the issuer, and comes back to. */
export const CALLBACK_PATH = '/callback';

/** Where the issuer sends the browser after logout. */
const LOGGED_OUT_PATH = '/logout/callback';

/** The declaration's login, with everything that derives from it. */
export type LoginSettings = ReturnType<typeof deriveSettings>;

/**
 * Derives the settings from `config.json` and the gateway's own URL, which the declared `baseUrl` replaces.
 * Leaves what `defineSystem` has checked unchecked.
 *
 * @throws {ZonesError} config_invalid: there is no login, no usable URL, or it names what the zone lacks
 */
export function deriveSettings(config: ZoneConfig, gatewayUrl: string | undefined) {
  const { login } = config;
  if (!login) throw new ZonesError('config_invalid', 'config.json has no login; declare one for this zone.');
  const { issuer, tenancy } = entryOf(config.clients, login.client, 'config.json: clients');
  const base = readGatewayUrl(config.baseUrl ?? gatewayUrl);
  const { origin } = new URL(base);
  const forward = login.forward.map((route): ForwardTarget => {
    const { baseUrl, resource, scopes } = entryOf(config.apis, route.api, 'config.json: apis');
    const asked = resource === undefined ? { scopes } : { resource };
    return { ...route, baseUrl, token: { name: route.api, ...asked } };
  });
  const targets = [...new Map(forward.map(({ token }) => [token.name, token])).values()];
  const first = targets.find(({ resource }) => resource !== undefined) ?? targets[0] ?? { name: '' };
  return {
    clientName: login.client,
    issuer,
    tenancy,
    /** External URL of the gateway without a trailing slash; its path is the stage, or what is declared. */
    gatewayUrl: base,
    origin,
    /** Its path: empty, the stage, or what is declared. Goes before every path of ours that a browser is sent to. */
    basePath: base.slice(origin.length),
    redirectUri: base + CALLBACK_PATH,
    postLogoutRedirectUri: base + LOGGED_OUT_PATH,
    scope: login.scopes.join(' '),
    login,
    idleSeconds: login.idleMinutes * 60,
    absoluteSeconds: login.absoluteMinutes * 60,
    /** `METHOD /api/path` to its target. */
    forward: new Map(forward.map((route) => [`${route.method} /api${route.path}`, route])),
    /** Resource indicators of all forwarded APIs, each once. */
    resources: [...new Set(targets.flatMap(({ resource }) => resource ?? []))],
    /** What the code is redeemed for: "code first, then refresh". */
    first,
    /** Whether the token that the code gives is narrow enough to be used. */
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
