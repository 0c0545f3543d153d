import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { defineSystem } from './infra/declaration/define.ts';

const selfService = {
  baseUrl: 'https://api.selvbetjening.test.nhn.no',
  audience: 'nhn:selvbetjening',
  scope: 'nhn:selvbetjening/client',
  body: 'object',
} as const;

/** The system. This is the file you edit; everything else derives from it. */
const system = defineSystem({
  name: 'journal',

  // An assertion buys any scope of its client, so zones that need different scopes use different clients: whoever takes over
  // the public zone gets no token to write documents.
  clients: {
    portal: {
      clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'ES256',
      tenancy: 'single-tenant',
      profile: helseIdProfile,
      selfService,
      rotation: { everyDays: 60, longestTokenLifetime: 3600 },
    },
    submission: {
      clientId: '2f6b1d9a-0c3e-4b58-8d17-5e9a7c4f3d20',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'ES256',
      tenancy: 'single-tenant',
      profile: helseIdProfile,
      selfService,
      rotation: { everyDays: 60, longestTokenLifetime: 3600 },
    },
  },

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
      // Tokens for this API alone (RFC 8707), also of a person whose login covers several.
      resource: 'example:summaries',
    },
  },

  signing: { cidr: '10.30.0.0/20' },

  zones: {
    public: {
      cidr: '10.10.0.0/20',
      gateway: {
        // For the vendor's own systems, which sign with SigV4.
        routes: [{ method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'iam' }],
        // For health personnel in a browser: docs/login.md.
        login: {
          client: 'portal',
          scopes: [
            'openid',
            'profile',
            'offline_access',
            'helseid://scopes/identity/pid',
            'helseid://scopes/identity/security_level',
            'helseid://scopes/hpr/hpr_number',
            'example:summaries/read',
          ],
          securityLevel: '4',
          forward: [{ method: 'GET', path: '/summaries/{id}', api: 'summaries', to: '/v1/summaries/{id}' }],
        },
      },
      grants: [
        {
          client: 'portal',
          // The child organisation that a logged-in person works for.
          details: [{ type: 'helseid_authorization', child: '*' }],
          apis: [{ api: 'summaries', methods: ['GET'], paths: ['/v1/summaries/*'] }],
        },
      ],
    },
    internal: {
      cidr: '10.20.0.0/20',
      // One function of the zone has things signed and gives the others ready headers: whoever takes over the worker gets no
      // token of another scope (docs/tokens.md).
      tokens: 'function',
      events: { function: 'worker', sources: ['journal.documents'], detailTypes: ['DocumentCreated'] },
      grants: [
        {
          client: 'submission',
          // The child organisation on whose behalf a document is submitted.
          details: [{ type: 'helseid_authorization', child: '*' }],
          apis: [{ api: 'documents', methods: ['POST'], paths: ['/DocumentReference'] }],
        },
      ],
    },
    admin: { cidr: '10.40.0.0/20', admin: true, grants: [] },
  },
});

export default system;

declare module '@helseid-zones/client/system' {
  /** Names of this declaration complete in functions, and wrong ones are errors there. */
  interface Register {
    system: typeof system;
  }
}
