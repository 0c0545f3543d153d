import { type CryptoKey, importJWK, type JWK } from 'jose';
import {
  clientCredentialsGrant,
  discovery,
  getDPoPHandle,
  modifyAssertion,
  PrivateKeyJwt,
  randomDPoPKeyPair,
} from 'openid-client';

/** What a peer's client gets a token with. */
export interface Peer {
  issuer: string;
  clientId: string;
  scope: string;
  /** Private, with `kid` and `alg`. */
  key: JWK;
}

/** Gets a token as a stock openid-client does; `typ` and the ten seconds of an assertion are HelseID's. Throws what it throws. */
export async function getTokenWithOpenidClient({ issuer, clientId, scope, key }: Peer): Promise<string> {
  const privateKey = (await importJWK(key, 'ES256')) as CryptoKey;
  const authentication = PrivateKeyJwt(
    { key: privateKey, ...(key.kid === undefined ? {} : { kid: key.kid }) },
    {
      [modifyAssertion](header, payload) {
        header['typ'] = 'client-authentication+jwt';
        payload['exp'] = Number(payload['iat']) + 10;
      },
    },
  );
  const configuration = await discovery(new URL(issuer), clientId, undefined, authentication);
  const DPoP = getDPoPHandle(configuration, await randomDPoPKeyPair('ES256'));
  const { access_token: token } = await clientCredentialsGrant(configuration, { scope }, { DPoP });
  return token;
}
