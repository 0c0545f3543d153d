import { readFileSync } from 'node:fs';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { defineSystem } from '../infra/declaration/define.ts';

/**
 * A system that nothing of reaches the internet: one zone is attached to a transit gateway that leads to Helsenettet, one to a VPN
 * gateway, and one lies in a VPC that is there and goes through its owner's proxy. Ids, ranges and hosts are examples: docs/helsenettet.md.
 */
export default defineSystem({
  name: 'kommune',

  clients: {
    journal: {
      clientId: '0d2a7c41-5b7e-4a09-8e26-1a4b9f3c6d55',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'ES256',
      tenancy: 'single-tenant',
      profile: helseIdProfile,
    },
    archive: {
      clientId: '7e5f0b92-3c1d-4f68-9a34-2b8d6e1f7c03',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'ES256',
      tenancy: 'single-tenant',
      profile: helseIdProfile,
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
    },
  },

  signing: { cidr: '10.30.0.0/20' },

  // Every line of the signers also goes to the account that watches the others: docs/operating.md.
  audit: { export: 'arn:aws:logs:eu-north-1:444455556666:destination:audit' },

  zones: {
    // Attached to the transit gateway by the deploy; the issuer is reached over Helsenettet too.
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
      exits: {
        helsenettet: {
          hosts: ['helseid-sts.test.nhn.no', 'documents.example.no'],
          through: 'tgw-0a1b2c3d4e5f60718',
          cidrs: ['91.186.92.124/32', '91.186.86.41/32', '91.186.80.0/24'],
        },
      },
    },

    // In a VPC that is there, whose owner lets nothing out but what goes through a proxy.
    portal: {
      cidr: '10.20.0.0/20',
      network: {
        vpcId: 'vpc-0a1b2c3d4e5f60718',
        subnets: [
          { subnetId: 'subnet-0a1b2c3d4e5f60718', routeTableId: 'rtb-0a1b2c3d4e5f60718' },
          { subnetId: 'subnet-0b1b2c3d4e5f60718', routeTableId: 'rtb-0b1b2c3d4e5f60718' },
        ],
      },
      gateway: {
        routes: [{ method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'iam' }],
      },
      grants: [
        {
          client: 'archive',
          apis: [{ api: 'summaries', methods: ['GET'], paths: ['/v1/summaries/*'] }],
        },
      ],
      exits: {
        proxy: {
          hosts: ['helseid-sts.test.nhn.no', 'summaries.example.no'],
          cidrs: ['10.200.4.0/28'],
          ports: [3128],
          proxy: {
            url: 'http://proxy.kommune.example.no:3128',
            ca: readFileSync(new URL('./proxy-ca.pem', import.meta.url), 'utf8'),
          },
        },
      },
    },

    admin: {
      cidr: '10.40.0.0/20',
      admin: true,
      grants: [],
      exits: {
        helsenettet: {
          hosts: ['helseid-sts.test.nhn.no'],
          through: 'vgw-0a1b2c3d4e5f60718',
          cidrs: ['91.186.92.124/32', '91.186.86.41/32'],
        },
      },
    },
  },
});
