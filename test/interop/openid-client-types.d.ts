/** What the test uses of openid-client, which is installed for it alone: the check of the whole repository goes without it. */
declare module 'openid-client' {
  import type { CryptoKey } from 'jose';

  type Change = (header: Record<string, unknown>, payload: Record<string, unknown>) => void;
  interface Configuration {
    serverMetadata(): object;
  }
  export const modifyAssertion: unique symbol;
  export function PrivateKeyJwt(
    key: { key: CryptoKey; kid?: string },
    options: { [modifyAssertion]: Change },
  ): object;
  export function discovery(
    server: URL,
    clientId: string,
    metadata: undefined,
    authentication: object,
  ): Promise<Configuration>;
  export function randomDPoPKeyPair(algorithm: string): Promise<object>;
  export function getDPoPHandle(configuration: Configuration, keys: object): object;
  export function clientCredentialsGrant(
    configuration: Configuration,
    parameters: Readonly<Record<string, string>>,
    options: { DPoP: object },
  ): Promise<{ access_token: string }>;
}
