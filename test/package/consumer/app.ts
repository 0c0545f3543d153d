import { createMemorySigner, helseIdProfile, isZonesError, type Signer } from '@helseid-zones/client';
import { buildApp, defineSystem, deriveGrants } from '@helseid-zones/infra';

const system = defineSystem({
  name: 'lab',
  clients: {
    lab: {
      clientId: 'lab-client',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'PS256',
      tenancy: 'multi-tenant',
      profile: helseIdProfile,
    },
  },
  apis: { answers: { baseUrl: 'https://answers.example.no', audience: 'answers', scopes: ['answers/read'] } },
  signing: { cidr: '10.3.0.0/20' },
  zones: {
    inner: {
      cidr: '10.1.0.0/20',
      events: { function: 'worker', sources: ['lab'], detailTypes: ['Answered'] },
      grants: [{ client: 'lab', apis: [{ api: 'answers', methods: ['GET'], paths: ['/*'] }] }],
    },
    admin: { cidr: '10.4.0.0/20', admin: true, grants: [] },
  },
});

const stacks = buildApp(system)
  .synth()
  .stacks.map(({ stackName }) => stackName);
if (!stacks.includes('lab-signing') || deriveGrants(system).length !== 2) throw new Error(stacks.join());

try {
  defineSystem({ ...system, name: 'a-b' });
  throw new Error('a name with a hyphen was taken');
} catch (error) {
  if (!isZonesError(error, 'declaration_invalid')) throw error;
}

const make: (...args: Parameters<typeof createMemorySigner>) => Signer = createMemorySigner;
console.log(`${stacks.length} stacks, ${typeof make}`);
