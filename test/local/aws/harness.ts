import { memoryDocument } from '../../../local/app/state.ts';
import type { AccessRequest, Authorize } from '../../../local/aws/authorize.ts';
import type { Route } from '../../../local/aws/call.ts';
import { createCredentialTable } from '../../../local/aws/credentials.ts';
import { type KeyStore, openKeyStore, type StoredKey } from '../../../local/aws/kms/keys.ts';
import { rootPolicy } from '../../../local/aws/kms/policy.ts';
import { type AwsDeps, startListener } from '../../../local/aws/listener.ts';
import type { WireService } from '../../../local/aws/service.ts';
import { createTrail } from '../../../local/aws/trail.ts';

export const ACCOUNT = '000000000000';
export const REGION = 'eu-north-1';
export const ROLE = { arn: `arn:aws:iam::${ACCOUNT}:role/tester`, account: ACCOUNT };

/** Id of a key of the template, with which a service encrypts. */
export const DATA_KEY = '11111111-1111-1111-1111-111111111111';

/** A key store with {@link DATA_KEY} in it, whose use is left to identity policies. */
export function dataKeyStore(): KeyStore {
  const keys = openKeyStore(memoryDocument({ keys: [] as StoredKey[] }), {
    account: ACCOUNT,
    region: REGION,
  });
  keys.add({
    id: DATA_KEY,
    arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${DATA_KEY}`,
    spec: 'SYMMETRIC_DEFAULT',
    usage: 'ENCRYPT_DECRYPT',
    status: 'Enabled',
    description: '',
    created: 0,
    policy: rootPolicy(ACCOUNT),
    tags: {},
    fromTemplate: true,
  });
  return keys;
}

/** A clock that only moves when told. */
export function fakeClock(start = Date.UTC(2026, 0, 2, 3, 4, 5)) {
  let time = start;
  const now = () => time;
  return { now, advance: (ms: number) => (time += ms) };
}

/** A policy engine that refuses exactly what `deny` names, and remembers what it was asked. */
export function rulesOf(deny: (request: AccessRequest) => boolean = () => false) {
  const asked: AccessRequest[] = [];
  const authorize: Authorize = (request) => {
    asked.push(request);
    const message = `User: ${request.caller.session} is not authorized to perform: ${request.action}`;
    return deny(request) ? { allowed: false, message } : { allowed: true };
  };
  return { authorize, asked };
}

/** A listener with these services, and SDK settings for a role's session on it. */
export async function startAws(
  services: readonly WireService[],
  options: { authorize?: Authorize; route?: Route; only?: string; now?: () => number } = {},
) {
  const credentials = createCredentialTable();
  const now = options.now ?? Date.now;
  const deps: AwsDeps = {
    services,
    authorize: options.authorize ?? rulesOf().authorize,
    credentials,
    trail: createTrail(now),
    region: REGION,
    now,
  };
  const listener = await startListener(deps, options.route ?? {}, options.only);
  const config = {
    region: REGION,
    endpoint: listener.url,
    credentials: credentials.issue(ROLE, 'test'),
    maxAttempts: 1,
  };
  return { ...listener, deps, config };
}
