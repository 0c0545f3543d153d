import { randomBytes } from 'node:crypto';
import { SignCommand } from '@aws-sdk/client-kms';
import { createFetch } from '@helseid-zones/client/api-fetch';
import type { AwsCaller } from '@helseid-zones/client/aws';
import { signedCalls } from '@helseid-zones/client/call-headers';
import { createTokenGiver } from '@helseid-zones/client/give-tokens';
import { remoteCalls } from '@helseid-zones/client/invoke';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import { createTokenClient } from '@helseid-zones/client/token-client';
import type { Signer } from '@helseid-zones/protocol/intents';
import { describePublicKey, type VerificationKey } from '@helseid-zones/protocol/jwk';
import { createFakeApi } from '../test/fakes/api.ts';
import { createFakeIssuer } from '../test/fakes/issuer.ts';
import { createFakeNetwork } from '../test/fakes/network.ts';
import { createFakeSigner } from '../test/fakes/signer.ts';
import { realTime, simulateKms, simulateSigner } from '../test/fakes/simulated.ts';
import { testGrant } from '../test/functions/signer/grant-fixture.ts';
import { type Figure, inTurns, quantile, type Scale, wallTime } from './figures.ts';

const HOP = 5;
const API = 'https://summaries.example.no';
const CALLED = new URL('/v1/summaries/17', API);
const { client: name, clientId, issuer, profile, tenancy } = testGrant();

/** A zone with its issuer and an API, which calls by itself (`own`) or by its tokens function, `hop` milliseconds away. */
async function openZone(signer: Signer, key: VerificationKey, nonces: boolean, now: () => number, hop = 0) {
  const network = await createFakeNetwork();
  const server = await createFakeIssuer({ issuer, clientId, profile, now });
  const api = createFakeApi({ origin: API, issuer: server, now });
  server.behaviour.nonceAt = nonces ? ['/token'] : [];
  api.behaviour.nonce = nonces ? 'required' : 'never';
  network.mount(issuer, server.handle);
  network.mount(API, api.handle);
  server.register(key);
  const { fetch } = network;
  const make = () => createTokenClient({ client: name, clientId, issuer, profile, signer, fetch, now });
  const [client, other] = [make(), make()];
  const apis = { api: { baseUrl: `${API}/v1`, audience: API, scopes: ['api'], clients: [name] } };
  const give = createTokenGiver({
    config: { zone: 'bench', clients: {}, apis },
    client: () => client,
    audit() {},
  });
  const asked = { count: 0 };
  const call = async ({ body = '' }) => {
    asked.count += 1;
    await realTime.wait(hop / 2);
    const answer = await give(JSON.parse(body));
    await realTime.wait(hop / 2);
    return { headers: new Headers(), body: JSON.stringify(answer) };
  };
  const aws = { call } as unknown as AwsCaller;
  const ways = {
    own: signedCalls(client, machineTokens(client, { scopes: ['api'] })),
    function: remoteCalls({ aws, functionArn: 'bench' }, { api: 'api' }),
  };
  return { network, client, asked, ways, from: { own: client, function: other } };
}

/**
 * Signatures, invocations and round trips to issuer or API, where nonces are demanded and where they are not; beside the first ones what
 * HelseID.Library.Java takes for a warm token, by its `TokenEndpoint`: an assertion and two proofs, in two requests.
 */
export async function benchCalls(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const nonces of [true, false]) {
    let at = 1_790_000_000_000;
    const signer = createFakeSigner({ clientId, issuer, profile, tenancy }, () => at);
    const { network, client, asked, ways, from } = await openZone(signer, signer.addKey(), nonces, () => at);
    const fetched = (way: keyof typeof ways) => createFetch(from[way], ways[way])(CALLED);
    const steps: Record<string, () => Promise<unknown>> = {
      'a cold token': () => getAccessToken(client, { scopes: ['api'] }),
      'a warm token': () => getAccessToken(client, { scopes: ['api'] }),
      "own: an API's first call": () => fetched('own'),
      'own: a further call': () => fetched('own'),
      "function: an API's first call": () => fetched('function'),
      'function: a further call': () => fetched('function'),
    };
    for (const [what, run] of Object.entries(steps)) {
      if (what === 'a warm token') at += 12 * 3_600_000;
      [signer.calls.length, network.sent.length, asked.count] = [0, 0, 0];
      await run();
      const counts = [
        ['signatures', signer.calls.flat().length, 3],
        ['invocations', signer.calls.length + asked.count, undefined],
        ['round trips', network.sent.length, 2],
      ] as const;
      for (const [of, count, java] of counts) {
        const theirs = what === 'a warm token' && nonces ? java : undefined;
        figures.push({
          what: `${what}, ${nonces ? 'nonces' : 'no nonces'}: ${of}`,
          unit: '',
          here: [count],
          peer: theirs ? ["NHN's Java library, counted in its source", [theirs]] : undefined,
          target: theirs ? ['value', 'most', theirs - 1] : undefined,
        });
      }
    }
    await network.close();
  }
  return figures;
}

/** How long a call's headers take where KMS takes 8 ms and an invocation 5 ms, one with `own`, two with `function`, beside these alone. */
export async function benchLatency({ rounds, share }: Scale): Promise<Figure[]> {
  const kms = simulateKms(realTime, () => 8);
  const key = describePublicKey(kms.publicKey, 'ES256');
  const { network, ways } = await openZone(simulateSigner(realTime, kms, HOP), key, false, realTime.now, HOP);
  const input = { KeyId: 'bench', SigningAlgorithm: 'ECDSA_SHA_256' } as const;
  const digest = new SignCommand({ Message: randomBytes(32), ...input });
  const alone = async (waits: number) => {
    for (let wait = 0; wait < waits; wait++) await realTime.wait(HOP / 2);
    await kms.send(digest);
    for (let wait = 0; wait < waits; wait++) await realTime.wait(HOP / 2);
  };
  const headers = async (way: keyof typeof ways) => {
    const call = await ways[way]({ method: 'GET', url: CALLED, signal: undefined });
    await call.headers(undefined);
  };
  const several = (run: () => Promise<unknown>) => async () => {
    const times: number[] = [];
    for (let call = 0; call < 100 * share; call++) times.push(await wallTime(run));
    return times;
  };
  const runs = [() => headers('own'), () => alone(1), () => headers('function'), () => alone(2)];
  for (const run of runs) await run();
  const times = await inTurns(rounds, runs.map(several));
  await network.close();
  return ['own', 'function'].flatMap((way, index) =>
    [0.5, 0.99].map((part): Figure => {
      const [here = [], peer = []] = times
        .slice(2 * index)
        .map((round) => round.map((all) => quantile(all, part)));
      return {
        what: `headers of a call, ${way}, p${part * 100}`,
        unit: 'ms',
        here,
        peer: [`KMS and ${index + 1} invocation${index ? 's' : ''} alone`, peer],
        target: part === 0.5 ? ['ratio', 'most', 1.1] : undefined,
      };
    }),
  );
}
