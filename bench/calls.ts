import { randomBytes } from 'node:crypto';
import { SignCommand } from '@aws-sdk/client-kms';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import { createTokenClient } from '@helseid-zones/client/token-client';
import type { Signer } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { createFakeApi } from '../test/fakes/api.ts';
import { createFakeIssuer } from '../test/fakes/issuer.ts';
import { createFakeNetwork } from '../test/fakes/network.ts';
import { createFakeSigner } from '../test/fakes/signer.ts';
import { alone, beside, type Figure, inTurns, type Part, quantile, type Scale } from './figures.ts';
import { realTime, simulateKms, simulateSigner } from './world.ts';

const ISSUER = 'https://sts.test/session-1';
const API = 'https://api.test';
const DAY = 24 * 3_600_000;

/** Signatures, invocations of the signer and round trips to the issuer or API, by what is done and whether nonces are demanded. */
export async function benchCalls(): Promise<Part> {
  const figures: Figure[] = [];
  for (const nonces of [true, false]) {
    const counted = await countCalls(nonces);
    for (const [what, counts] of Object.entries(counted))
      for (const [of, count] of Object.entries(counts)) {
        const name = `${what}, ${nonces ? 'nonces demanded' : 'no nonces'}: ${of}`;
        const [peer, most] = (nonces && JAVA[what]?.[of]) || [];
        const target = { of: 'value', most: most ?? 0 } as const;
        figures.push(
          peer === undefined
            ? alone(name, '', [count])
            : beside(name, '', [count], ["NHN's Java library", [peer]], target),
        );
      }
  }
  return {
    figures,
    notes: [
      "NHN's Java library: as `npm run test:interop` sees it ask the stand-in for a token; it is not run here.",
    ],
  };
}

/** What HelseID.Library.Java does for a token where nonces are demanded, an assertion and two proofs in two requests; and the target here. */
const JAVA: Readonly<Record<string, Readonly<Record<string, readonly [theirs: number, most: number]>>>> = {
  'a warm token': { signatures: [3, 2], 'round trips': [2, 1] },
};

async function countCalls(nonces: boolean) {
  let now = 1_790_000_000_000;
  const clock = () => now;
  const network = await createFakeNetwork();
  try {
    const issuer = await createFakeIssuer({
      issuer: ISSUER,
      clientId: 'bench',
      profile: helseIdProfile,
      now: clock,
    });
    const api = createFakeApi({ origin: API, issuer, now: clock });
    issuer.behaviour.nonceAt = nonces ? ['/token'] : [];
    api.behaviour.nonce = nonces ? 'required' : 'never';
    network.mount(new URL(ISSUER).origin, issuer.handle);
    network.mount(API, api.handle);
    const subject = {
      clientId: 'bench',
      issuer: ISSUER,
      tenancy: 'single-tenant',
      profile: helseIdProfile,
    } as const;
    const behind = createFakeSigner(subject, clock);
    issuer.register(behind.addKey());
    const counts = { signatures: 0, invocations: 0 };
    const signer: Signer = {
      sign(intents) {
        counts.invocations += 1;
        counts.signatures += intents.length;
        return behind.sign(intents);
      },
    };
    const of = { client: 'bench', clientId: 'bench', issuer: ISSUER, profile: helseIdProfile };
    const client = createTokenClient({ ...of, signer, fetch: network.fetch, now: clock });
    const call = createApiFetch(client, machineTokens(client));
    const count = async (run: () => Promise<unknown>) => {
      const before = { ...counts, sent: network.sent.length };
      await run();
      return {
        signatures: counts.signatures - before.signatures,
        invocations: counts.invocations - before.invocations,
        'round trips': network.sent.length - before.sent,
      };
    };
    const called = async () => {
      const response = await call(`${API}/v1/things`);
      if (response.status !== 200) throw new Error(`The API answered ${response.status}.`);
    };
    const cold = await count(() => getAccessToken(client));
    now += DAY / 2;
    const warm = await count(() => getAccessToken(client));
    const first = await count(called);
    return {
      'a cold token': cold,
      'a warm token': warm,
      'the first call of an API': first,
      'a further call': await count(called),
    };
  } finally {
    await network.close();
  }
}

/** How long a signature takes where KMS takes 8 ms and an invocation 5 ms, beside these two alone. */
export async function benchLatency({ rounds, share }: Scale): Promise<Part> {
  const kms = simulateKms(realTime, () => 8);
  const signer = simulateSigner(realTime, kms, { hop: 5 });
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
  const both = async () => {
    await realTime.wait(2.5);
    await kms.kms.send(digest);
    await realTime.wait(2.5);
  };
  const at = async (part: number, run: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let call = 0; call < 100 * share; call++) {
      const start = performance.now();
      await run();
      times.push(performance.now() - start);
    }
    return quantile(times, part);
  };
  const figures: Figure[] = [];
  for (const [name, part, target] of [
    ['p50', 0.5, { most: 1.1 }],
    ['p99', 0.99, undefined],
  ] as const) {
    const { ours, sum } = await inTurns(rounds, {
      ours: () => at(part, () => signer.sign([intent])),
      sum: () => at(part, both),
    });
    figures.push(beside(`a signature, own, ${name}`, 'ms', ours, ['KMS and invocation alone', sum], target));
  }
  return { figures };
}
