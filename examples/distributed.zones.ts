import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { defineSystem } from '../infra/declaration/define.ts';

const helseId = {
  issuer: 'https://helseid-sts.test.nhn.no',
  algorithm: 'ES256',
  tenancy: 'single-tenant',
  profile: helseIdProfile,
  selfService: {
    baseUrl: 'https://api.selvbetjening.test.nhn.no',
    audience: 'nhn:selvbetjening',
    scope: 'nhn:selvbetjening/client',
    body: 'object',
  },
} as const;

/**
 * HelseID's guideline within one network, and across them: the client `journal` is used in KMS by whatever zone has a grant for it; the
 * client `reporting` has its key in Secrets Manager, where one function of one zone makes, reads and replaces it: docs/patterns.md.
 */
export default defineSystem({
  name: 'surgery',

  clients: { journal: { ...helseId, clientId: '0d2a7c41-5b7e-4a09-8e26-1a4b9f3c6d55' } },

  apis: {
    documents: {
      baseUrl: 'https://documents.example.no/fhir',
      audience: 'example:documents',
      scopes: ['example:documents/write'],
    },
    summaries: {
      baseUrl: 'https://summaries.example.no',
      audience: 'example:summaries',
      scopes: ['example:summaries/read'],
    },
  },

  signing: { cidr: '10.30.0.0/20' },

  zones: {
    records: {
      cidr: '10.10.0.0/20',
      events: { function: 'worker', sources: ['journal.documents'], detailTypes: ['DocumentCreated'] },
      grants: [
        {
          client: 'journal',
          details: [{ type: 'helseid_authorization', child: '*' }],
          apis: [{ api: 'documents', methods: ['POST'], paths: ['/DocumentReference'] }],
        },
      ],
    },

    // Has nothing signed, and so no grant: its function signs by itself.
    reports: {
      cidr: '10.20.0.0/20',
      grants: [],
      functions: {
        report: {
          schedules: { nightly: 'cron(0 2 * * ? *)', rotate: 'rate(60 days)' },
          // Rotation waits until HelseID honours the new key.
          timeout: 120,
          clientKeys: {
            reporting: { ...helseId, clientId: '7e5f0b92-3c1d-4f68-9a34-2b8d6e1f7c03', apis: ['summaries'] },
          },
        },
      },
    },

    admin: { cidr: '10.40.0.0/20', admin: true, grants: [] },
  },
});
