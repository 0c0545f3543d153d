import { deriveGrants } from '../../../infra/declaration/derive.ts';
import { signerName, zoneClients } from '../../../infra/declaration/names.ts';
import { zoneQueues } from '../../../infra/declaration/own.ts';
import { readFigures } from '../../aws/metrics.ts';
import type { LocalSystem } from '../system.ts';

/** Rows of one subject, each with a cell a column; cells are safe as HTML. */
export interface FigureTable {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/** The dimensions of what is shown, in the order of a figure's name. */
const SHOWN = ['zone', 'client', 'kind'];

/** Values that are kept for percentiles: of more the oldest are forgotten. */
const MOST = 10_000;

const KINDS = ['client_assertion', 'dpop_proof'];
const SIGNED = [
  'Zone',
  'Client',
  'Assertions',
  'Proofs',
  'Invocations',
  'Refused',
  'Failed',
  'Throttled',
  'KMS ms p50',
  'p99',
];
const TOKENS = [
  'Zone',
  'Client',
  'Tokens',
  'Round trips',
  'No tokens',
  'Invalid client',
  'Clock, seconds off',
];
const ENTRIES = ['Zone', 'Requests', '4xx', '5xx', 'ms p50', 'p99'];
const QUEUES = ['Zone', 'Queue', 'Waiting', 'Seconds of the oldest', 'Failed five times'];

/**
 * Counts from now on what the deployed dashboard (infra/constructs/dashboard.ts) shows, by the same metrics: those that functions write
 * into their logs, and those of API Gateway and Lambda by the trail. Zones have a row each. Keys' days stand with the keys, how long signers take nowhere.
 */
export function countFigures({ declaration, aws, trail }: LocalSystem): () => FigureTable[] {
  const { name, zones } = declaration;
  const counted = new Map<string, { sum: number; most: number; times: number; last: number[] }>();
  const count = (values: readonly number[], ...of: string[]) => {
    const known = counted.get(of.join()) ?? { sum: 0, most: 0, times: 0, last: [] };
    counted.set(of.join(), known);
    for (const value of values) {
      known.sum += value;
      known.most = Math.max(known.most, value);
      known.times += 1;
      known.last.push(value);
    }
    known.last.splice(0, known.last.length - MOST);
  };
  trail.subscribe(({ kind, zone, fields }) => {
    if (kind === 'entry') {
      count([Number(fields['ms'])], String(zone), 'requests');
      count([1], String(zone), `${String(fields['status'])[0]}xx`);
    }
    if (fields['action'] === 'lambda:InvokeFunction' && fields['error'] === undefined)
      count([1], String(String(fields['resource']).split(':function:')[1]), 'invocations');
    // What else has dimensions of its own, such as a cause, is another metric, and counted once more there.
    for (const { metric, dimensions, values } of readFigures(fields)) {
      const { service: _, ...of } = dimensions;
      if (Object.keys(of).every((each) => SHOWN.includes(each)))
        count(values, ...SHOWN.flatMap((each) => of[each] ?? []), metric);
    }
  });
  const sum = (...of: string[]) => counted.get(of.join())?.sum ?? 0;
  const percentiles = (...of: string[]) => {
    const sorted = (counted.get(of.join())?.last ?? []).toSorted((a, b) => a - b);
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
        ...[zone, client, ...KINDS.map((kind) => sum(zone, client, kind, 'Signed'))],
        sum(signerName(name, client, zone), 'invocations'),
        ...['Refused', 'Failed', 'Throttled'].map((metric) => sum(zone, client, metric)),
        ...percentiles(zone, client, 'dpop_proof', 'KmsLatency'),
      ]),
    },
    {
      ...{ title: 'Tokens', columns: TOKENS },
      rows: clients.map(([zone, client]) => [
        ...[
          zone,
          client,
          ...['Tokens', 'RoundTrips', 'TokenFailures', 'InvalidClient'].map((metric) =>
            sum(zone, client, metric),
          ),
        ],
        counted.get([zone, client, 'ClockDifference'].join())?.most ?? 0,
      ]),
    },
    {
      ...{ title: 'Requests', columns: ENTRIES },
      rows: declared.flatMap(([zone, { gateway }]) => {
        const codes = ['4xx', '5xx'].map((of) => sum(zone, of));
        return gateway
          ? [
              [
                zone,
                counted.get([zone, 'requests'].join())?.times ?? 0,
                ...codes,
                ...percentiles(zone, 'requests'),
              ],
            ]
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
