import { helseIdProfile } from '../client/profile.ts';
import { defineSystem } from '../infra/declaration/define.ts';

/**
 * Two zones whose scopes differ, so each uses a client of its own. An assertion buys any scope of its client: with one
 * client, whoever takes over the public zone could get tokens for prescriptions as well. Here the registrations differ,
 * and so do keys, records, signers and what HelseID gives (I3a).
 */
export default defineSystem({
  name: 'pharmacy',

  clients: {
    // Registered at HelseID for status/read alone.
    patients: {
      clientId: '5c0f0f7e-3f0b-4b9c-9a58-6d6c2f6f1a01',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'ES256',
      tenancy: 'multi-tenant',
      profile: helseIdProfile,
    },
    // Registered for prescriptions/write alone, and rotated through the self-service API.
    prescriber: {
      clientId: '0d2b8a40-93a5-4a1e-8c61-2f3f8f0c7e02',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'PS256',
      tenancy: 'single-tenant',
      profile: helseIdProfile,
      selfService: {
        baseUrl: 'https://api.selvbetjening.test.nhn.no',
        audience: 'nhn:selvbetjening',
        scope: 'nhn:selvbetjening/client',
        body: 'object',
      },
      rotation: { everyDays: 30, longestTokenLifetime: 600 },
    },
  },

  apis: {
    status: {
      baseUrl: 'https://status.example.no/v2',
      audience: 'example:status',
      scopes: ['example:status/read'],
    },
    prescriptions: {
      baseUrl: 'https://prescriptions.example.no',
      audience: 'example:prescriptions',
      scopes: ['example:prescriptions/write'],
    },
  },

  signing: { cidr: '10.50.0.0/20' },

  zones: {
    public: {
      cidr: '10.51.0.0/20',
      gateway: {
        routes: [{ method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'helseid' }],
        // Who calls shows a token of HelseID's for this API, bound to the caller's key.
        authorizer: { client: 'patients', audience: 'example:pharmacy', scopes: ['example:pharmacy/read'] },
      },
      grants: [
        {
          client: 'patients',
          // A vendor of many organisations: HelseID checks that each has delegated to it.
          details: 'any',
          apis: [{ api: 'status', methods: ['GET'], paths: ['/orders/*'] }],
        },
      ],
    },
    dispensing: {
      cidr: '10.52.0.0/20',
      events: { function: 'worker', sources: ['pharmacy.orders'], detailTypes: ['OrderDispensed'] },
      grants: [
        {
          client: 'prescriber',
          details: [{ type: 'helseid_authorization', child: '974760673' }],
          apis: [
            { api: 'prescriptions', methods: ['POST', 'PUT'], paths: ['/dispensings', '/dispensings/*'] },
          ],
        },
      ],
    },
    admin: { cidr: '10.53.0.0/20', admin: true, grants: [] },
  },
});
