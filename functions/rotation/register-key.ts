import { isZonesError } from '@helseid-zones/protocol/errors';
import type { ListedKey, RegisteredJwk, SelfService } from './ports.ts';

/**
 * Has a key registered at HelseID and resolves to its expiry (epoch seconds), where it has one. What HelseID lists
 * decides, before the key is posted and after an answer that leaves open what has happened: nothing is posted twice.
 * @throws ZonesError `self_service_refused`, `self_service_unreachable`
 */
export async function registerKey(selfService: SelfService, jwk: RegisteredJwk): Promise<number | undefined> {
  const listed = await findListed(selfService, jwk.kid);
  if (listed) return listed.expires;
  try {
    return await selfService.registerKey(jwk);
  } catch (error) {
    if (!isZonesError(error, 'self_service_unreachable') && !isZonesError(error, 'self_service_refused'))
      throw error;
    const arrived = await findListed(selfService, jwk.kid).catch(() => undefined);
    if (arrived) return arrived.expires;
    throw error;
  }
}

async function findListed(selfService: SelfService, kid: string): Promise<ListedKey | undefined> {
  return (await selfService.listKeys()).find((key) => key.kid === kid);
}
