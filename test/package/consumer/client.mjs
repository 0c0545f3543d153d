import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { createRequire } from 'node:module';
import { connectZone, createSigner, helseIdProfile } from '@helseid-zones/client';
import { signerCases } from '@helseid-zones/client/conformance';
import { startTestZone } from '@helseid-zones/client/testing';

const schema = createRequire(import.meta.url)('@helseid-zones/client/protocol/sign-request.schema.json');
if (schema.type !== 'object') throw new Error('no schema');

const issuer = 'https://helseid-sts.test.nhn.no';
const subject = { clientId: 'lab', issuer, tenancy: 'single-tenant', profile: helseIdProfile };
const answers = { baseUrl: 'https://answers.example.no', audience: 'answers', scopes: ['answers/read'] };
const zone = startTestZone({
  config: {
    version: 1,
    system: 'lab',
    zone: 'inner',
    routes: [],
    clients: { lab: subject },
    apis: { answers: { ...answers, clients: ['lab'] } },
  },
  grants: [
    {
      version: 1,
      system: 'lab',
      zone: 'inner',
      client: 'lab',
      ...subject,
      assertions: { details: 'none' },
      requestObjects: false,
      proofs: [
        { origin: issuer, methods: ['POST'], paths: ['/*'], ath: false },
        { origin: answers.baseUrl, methods: ['GET'], paths: ['/*'], ath: true },
      ],
    },
  ],
});
const { status } = await connectZone().api('answers')('/v1/17');
if (status !== 200 || zone.calls.length !== 1) throw new Error(zone.refused.join());
zone.close();

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keys = [{ publicKey: createPublicKey(privateKey), algorithm: 'ES256' }];
const broken = { sign: async (digest) => ({ signature: sign('sha256', digest, privateKey), format: 'der' }) };
const signer = createSigner({ client: 'lab', subject, keys, ...broken });
const refused = await signer
  .sign([{ kind: 'client_assertion', client: 'lab', issuer }])
  .catch(({ code }) => code);
if (refused !== 'kms_refused' || signerCases(() => ({ signer, keys })).length < 40) throw new Error(refused);
console.log(`Node ${process.versions.node}: the client calls an API`);
