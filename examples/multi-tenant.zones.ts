import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { defineSystem } from '../infra/declaration/define.ts';

/**
 * A vendor of many organisations: one multi-tenant client that names the organisation each time, and a route for callers who show
 * a HelseID token of their own, bound to their key. Without selfService: keys are registered by hand in the portal.
 */
export default defineSystem({
  name: 'vendor',

  clients: {
    orders: {
      clientId: '5c0f0f7e-3f0b-4b9c-9a58-6d6c2f6f1a01',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'PS256',
      tenancy: 'multi-tenant',
      profile: helseIdProfile,
      rotation: { everyDays: 30, longestTokenLifetime: 600 },
    },
  },

  apis: {
    summaries: {
      baseUrl: 'https://summaries.example.no',
      audience: 'example:summaries',
      scopes: ['example:summaries/read'],
    },
  },

  signing: { cidr: '10.50.0.0/20' },

  zones: {
    public: {
      cidr: '10.51.0.0/20',
      gateway: {
        routes: [{ method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'helseid' }],
        authorizer: { client: 'orders', audience: 'example:vendor', scopes: ['example:vendor/read'] },
      },
      grants: [
        {
          client: 'orders',
          // Any organisation that has delegated to the vendor, which HelseID checks.
          details: [{ type: 'helseid_authorization', parent: '*', child: '*' }],
          apis: [{ api: 'summaries', methods: ['GET'], paths: ['/v1/summaries/*'] }],
        },
      ],
    },
    admin: { cidr: '10.53.0.0/20', admin: true, grants: [] },
  },
});
