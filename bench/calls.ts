import { randomBytes } from 'node:crypto';
import { SignCommand } from '@aws-sdk/client-kms';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import { createTokenClient } from '@helseid-zones/client/token-client';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { createFakeApi } from '../test/fakes/api.ts';
import { createFakeIssuer } from '../test/fakes/issuer.ts';
import { createFakeNetwork } from '../test/fakes/network.ts';
import { createFakeSigner } from '../test/fakes/signer.ts';
import { realTime, simulateKms, simulateSigner } from '../test/fakes/simulated.ts';
import { type Figure, inTurns, quantile, type Scale, wallTime } from './figures.ts';

/** What HelseID.Library.Java takes for a warm token where nonces are demanded: an assertion and two proofs, in two requests. */
const JAVA: Readonly<Record<string, number>> = { signatures: 3, 'round trips': 2 };

/** Signatures, invocations of the signer and round trips to issuer or API, where nonces are demanded and where they are not. */
export async function benchCalls(): Promise<Figure[]> {
  const issuer = 'https://sts.test/session-1';
  const figures: Figure[] = [];
  for (const nonces of ['nonces', 'no nonces']) {
    let at = 1_790_000_000_000;
    const now = () => at;
    const network = await createFakeNetwork();
    const server = await createFakeIssuer({ issuer, clientId: 'bench', profile: helseIdProfile, now });
    const api = createFakeApi({ origin: 'https://api.test', issuer: server, now });
    server.behaviour.nonceAt = nonces === 'nonces' ? ['/token'] : [];
    api.behaviour.nonce = nonces === 'nonces' ? 'required' : 'never';
    network.mount(new URL(issuer).origin, server.handle);
    network.mount('https://api.test', api.handle);
    const subject = { clientId: 'bench', issuer, profile: helseIdProfile };
    const signer = createFakeSigner({ ...subject, tenancy: 'single-tenant' }, now);
    server.register(signer.addKey());
    const client = createTokenClient({ client: 'bench', ...subject, signer, fetch: network.fetch, now });
    const call = createApiFetch(client, machineTokens(client));
    for (const what of ['cold token', 'warm token', "API's first call", 'further call']) {
      signer.calls.length = 0;
      network.sent.length = 0;
      if (what === 'warm token') at += 12 * 3_600_000;
      if (what.endsWith('token')) await getAccessToken(client);
      else await (await call('https://api.test/v1/things')).text();
      const counts = {
        signatures: signer.calls.flat().length,
        invocations: signer.calls.length,
        'round trips': network.sent.length,
      };
      for (const [of, count] of Object.entries(counts)) {
        const theirs = what === 'warm token' && nonces === 'nonces' ? JAVA[of] : undefined;
        figures.push({
          ...{ what: `${what}, ${nonces}: ${of}`, unit: '', here: [count] },
          peer: theirs === undefined ? undefined : ["NHN's Java library, by npm run test:interop", [theirs]],
          target: theirs === undefined ? undefined : ['value', 'most', theirs - 1],
        });
      }
    }
    await network.close();
  }
  return figures;
}

/** How long a signature takes where KMS takes 8 ms and an invocation 5 ms, beside these two alone. */
export async function benchLatency({ rounds, share }: Scale): Promise<Figure[]> {
  const kms = simulateKms(realTime, () => 8);
  const signer = simulateSigner(realTime, kms, 5);
  const intent = {
    kind: 'dpop_proof',
    client: 'journal',
    method: 'POST',
    url: 'https://helseid-sts.test.nhn.no/token',
  } as const;
  const digest = new SignCommand({
    Message: randomBytes(32),
    KeyId: 'bench',
    SigningAlgorithm: 'ECDSA_SHA_256',
  });
  const alone = async () => {
    await realTime.wait(2.5);
    await kms.send(digest);
    await realTime.wait(2.5);
  };
  const several = (run: () => Promise<unknown>) => async () => {
    const times: number[] = [];
    for (let call = 0; call < 100 * share; call++) times.push(await wallTime(run));
    return times;
  };
  const [here = [], peer = []] = await inTurns(rounds, [
    several(() => signer.sign([intent])),
    several(alone),
  ]);
  return [0.5, 0.99].map((part) => ({
    ...{
      what: `a signature, own, p${part * 100}`,
      unit: 'ms',
      here: here.map((times) => quantile(times, part)),
    },
    peer: ['KMS and invocation alone', peer.map((times) => quantile(times, part))],
    target: part === 0.5 ? ['ratio', 'most', 1.1] : undefined,
  }));
}
