import { join } from 'node:path';
import type { JWK } from 'jose';
import { localCertificate } from '../helseid/certificate.ts';
import { startHealthApi } from '../helseid/health-api.ts';
import { startHelseId } from '../helseid/helseid.ts';
import { startSelfService } from '../helseid/self-service.ts';

/** What one client within one network needs of the world: HelseID, its self-service API and a health API. */
export type PatternWorld = Awaited<ReturnType<typeof startPatternWorld>>;

const SELF_SERVICE = 'nhn:selvbetjening/client';

/** Scopes of clients that people log in to and that call the API. */
export const SCOPE = 'openid profile offline_access example:summaries/read';

/** A legal entity that is made up, valid by its check digit. */
const LEGAL_ENTITY = '999977774';

/**
 * Starts stand-ins with these clients registered, without keys: `register` is what a person does in HelseID's portal.
 * @throws {ZonesError} local_failed: a client is not registered, by `register`
 */
export async function startPatternWorld(folder: string, clientIds: readonly string[], redirectUri: string) {
  const certificate = await localCertificate(join(folder, 'tls'));
  const scopes = ['example:summaries/read'];
  const helseId = await startHelseId({
    certificate,
    stateDir: join(folder, 'helseid'),
    apis: [
      { audience: 'example:summaries', scopes },
      { audience: 'nhn:selvbetjening', scopes: [SELF_SERVICE] },
    ],
    clients: clientIds.map((clientId) => ({
      clientId,
      name: clientId,
      tenancy: 'single-tenant',
      parent: LEGAL_ENTITY,
      scopes: [...SCOPE.split(' '), SELF_SERVICE],
      redirectUris: [redirectUri],
      postLogoutRedirectUris: [redirectUri],
    })),
  });
  const { issuer, keys, registry } = helseId;
  const selfService = await startSelfService({ certificate, registry, issuer, keys });
  const audience = 'example:summaries';
  const api = await startHealthApi({ certificate, issuer, keys, audience, scopes });
  return {
    certificate,
    issuer,
    registry,
    scopes,
    behaviour: helseId.behaviour,
    api: `${api.url}/v1/summaries/1`,
    selfService: { baseUrl: selfService.url, scope: SELF_SERVICE, body: 'object' as const },
    register: (clientId: string, jwk: JWK) => registry.register(clientId, jwk, 'Gui'),
    close: async () => void (await Promise.all([helseId.close(), selfService.close(), api.close()])),
  };
}
