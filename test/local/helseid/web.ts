import { text } from 'node:stream/consumers';
import { listen } from '../../../local/aws/http.ts';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import type { HelseIdOptions } from '../../../local/helseid/types.ts';
import { type ClientKey, makeCertificate } from './wire.ts';

export const CALLBACK = 'http://localhost:3999/callback';
export const SCOPE =
  'openid offline_access helseid://scopes/identity/security_level helseid://scopes/identity/pid example:a/read example:b/read';

/** The stand-in with a client that people log in to, whose back channel is kept, and two APIs. */
export async function startWeb(keys: readonly ClientKey[]) {
  const files = await makeCertificate();
  const logoutTokens: string[] = [];
  const gateway = await listen(async (request, response) => {
    logoutTokens.push(new URLSearchParams(await text(request)).get('logout_token') ?? '');
    response.end();
  });
  const options: HelseIdOptions = {
    certificate: files.certificate,
    stateDir: files.dir,
    path: '/hid',
    apis: ['a', 'b'].map((name) => ({ audience: `example:${name}`, scopes: [`example:${name}/read`] })),
    clients: [
      {
        clientId: 'web',
        name: 'Journal',
        tenancy: 'single-tenant',
        parent: '999999999',
        scopes: [...SCOPE.split(' '), 'profile'],
        jwks: { keys: keys.map(({ jwk }) => jwk) },
        redirectUris: [CALLBACK],
        postLogoutRedirectUris: ['http://localhost:3999/'],
        backchannelLogoutUri: `${gateway.url}/logout`,
      },
    ],
  };
  const web = {
    files,
    logoutTokens,
    server: await startHelseId(options),
    /** On the same port, with the state that it had. */
    async restart() {
      const port = Number(new URL(web.server.issuer).port);
      await web.server.close();
      web.server = await startHelseId({ ...options, port });
    },
    async close() {
      await Promise.all([gateway.close(), web.server.close()]);
    },
  };
  return web;
}
