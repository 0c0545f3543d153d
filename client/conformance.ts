import assert from 'node:assert/strict';
import { isZonesError } from '@helseid-zones/protocol/errors';
import type { Grant } from '@helseid-zones/protocol/grant';
import type { Intent, Signature, Signer } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { calculateJwkThumbprint, compactVerify, exportJWK } from 'jose';
import {
  API,
  ATH,
  apiProof,
  assertion,
  FAULTS,
  type Fault,
  GRANT,
  REFUSED,
  SIGNED,
  START,
  tokenProof,
} from './conformance-cases.ts';
import type { HeldKey, SignDigest } from './create-signer.ts';

/**
 * Conformance of signers: what every signer must do and refuse, whoever holds the key. For tests.
 * @module
 */

/** What a signer is made for, a case at a time. */
export interface SignerSetup {
  /** What `createSigner` takes beside keys and `sign`. */
  for: { client: string; subject: Grant; grant: Grant; now: () => number };
  /** Goes around what signs a digest: faults come by it, and what signs is counted. */
  through: (sign: SignDigest) => SignDigest;
}

/** A signer with the public halves of its keys, current first, newest last: two at least. */
export interface SignerUnderTest {
  signer: Signer;
  keys: readonly HeldKey[];
}

/** Makes a new signer of the same keys. */
export type MakeSigner = (setup: SignerSetup) => SignerUnderTest | Promise<SignerUnderTest>;

/** One case, for any test runner: `run` throws where the signer is not right. */
export interface SignerCase {
  name: string;
  run: () => Promise<void>;
}

/**
 * The cases that any signer must pass, each with a new one of `make`. Verifies with `jose`, which no signer uses.
 *
 * @example
 * ```ts
 * import { test } from 'node:test';
 * import { createSigner, type HeldKey, type SignDigest } from '@helseid-zones/client';
 * import { signerCases } from '@helseid-zones/client/conformance';
 *
 * declare const mine: { keys: [HeldKey, HeldKey]; sign: SignDigest };
 *
 * const cases = signerCases((setup) => ({
 *   signer: createSigner({ ...setup.for, keys: mine.keys, sign: setup.through(mine.sign) }),
 *   keys: mine.keys,
 * }));
 * for (const { name, run } of cases) test(name, run);
 * ```
 */
export function signerCases(make: MakeSigner): SignerCase[] {
  const named = (name: string, run: (world: World) => Promise<void>): SignerCase => ({
    name,
    run: async () => run(await makeWorld(make)),
  });
  return [
    ...SIGNED.map(([name, intent, expected]) =>
      named(`signs: ${name}`, async (world) => {
        const { jti, ...claims } = await world.read(intent);
        assert.ok(String(jti).length >= 20, 'jti has 128 random bits');
        assert.deepEqual(claims, expected);
      }),
    ),
    ...Object.entries(CASES).map(([name, run]) => named(name, run)),
    ...Object.entries(REFUSED).map(([name, [given, code]]) =>
      named(`refuses before anything is signed: ${name}`, async (world) => {
        const kid = (Object(given) as { kid?: string }).kid;
        const intent = kid === 'current' ? { ...Object(given), kid: world.current.kid } : given;
        await world.fails(given === undefined ? [] : [tokenProof, intent], code);
        assert.equal(world.signed(), 0);
      }),
    ),
    ...Object.entries(FAULTS).map(([name, [fault, ...codes]]) =>
      named(`releases nothing where what holds the key ${name}`, async (world) => {
        world.fault = fault;
        await world.fails([assertion, tokenProof], ...codes);
        world.fault = undefined;
        assert.equal((await world.sign([assertion])).length, 1);
      }),
    ),
  ];
}

type Described = HeldKey & { kid: string };
type World = Awaited<ReturnType<typeof makeWorld>>;

const CASES: Readonly<Record<string, (world: World) => Promise<void>>> = {
  'a proof names nonce and token that it was asked for with': async (world) => {
    const claims = await world.read({ ...apiProof, nonce: 'n-1', ath: ATH, kid: world.current.kid });
    assert.deepEqual([claims['nonce'], claims['ath']], ['n-1', ATH]);
  },
  'every signature is of its own time, and has an id of its own': async (world) => {
    const first = await world.read(tokenProof);
    world.clock.now += 2000;
    const second = await world.read(tokenProof);
    assert.equal(Number(second['iat']) - Number(first['iat']), 2);
    assert.notEqual(first['jti'], second['jti']);
  },
  'eight intents are answered in their order': async (world) => {
    const intents = Array.from({ length: 8 }, (_, at) => ({ ...apiProof, url: `${API}/v1/summaries/${at}` }));
    const signed = (await world.sign(intents)).map((each) => partsOf(each).claims['htu']);
    const urls = intents.map(({ url }) => url);
    assert.deepEqual(signed, urls);
  },
  'nine intents are too many': async (world) => {
    await world.fails(new Array(9).fill(tokenProof), 'request_malformed');
  },
  'a signature of more than five seconds is not released': async (world) => {
    world.fault = (signed) => {
      world.clock.now += 5001;
      return signed;
    };
    await world.fails([assertion], 'signature_late');
  },
  'members that are undefined are absent': async (world) => {
    const intent = { ...tokenProof, ath: undefined, nonce: undefined } as unknown as Intent;
    assert.deepEqual(Object.keys(await world.read(intent)).sort(), ['htm', 'htu', 'iat', 'jti']);
  },
  'kid and jkt are the thumbprint of the current key, every time': async (world) => {
    for (const { kid, jkt } of await world.sign([assertion, tokenProof, assertion]))
      assert.deepEqual([kid, jkt], [world.current.kid, world.current.kid]);
  },
  'a proof for a token of another key is made by that one': async (world) => {
    await world.read({ ...apiProof, ath: ATH, kid: world.newest.kid }, world.newest);
  },
  'an assertion by a pinned key is made by that one': async (world) => {
    await world.read({ ...assertion, kid: world.newest.kid }, world.newest);
  },
  'the newest key signs an assertion that asks for it': async (world) => {
    await world.read({ ...assertion, key: 'newest' }, world.newest);
  },
  'a batch across a rotation has a key for each intent': async (world) => {
    const { current, newest } = world;
    const kids = [current, newest, current].map(({ kid }) => kid);
    const signatures = await world.sign(kids.map((kid) => ({ ...assertion, kid })));
    const signed = signatures.map(({ kid }) => kid);
    assert.deepEqual(signed, kids);
  },
  'another signer of the same keys says the same of them': async (world) => {
    const { signer } = await world.again();
    const [signature] = await signer.sign([assertion]);
    assert.equal(signature?.kid, world.current.kid);
  },
};

async function makeWorld(make: MakeSigner) {
  const clock = { now: START };
  let count = 0;
  const setup: SignerSetup = {
    for: { client: GRANT.client, subject: GRANT, grant: GRANT, now: () => clock.now },
    through: (sign) => async (digest, algorithm, context) => {
      count += 1;
      const signed = await sign(digest, algorithm, context);
      return world.fault ? world.fault(signed, algorithm) : signed;
    },
  };
  const { signer, keys } = await make(setup);
  const described = await Promise.all(
    keys.map(async (key) => ({ ...key, kid: await calculateJwkThumbprint(await exportJWK(key.publicKey)) })),
  );
  const [current, newest] = [described[0], described.at(-1)];
  assert.ok(current && newest && current.kid !== newest.kid, 'make gives two keys at least');

  const world = {
    clock,
    current,
    newest,
    fault: undefined as Fault | undefined,
    signed: () => count,
    again: () => make(setup),
    sign: (intents: readonly Intent[]): Promise<Signature[]> => signer.sign(intents),
    /** Signs, and gives the claims of a signature that `key` verifies, of the kind that was asked for, with a header of just these members. */
    async read(intent: Intent, { kid, publicKey, algorithm: alg }: Described = current) {
      const [signature, ...others] = await signer.sign([intent]);
      assert.ok(signature && others.length === 0, 'one signature an intent');
      assert.deepEqual([signature.kid, signature.jkt], [kid, kid]);
      await compactVerify(signature.jws, publicKey, { algorithms: [alg] });
      const { header, claims } = partsOf(signature);
      const { assertionTyp, requestObjectTyp } = helseIdProfile;
      const headers = {
        client_assertion: { alg, typ: assertionTyp, kid },
        dpop_proof: { alg, typ: 'dpop+jwt', jwk: await exportJWK(publicKey) },
        request_object: { alg, typ: requestObjectTyp, kid },
      };
      assert.deepEqual(header, headers[intent.kind]);
      return claims;
    },
    async fails(intents: readonly unknown[], ...codes: string[]): Promise<void> {
      await assert.rejects(signer.sign(intents as Intent[]), (error) => {
        assert.ok(isZonesError(error), `a coded error, not ${error}`);
        assert.ok(codes.includes(error.code), `${error.code}, not ${codes.join(' or ')}`);
        const said = `${error.message}${JSON.stringify(error.facts)}`;
        assert.doesNotMatch(said, /\w+\.\w+\.[\w-]{20}/, 'no token');
        return true;
      });
    },
  };
  return world;
}

function partsOf({ jws }: Signature): Record<'header' | 'claims', Record<string, unknown>> {
  const [header, claims] = jws.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header ?? ''), claims: JSON.parse(claims ?? '') };
}
