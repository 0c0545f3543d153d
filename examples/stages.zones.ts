import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { defineSystem } from '../infra/declaration/define.ts';

/** What differs, by stage; `--stage NAME` (`-c stage=NAME` for the CDK) says which. */
export const stages = {
  test: {
    account: '111111111111',
    clientId: '1b0f5a52-7a3e-4f0c-9a57-0c4b1de1a001',
    issuer: 'https://helseid-sts.test.nhn.no',
    selfService: 'https://api.selvbetjening.test.nhn.no',
    summaries: 'https://summaries.test.example.no',
    availabilityZones: 1,
    signerConcurrency: 2,
    everyDays: 7,
  },
  production: {
    account: '222222222222',
    clientId: '1b0f5a52-7a3e-4f0c-9a57-0c4b1de1a002',
    issuer: 'https://helseid-sts.nhn.no',
    selfService: 'https://api.selvbetjening.nhn.no',
    summaries: 'https://summaries.example.no',
    availabilityZones: 3,
    signerConcurrency: 20,
    everyDays: 60,
  },
} as const;

/**
 * One system in two stages, each in an account of its own with the same names. In one account each would need another `name`, and
 * one of them `apiGatewayAccount: false`.
 */
const system = (stage: keyof typeof stages) => {
  const own = stages[stage];
  return defineSystem({
    name: 'summaries',
    account: own.account,
    region: 'eu-north-1',
    availabilityZones: own.availabilityZones,

    clients: {
      reader: {
        clientId: own.clientId,
        issuer: own.issuer,
        algorithm: 'ES256',
        tenancy: 'single-tenant',
        profile: helseIdProfile,
        selfService: {
          baseUrl: own.selfService,
          audience: 'nhn:selvbetjening',
          scope: 'nhn:selvbetjening/client',
          body: 'object',
        },
        rotation: { everyDays: own.everyDays, longestTokenLifetime: 3600 },
      },
    },

    apis: {
      summaries: {
        baseUrl: own.summaries,
        audience: 'example:summaries',
        scopes: ['example:summaries/read'],
      },
    },

    signing: { cidr: '10.60.0.0/20' },

    zones: {
      public: {
        cidr: '10.61.0.0/20',
        gateway: {
          routes: [{ method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'iam' }],
        },
        grants: [
          {
            client: 'reader',
            apis: [{ api: 'summaries', methods: ['GET'], paths: ['/v1/summaries/*'] }],
            signerConcurrency: own.signerConcurrency,
          },
        ],
      },
      admin: { cidr: '10.62.0.0/20', admin: true, grants: [] },
    },
  });
};

export default system;
