import { createLog } from '@helseid-zones/client/log';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { expect, test } from 'vitest';
import { countRequests } from '../../../../client/zone-clients.ts';
import { renderFigures } from '../../../../local/app/page/document.ts';
import { countFigures } from '../../../../local/app/page/figures.ts';
import type { LocalSystem } from '../../../../local/app/system.ts';
import { openQueues } from '../../../../local/aws/sqs/queues.ts';
import { memoryDocument } from '../../../../local/aws/state.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import shipped from '../../../two-clients.zones.ts';

const settings = { visibilityTimeout: 30, retention: 60, kmsKeyId: undefined, redrive: undefined };
const queues = ['journal-internal-events', 'journal-internal-events-dead'].map((name) => ({
  ...settings,
  name,
  arn: name,
  url: name,
}));

/** The figures of the shipped declaration: a row by its zone, of a table by its title. */
function start() {
  const trail = createTrail(() => 0);
  const table = openQueues(memoryDocument({ queues: {} }), queues, Date.now);
  const aws = { queues: table };
  const figures = countFigures({ declaration: shipped, aws, trail } as unknown as LocalSystem);
  const row = (title: string, zone: string) => {
    const found = figures().find((one) => one.title === title);
    return found?.rows.find(([first]) => first === zone)?.slice(1);
  };
  return { trail, table, figures, row };
}

test('count what functions write as metrics, each zone and client for itself', () => {
  const { trail, figures, row } = start();
  const [zone, client] = ['internal', shipped.zones.internal?.grants[0]?.client ?? ''];
  const add = (line: string) => trail.add({ kind: 'log', function: 'x', fields: JSON.parse(line) });
  const { count } = createLog({ service: shipped.name, zone, env: {}, write: add });
  count({ Signed: 3, KmsLatency: 20 }, { client, kind: 'dpop_proof' });
  for (const KmsLatency of [30, 10]) count({ KmsLatency }, { client, kind: 'dpop_proof' });
  count({ Signed: 1, KmsLatency: 900 }, { client, kind: 'client_assertion' });
  count({ Refused: 2 }, { client });
  count({ Failed: 1, Throttled: 1 }, { client });
  const report = countRequests({ count }, client);
  report({ endpoint: 'token_endpoint', clockDifference: 4, currentKeyRefused: true, roundTrips: 2 });
  const failed = { endpoint: 'token_endpoint', roundTrips: 1 } as const;
  report({ ...failed, error: new ZonesError('issuer_unreachable', 'Away.', { facts: {} }) });
  report({ ...failed, error: new ZonesError('request_aborted', 'Enough.', { facts: {} }) });
  const resource = `arn:aws:lambda:eu-north-1:000000000000:function:journal-signer-${client}-${zone}`;
  trail.add({ kind: 'aws', fields: { action: 'lambda:InvokeFunction', resource } });
  const fields = { action: 'lambda:InvokeFunction', resource, error: 'AccessDeniedException' };
  trail.add({ kind: 'aws', fields });
  expect(row('Signatures', zone)).toEqual([client, 1, 3, 1, 2, 1, 1, '20', '30']);
  expect(row('Tokens', zone)).toEqual([client, 1, 4, 1, 1, 4, 0]);
  expect(row('Tokens', 'public')?.at(-1)).toBe('');
  expect(row('Signatures', 'public')?.slice(1)).toEqual([0, 0, 0, 0, 0, 0, '–', '–']);
  expect(renderFigures(figures())).toContain('data-label="KMS ms p50">20</td>');
});

test('forget none of what they add up', () => {
  const { trail, row } = start();
  for (let times = 0; times < 10_050; times += 1)
    trail.add({ kind: 'entry', zone: 'public', fields: { entry: 'gateway', status: 200, ms: 1 } });
  expect(row('Requests', 'public')?.slice(0, 3)).toEqual([10_050, 0, 0]);
});

test('count requests of gateways by their status, and what lies in queues', () => {
  const { trail, table, row } = start();
  for (const [status, ms] of [
    [200, 5],
    [403, 7],
    [502, 90],
  ])
    trail.add({ kind: 'entry', zone: 'public', fields: { entry: 'gateway', status, ms } });
  table.find('journal-internal-events').send('{}');
  expect(row('Requests', 'public')).toEqual([3, 1, 1, '7', '90']);
  expect(row('Queues', 'internal')).toEqual(['journal-internal-events', 1, 0, 0]);
});
