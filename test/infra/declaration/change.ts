import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { defineSystem } from '../../../infra/declaration/define.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import system from '../../one-client.zones.ts';
import own from '../../own-things.zones.ts';

/** Says to {@link changed} that a field goes. */
export const ABSENT = Symbol('absent');

/** A system with everything that a declaration may leave out: login, a multi-tenant client, an exception. */
export const FULL: SystemDeclaration = defineSystem({
  ...system,
  clients: {
    ...system.clients,
    vendor: {
      clientId: 'vendor-1',
      issuer: 'https://as.example.org/realms/health/',
      algorithm: 'PS256',
      tenancy: 'multi-tenant',
      profile: helseIdProfile,
      rotation: { everyDays: 30, longestTokenLifetime: 600 },
    },
  },
  zones: {
    ...system.zones,
    internal: own.zones.internal,
    public: {
      cidr: '10.10.0.0/20',
      gateway: {
        baseUrl: 'https://journal.example.no',
        routes: [{ method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'iam' }],
        login: {
          client: 'journal',
          scopes: ['openid', 'offline_access'],
          requestObject: true,
          idleMinutes: 30,
          absoluteMinutes: 480,
          forward: [{ method: 'GET', path: '/summaries/{id}', to: '/v1/summaries/{id}', api: 'summaries' }],
        },
      },
      grants: [
        {
          client: 'journal',
          requestObjects: true,
          apis: [{ api: 'summaries', methods: ['GET'], paths: ['/v1/summaries/*'] }],
        },
      ],
    },
    partner: {
      cidr: '10.60.0.0/20',
      account: '111122223333',
      events: { function: 'worker', sources: ['partner'], detailTypes: ['Moved'] },
      grants: [
        {
          client: 'vendor',
          details: [{ type: 'helseid_authorization', parent: '974760673', child: '*' }],
          apis: [],
        },
      ],
    },
  },
  exceptions: [
    {
      rule: 'own-data-only',
      resource: 'journal-zone-public/*',
      about: ['sqs:SendMessage'],
      reason: 'Only while the pilot runs.',
    },
  ],
});

/** A copy of {@link FULL}, or of `of`, with one field, given by its path (`zones.public.grants[0].client`), replaced, added or taken away. */
export function changed(path: string, value: unknown, of: unknown = FULL): unknown {
  const copy = structuredClone(of);
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const last = keys.pop() ?? '';
  let place = copy as unknown as Record<string, unknown>;
  for (const key of keys) place = place[key] as Record<string, unknown>;
  if (value === ABSENT) delete place[last];
  else place[last] = value;
  return copy;
}
