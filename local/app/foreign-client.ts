import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import type { StandInApi, StandInClient } from '../helseid/types.ts';

/** Somebody else's client at the stand-in, whose tokens open a zone's routes with `authorize: 'helseid'`. */
export type ForeignClient = ReturnType<typeof makeForeignClients>[number];

/** An API that no zone has: what a token for another audience is for. */
export const ANOTHER_API: StandInApi = {
  audience: 'urn:helseid-zones:another-api',
  scopes: ['urn:helseid-zones:another-api/read'],
};

/** One for each zone with an authorizer, with what that demands. Keys are ES256, made at each start, and nowhere but here. */
export function makeForeignClients(system: SystemDeclaration) {
  return Object.entries(system.zones).flatMap(([zone, { gateway }]) => {
    const demands = gateway?.authorizer;
    const issuer = system.clients[demands?.client ?? '']?.issuer;
    if (demands === undefined || issuer === undefined) return [];
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return [{ zone, issuer, clientId: randomUUID(), privateKey, demands }];
  });
}

/** The APIs that such clients get tokens for. */
export function foreignApis(clients: readonly ForeignClient[]): StandInApi[] {
  if (clients.length === 0) return [];
  return [...clients.map(({ demands: { audience, scopes } }) => ({ audience, scopes })), ANOTHER_API];
}

/** Its registration, with its public key as registered in the portal. */
export function registerForeign(client: ForeignClient, parent: string): StandInClient {
  const { clientId, zone, privateKey, demands } = client;
  const { jwk, thumbprint } = describePublicKey(privateKey, 'ES256');
  return {
    ...{ clientId, parent, tenancy: 'single-tenant', name: `a client that calls the ${zone} zone` },
    scopes: [...demands.scopes, ...ANOTHER_API.scopes],
    jwks: { keys: [{ ...jwk, kid: thumbprint, alg: 'ES256' }] },
  };
}
