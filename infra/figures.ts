import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { deriveGrants } from './declaration/derive.ts';
import { TOKENS_FUNCTION } from './declaration/fields.ts';
import { zoneQueues } from './declaration/function-resources.ts';
import { functionName, signerName, zoneClients } from './declaration/names.ts';
import type { SystemDeclaration } from './declaration/schema.ts';

/** Dimensions of a metric. */
export type Dimensions = Readonly<Record<string, string>>;

/** How a figure sums up what CloudWatch has; percentiles as CloudWatch spells them. */
export type Statistic = 'Sum' | 'Maximum' | 'Minimum' | 'p50' | 'p99';

/**
 * A curve of a graph, and a cell of a table: the heading of its column, undefined where the local page can't measure it; the metric; its
 * statistic (default `Sum`).
 */
export type Figure = readonly [
  column: string | undefined,
  namespace: string,
  metric: string,
  dimensions: Dimensions,
  statistic?: Statistic,
];

/** One row: a signer, a client, a queue; what it is, by column, and its figures, by the title of their graph. */
export interface FigureRow {
  of: Readonly<Record<string, string>>;
  graphs: Readonly<Record<string, readonly Figure[]>>;
}

const OWN = METRICS_NAMESPACE;
const SQS = 'AWS/SQS';
const GATEWAY = 'AWS/ApiGateway';

/** Dimensions of a zone's gateway. */
export function gatewayDimensions(system: string, zone: string): Dimensions {
  return { ApiName: `${system}-${zone}`, Stage: 'live' };
}

/**
 * The figures of a system that are worth looking at, by subject: signatures of each signer, tokens of each client of a zone, requests of each
 * entry, what waits and what failed in each queue, and the days that each client's key has left. The dashboard shows them, and the local page.
 */
export function systemFigures(system: SystemDeclaration): Readonly<Record<string, FigureRow[]>> {
  const { name: service, clients, zones } = system;
  const declared = Object.entries(zones);
  return {
    Signatures: deriveGrants(system).map(({ client, zone }) => {
      const of = { service, zone, client };
      const proofs = { ...of, kind: 'dpop_proof' };
      const signer = { FunctionName: signerName(service, client, zone) };
      return {
        of: { Zone: zone, Client: client },
        graphs: {
          'signatures and invocations': [
            ['Assertions', OWN, 'Signed', { ...of, kind: 'client_assertion' }],
            ['Proofs', OWN, 'Signed', proofs],
            ['Invocations', 'AWS/Lambda', 'Invocations', signer],
          ],
          'refused and failed': ['Refused', 'Failed', 'Throttled'].map((one) => [one, OWN, one, of]),
          'milliseconds of KMS and of the signer': [
            ['KMS ms p50', OWN, 'KmsLatency', proofs, 'p50'],
            ['p99', OWN, 'KmsLatency', proofs, 'p99'],
            [undefined, 'AWS/Lambda', 'Duration', signer, 'p99'],
          ],
        },
      };
    }),
    Tokens: declared.flatMap(([zone, one]) =>
      (one.admin ? [] : zoneClients(system, one)).map((client) => {
        const of = { service, zone, client };
        const tokens = { FunctionName: functionName(service, zone, TOKENS_FUNCTION) };
        return {
          of: { Zone: zone, Client: client },
          graphs: {
            'tokens, and the calls for them': [
              ['Tokens', OWN, 'Tokens', of],
              ['Round trips', OWN, 'RoundTrips', of],
              ...(one.tokens === 'function'
                ? [['Invocations', 'AWS/Lambda', 'Invocations', tokens] as const]
                : []),
            ],
            'no tokens': [
              ['No tokens', OWN, 'TokenFailures', of],
              ['Invalid client', OWN, 'InvalidClient', of],
            ],
            "seconds from the issuer's clock": [['Seconds off', OWN, 'ClockDifference', of, 'Maximum']],
          },
        };
      }),
    ),
    Requests: declared.flatMap(([zone, { gateway }]) => {
      const of = gatewayDimensions(service, zone);
      const graphs: FigureRow['graphs'] = {
        requests: [['Requests', GATEWAY, 'Count', of]],
        'answers of 4xx and 5xx': [
          ['4xx', GATEWAY, '4XXError', of],
          ['5xx', GATEWAY, '5XXError', of],
        ],
        'milliseconds of a request': [
          ['ms p50', GATEWAY, 'Latency', of, 'p50'],
          ['p99', GATEWAY, 'Latency', of, 'p99'],
        ],
      };
      return gateway === undefined ? [] : [{ of: { Zone: zone }, graphs }];
    }),
    Queues: declared.flatMap(([zone, one]) =>
      zoneQueues(service, zone, one).map(({ queue, deadLetters }) => {
        const [waiting, age] = ['ApproximateNumberOfMessagesVisible', 'ApproximateAgeOfOldestMessage'];
        const [of, dead] = [{ QueueName: queue }, { QueueName: deadLetters }];
        return {
          of: { Zone: zone, Queue: queue },
          graphs: {
            waiting: [['Waiting', SQS, waiting, of, 'Maximum']],
            'seconds that the oldest waits': [['Seconds of the oldest', SQS, age, of, 'Maximum']],
            'failed five times': [['Failed five times', SQS, waiting, dead, 'Maximum']],
          },
        };
      }),
    ),
    Keys: Object.keys(clients).flatMap((client) => {
      const days: Figure = ['Days left', OWN, 'DaysToExpiry', { service, client }, 'Minimum'];
      const graphs = { 'days that its key has left': [days] };
      return clients[client]?.selfService ? [{ of: { Client: client }, graphs }] : [];
    }),
  };
}
