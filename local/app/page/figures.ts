import { deriveGrants } from '../../../infra/declaration/derive.ts';
import { zoneClients } from '../../../infra/declaration/names.ts';
import { zoneQueues } from '../../../infra/declaration/own.ts';
import type { LocalSystem } from '../system.ts';

/** Rows of one subject, each with a cell a column; cells are safe as HTML. */
export interface FigureTable {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/** Values that are kept of a figure: of more the oldest are forgotten. */
const MOST = 10_000;

const KINDS = ['client_assertion', 'dpop_proof'];
const SIGNED = [
  'Zone',
  'Client',
  'Assertions',
  'Proofs',
  'Refused',
  'Failed',
  'Throttled',
  'KMS ms p50',
  'p99',
];
const TOKENS = ['Zone', 'Client', 'Tokens', 'No tokens', 'Invalid client', 'Clock, seconds off'];
const ENTRIES = ['Zone', 'Requests', '4xx', '5xx', 'ms p50', 'p99'];
const QUEUES = ['Zone', 'Queue', 'Waiting', 'Seconds of the oldest', 'Failed five times'];

/**
 * Counts from now on what the deployed dashboard (infra/constructs/dashboard.ts) shows, by the same metrics: those that functions write
 * into their logs, and API Gateway's by the trail. Zones have a row each. Keys' days stand with the keys, how long signers take nowhere.
 */
export function countFigures({ declaration, aws, trail }: LocalSystem): () => FigureTable[] {
  const { name, zones } = declaration;
  const values = new Map<string, number[]>();
  const count = (value: unknown, ...of: unknown[]) => {
    const known = values.get(of.join()) ?? [];
    values.set(of.join(), known);
    known.push(...[value].flat().map(Number));
    known.splice(0, known.length - MOST);
  };
  trail.subscribe(({ kind, zone, fields }) => {
    if (kind === 'entry') {
      count(fields['ms'], zone, 'requests');
      count(1, zone, `${String(fields['status'])[0]}xx`);
    }
    if (fields['_aws'] === undefined) return;
    for (const [metric, value] of Object.entries(fields))
      if (/^[A-Z]/.test(metric)) count(value, fields['zone'], fields['client'], metric, fields['kind']);
  });
  const all = (...of: string[]) => values.get(of.join()) ?? [];
  const sum = (...of: string[]) => all(...of).reduce((total, value) => total + value, 0);
  const percentiles = (...of: string[]) => {
    const sorted = all(...of).toSorted((a, b) => a - b);
    return [0.5, 0.99].map((part) => sorted[Math.ceil(part * sorted.length) - 1]?.toFixed(0) ?? '–');
  };
  const declared = Object.entries(zones);
  const clients = declared.flatMap(([zone, of]) =>
    (of.admin ? [] : zoneClients(declaration, of)).map((client) => [zone, client] as const),
  );
  return () => [
    {
      ...{ title: 'Signatures', columns: SIGNED },
      rows: deriveGrants(declaration).map(({ zone, client }) => [
        ...[zone, client, ...KINDS.map((kind) => sum(zone, client, 'Signed', kind))],
        ...['Refused', 'Failed', 'Throttled'].map((metric) => sum(zone, client, metric, '')),
        ...percentiles(zone, client, 'KmsLatency', 'dpop_proof'),
      ]),
    },
    {
      ...{ title: 'Tokens', columns: TOKENS },
      rows: clients.map(([zone, client]) => [
        ...[
          zone,
          client,
          ...['Tokens', 'TokenFailures', 'InvalidClient'].map((metric) => sum(zone, client, metric, '')),
        ],
        Math.max(0, ...all(zone, client, 'ClockDifference', '')),
      ]),
    },
    {
      ...{ title: 'Requests', columns: ENTRIES },
      rows: declared.flatMap(([zone, { gateway }]) => {
        const codes = ['4xx', '5xx'].map((of) => sum(zone, of));
        return gateway
          ? [[zone, all(zone, 'requests').length, ...codes, ...percentiles(zone, 'requests')]]
          : [];
      }),
    },
    {
      ...{ title: 'Queues', columns: QUEUES },
      rows: declared.flatMap(([zone, of]) =>
        zoneQueues(name, zone, of).map(({ queue, deadLetters }) => {
          const [waiting, dead] = [aws.queues.find(queue), aws.queues.find(deadLetters)];
          const oldest = Math.min(Date.now(), ...waiting.messages().map(({ sent }) => sent));
          const seconds = Math.round((Date.now() - oldest) / 1000);
          return [zone, queue, waiting.count().visible, seconds, dead.count().visible];
        }),
      ),
    },
  ];
}
