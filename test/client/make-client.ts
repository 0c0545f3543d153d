import { createTokenClient, type TokenClientDeps } from '@helseid-zones/client/token-client';
import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import { helseIdProfile, type IssuerProfile } from '@helseid-zones/protocol/profile';
import { expect, onTestFinished } from 'vitest';
import { watch } from '../canaries.ts';
import { createFakeApi } from '../fakes/api.ts';
import { createFakeIssuer } from '../fakes/issuer.ts';
import { createFakeNetwork, type FakeNetwork } from '../fakes/network.ts';
import { createFakeSigner } from '../fakes/signer.ts';

export const CLIENT_ID = '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11';
export const ISSUER = 'https://sts.test/session-1';
export const API = 'https://api.test';

export type World = Awaited<ReturnType<typeof makeWorld>>;

/** A client with one registered key, its issuer and an API, all in this process and gone after the test. */
export async function makeWorld(
  change: {
    profile?: Partial<IssuerProfile>;
    declaredIssuer?: string;
    issuer?: string;
    timeout?: number;
    /** Default: on loopback. */
    network?: FakeNetwork;
    report?: TokenClientDeps['report'];
  } = {},
) {
  /** Epoch milliseconds; moves only when a test moves it. */
  const clock = { now: 1_790_000_000_000 };
  const now = () => clock.now;
  const profile = { ...helseIdProfile, ...change.profile };
  const at = change.issuer ?? ISSUER;
  const network = change.network ?? (await openNetwork());
  const issuer = await createFakeIssuer({ issuer: at, clientId: CLIENT_ID, profile, now });
  const api = createFakeApi({ origin: API, issuer, now });
  network.mount(new URL(at).origin, issuer.handle);
  network.mount(API, api.handle);
  const declared = change.declaredIssuer ?? at;
  const subject = { clientId: CLIENT_ID, issuer: declared, tenancy: 'single-tenant', profile } as const;
  const signer = createFakeSigner(subject, now);
  issuer.register(signer.addKey());
  const client = createTokenClient({
    client: 'journal',
    clientId: CLIENT_ID,
    issuer: declared,
    profile,
    signer,
    fetch: network.fetch,
    now,
    timeout: change.timeout,
    report: change.report,
  });
  return { clock, network, issuer, api, signer, client };
}

async function openNetwork(): Promise<FakeNetwork> {
  const network = await createFakeNetwork();
  onTestFinished(() => network.close());
  return network;
}

/** The error a promise is rejected with; fails unless it is a ZonesError with this code. */
export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<ZonesError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(watch(error, 'an error')).toBeInstanceOf(ZonesError);
  const zones = error as ZonesError;
  expect(zones.code).toBe(code);
  return zones;
}
