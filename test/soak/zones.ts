import { defineSystem } from '../../infra/declaration/define.ts';
import system from '../two-clients.zones.ts';

/** The system of two clients with a webhook: what it takes of it is answered as a summary that is read. */
export default defineSystem({
  ...system,
  zones: {
    ...system.zones,
    public: {
      ...system.zones.public,
      gateway: {
        ...system.zones.public.gateway,
        routes: [
          { method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'iam' },
          {
            method: 'POST',
            path: '/hooks/{id}',
            function: 'summary',
            authorize: 'webhook',
            webhook: { secret: 'lab' },
          },
        ],
      },
      functions: { summary: { secrets: ['lab'] } },
    },
  },
});
