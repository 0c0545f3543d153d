import { defineSystem } from '../infra/declaration/define.ts';
import system from './one-client.zones.ts';

/** The system of one client, whose functions have things of their own: a table that two share, a queue, secrets, schedules, a host, a webhook; one is in Python. */
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
            path: '/hooks/lab',
            function: 'summary',
            authorize: 'webhook',
            webhook: { secret: 'lab' },
          },
        ],
      },
      functions: { summary: { secrets: ['lab'] } },
    },
    internal: {
      ...system.zones.internal,
      functions: {
        worker: {
          environment: { PAGE_SIZE: '50' },
          timeout: 60,
          memory: 1024,
          tables: {
            letters: { partitionKey: { name: 'id' }, sortKey: { name: 'at', type: 'N' }, ttl: 'gone' },
            drafts: { partitionKey: { name: 'id' } },
          },
          queues: ['outbox'],
          secrets: ['partner-key'],
          hosts: ['sftp.partner.no'],
        },
        summary: {
          tables: { letters: { of: 'worker', access: 'read' } },
          reads: ['outbox'],
          events: {
            sources: ['journal.letters'],
            detailTypes: ['LetterRead'],
            detail: { status: ['read', null], reader: { age: [7, 8] } },
          },
          secrets: ['mail'],
          schedules: { nightly: 'cron(0 3 * * ? *)', often: 'rate(5 minutes)' },
        },
        labels: {
          runtime: 'python3.13',
          code: 'test/languages/labels',
          environment: { GREETING: 'hei' },
          queues: ['outbox'],
          schedules: { hourly: 'rate(1 hour)' },
        },
      },
    },
  },
});
