import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { Dashboard, GraphWidget, type IMetric, Metric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { deriveGrants } from '../declaration/derive.ts';
import { TOKENS_FUNCTION } from '../declaration/fields.ts';
import { functionName, signerName, zoneClients } from '../declaration/names.ts';
import { zoneQueues } from '../declaration/own.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';

type Figure = readonly [
  namespace: string,
  metric: string,
  dimensions: Record<string, string>,
  statistic?: string,
];

/** Of a graph of 24 columns, a third. */
const WIDTH = 8;

/**
 * The dashboard of a system, `<system>`: a row of signatures, invocations, refusals and KMS's time for each signer, one of tokens for each
 * client of a zone, one of requests, errors and time for each entry, one of what waits and what failed for each queue, and the days that each client's key has left. Shows the region and
 * the account that it is in: zones of other accounts come by CloudWatch's cross-account observability, which is the accounts'
 * to set up.
 */
export function addDashboard(scope: Construct, system: SystemDeclaration): void {
  const { name: service, clients, zones } = system;
  const graph = (title: string, ...figures: readonly Figure[]) =>
    new GraphWidget({ title, width: WIDTH, left: figures.map(metricOf) });
  const signers = deriveGrants(system).map(({ client, zone }) => {
    const counted = { service, zone, client };
    const proofs = { ...counted, kind: 'dpop_proof' };
    return [
      graph(
        `${zone}, ${client}: signatures and invocations`,
        ...['client_assertion', 'dpop_proof'].map(
          (kind): Figure => [METRICS_NAMESPACE, 'Signed', { ...counted, kind }],
        ),
        ['AWS/Lambda', 'Invocations', { FunctionName: signerName(service, client, zone) }],
      ),
      graph(
        `${zone}, ${client}: refused and failed`,
        ...['Refused', 'Failed', 'Throttled'].map((metric): Figure => [METRICS_NAMESPACE, metric, counted]),
      ),
      graph(
        `${zone}, ${client}: milliseconds of KMS and of the signer`,
        [METRICS_NAMESPACE, 'KmsLatency', proofs, 'p50'],
        [METRICS_NAMESPACE, 'KmsLatency', proofs, 'p99'],
        ['AWS/Lambda', 'Duration', { FunctionName: signerName(service, client, zone) }, 'p99'],
      ),
    ];
  });
  const tokens = Object.entries(zones).flatMap(([zone, declared]) =>
    (declared.admin ? [] : zoneClients(system, declared)).map((client) => {
      const figure = (metric: string, statistic = 'Sum'): Figure => {
        const of = { service, zone, client };
        return [METRICS_NAMESPACE, metric, of, statistic];
      };
      const asks = declared.tokens === 'function';
      const tokens: Figure = [
        'AWS/Lambda',
        'Invocations',
        { FunctionName: functionName(service, zone, TOKENS_FUNCTION) },
      ];
      return [
        graph(
          `${zone}, ${client}: tokens, round trips to the issuer${asks ? ', invocations of tokens' : ''}`,
          ...[figure('Tokens'), figure('RoundTrips'), ...(asks ? [tokens] : [])],
        ),
        graph(`${zone}, ${client}: no tokens`, figure('TokenFailures'), figure('InvalidClient')),
        graph(`${zone}, ${client}: seconds from the issuer's clock`, figure('ClockDifference', 'Maximum')),
      ];
    }),
  );
  const entries = Object.entries(zones).flatMap(([zone, { gateway }]) => {
    if (gateway === undefined) return [];
    const api = { ApiName: `${service}-${zone}`, Stage: 'live' };
    return [
      [
        graph(`${zone}: requests`, ['AWS/ApiGateway', 'Count', api]),
        graph(
          `${zone}: answers of 4xx and 5xx`,
          ['AWS/ApiGateway', '4XXError', api],
          ['AWS/ApiGateway', '5XXError', api],
        ),
        graph(
          `${zone}: milliseconds of a request`,
          ['AWS/ApiGateway', 'Latency', api, 'p50'],
          ['AWS/ApiGateway', 'Latency', api, 'p99'],
        ),
      ],
    ];
  });
  const queues = Object.entries(zones).flatMap(([zone, declared]) =>
    zoneQueues(service, zone, declared).map(({ queue, deadLetters }) => [
      graph(`${queue}: waiting`, visible(queue)),
      graph(`${queue}: seconds that the oldest waits`, [
        'AWS/SQS',
        'ApproximateAgeOfOldestMessage',
        { QueueName: queue },
        'Maximum',
      ]),
      graph(`${queue}: failed five times`, visible(deadLetters)),
    ]),
  );
  const listed = Object.keys(clients).filter((client) => clients[client]?.selfService);
  const keys = listed.map((client) =>
    graph(`${client}: days that its key has left`, [
      METRICS_NAMESPACE,
      'DaysToExpiry',
      { service, client },
      'Minimum',
    ]),
  );
  new Dashboard(scope, 'Dashboard', {
    dashboardName: service,
    widgets: [
      [
        new TextWidget({
          width: 3 * WIDTH,
          height: 1,
          markdown: `# ${service}\nWhat each alarm means: docs/operating.md`,
        }),
      ],
      ...signers,
      ...tokens,
      ...entries,
      ...queues,
      keys,
    ],
  });
}

const visible = (QueueName: string): Figure => [
  'AWS/SQS',
  'ApproximateNumberOfMessagesVisible',
  { QueueName },
  'Maximum',
];

function metricOf([namespace, metricName, dimensionsMap, statistic = 'Sum']: Figure): IMetric {
  return new Metric({ namespace, metricName, dimensionsMap, statistic });
}
