import type { Grant } from '@helseid-zones/protocol/grant';
import { helseIdProfile } from '@helseid-zones/protocol/profile';

/** A grant like the public zone's of the system of one client, with changes. */
export function testGrant(changes: Partial<Grant> = {}): Grant {
  return {
    version: 1,
    system: 'journal',
    zone: 'public',
    client: 'journal',
    clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
    issuer: 'https://helseid-sts.test.nhn.no',
    tenancy: 'single-tenant',
    profile: helseIdProfile,
    assertions: { details: 'none' },
    proofs: [
      { origin: 'https://helseid-sts.test.nhn.no', methods: ['POST'], paths: ['/*'], ath: false },
      {
        origin: 'https://summaries.example.no',
        methods: ['GET'],
        paths: ['/v1/status', '/v1/summaries/*'],
        ath: true,
      },
    ],
    requestObjects: false,
    ...changes,
  };
}
