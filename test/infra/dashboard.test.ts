import { countRequests } from '@helseid-zones/client/zone-clients';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { describe, expect, test } from 'vitest';
import { KEY_ALARMS } from '../../infra/alarm-kinds.ts';
import { collectLog } from '../fakes/log.ts';
import zones from '../two-clients.zones.ts';
import { synthesize } from './synthesize.ts';
import { reportedIn, writtenBySigner } from './written-by-signer.ts';

const assembly = synthesize(zones);
const properties = (type: string, stack?: string) =>
  assembly.ofType(type, stack).map(([, { Properties }]) => Properties);
const names = (type: string, property: string) => properties(type).map((of) => String(of[property]));

const { lines, reported } = writtenBySigner((audit) => {
  audit.recordSigned([
    { kind: 'dpop_proof', target: 't', kid: 'k', jti: 'j', kmsRequest: 'r', lost: 0, latency: 1 },
  ]);
  audit.recordRefused(['dpop_proof'], new ZonesError('grant_refused', 'No.', { facts: { field: 'url' } }));
  const facts = { aws_error: 'E', status: 400 };
  audit.recordRefused(['dpop_proof'], new ZonesError('kms_throttled', 'No.', { facts }));
});

describe('the dashboard', () => {
  const [dashboard, ...more] = properties('AWS::CloudWatch::Dashboard');
  const body = dashboard?.['DashboardBody'] as { 'Fn::Join': [string, unknown[]] };
  const { widgets } = JSON.parse(
    body['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : 'eu-north-1')).join(''),
  ) as {
    widgets: {
      type: string;
      x: number;
      width: number;
      properties: { title: string; metrics: unknown[][] };
    }[];
  };
  const figures = widgets
    .filter(({ type }) => type === 'metric')
    .flatMap(({ properties: { metrics } }) => metrics)
    .map(([namespace, metric, ...rest]) => {
      const texts = rest.filter((each) => typeof each === 'string') as string[];
      const dimensions = Object.fromEntries(
        texts.flatMap((name, at) => (at % 2 ? [] : [[name, texts[at + 1]]])),
      );
      return { namespace: String(namespace), metric: String(metric), dimensions };
    });

  test('is one, and fits its 24 columns', () => {
    expect([dashboard?.['DashboardName'], more]).toEqual(['journal', []]);
    for (const { x, width } of widgets) expect(x + width).toBeLessThanOrEqual(24);
  });

  test('has every signer, tokens function, entry, queue and client', () => {
    const titles = widgets.map(({ properties: { title } }) => title ?? '').join('\n');
    for (const signer of names('AWS::Lambda::Function', 'FunctionName').filter((name) =>
      /-signer-|-tokens$/.test(name),
    ))
      expect(figures.map(({ dimensions }) => dimensions['FunctionName'])).toContain(signer);
    for (const queue of names('AWS::SQS::Queue', 'QueueName').filter((name) => !name.endsWith('undelivered')))
      expect(figures.map(({ dimensions }) => dimensions['QueueName'])).toContain(queue);
    for (const client of Object.keys(zones.clients)) expect(titles).toContain(`${client}: days`);
    expect(titles).toContain('public: requests');
  });

  test('asks for no figure of something that is not there, or that nobody counts', () => {
    const nameOf = (metric: string, dimensions: object) => `${metric} ${Object.keys(dimensions).sort()}`;
    const log = collectLog();
    const count = countRequests(log, 'journal');
    count({ endpoint: 'token_endpoint', clockDifference: 0, roundTrips: 1 });
    count({ endpoint: 'token_endpoint', currentKeyRefused: true, error: '?', roundTrips: 2 });
    const counted = [...reported, ...reportedIn(log.lines)];
    const written = new Set(counted.map(({ metric, dimensions }) => nameOf(metric, dimensions)));
    const there: Record<string, (of: Record<string, string | undefined>) => boolean> = {
      'AWS/Lambda': ({ FunctionName = '' }) =>
        names('AWS::Lambda::Function', 'FunctionName').includes(FunctionName),
      'AWS/SQS': ({ QueueName = '' }) => names('AWS::SQS::Queue', 'QueueName').includes(QueueName),
      'AWS/ApiGateway': ({ ApiName = '', Stage = '' }) =>
        names('AWS::ApiGateway::RestApi', 'Name').includes(ApiName) &&
        names('AWS::ApiGateway::Stage', 'StageName').includes(Stage),
    };
    for (const { namespace, metric, dimensions } of figures) {
      const ours = written.has(nameOf(metric, dimensions)) || metric in KEY_ALARMS;
      expect(
        there[namespace]?.(dimensions) ?? ours,
        `${namespace} ${metric} ${JSON.stringify(dimensions)}`,
      ).toBe(true);
    }
    expect(figures.length).toBeGreaterThan(30);
  });
});

test('saved queries ask the signers’ log groups, for fields that their lines have', () => {
  // What the log adds to each line, and CloudWatch to each of its own.
  const known = new Set([...lines.flatMap(Object.keys), 'zone', 'xray_trace_id', '@timestamp']);
  const groups = names('AWS::Logs::LogGroup', 'LogGroupName').filter((name) => name.includes('-signer-'));
  const queries = properties('AWS::Logs::QueryDefinition');
  expect(queries).toHaveLength(5);
  for (const { Name, QueryString, LogGroupNames } of queries) {
    expect([...(LogGroupNames as string[])].sort(), String(Name)).toEqual([...groups].sort());
    const text = String(QueryString)
      .replaceAll(/'[^']*'/g, '')
      .replaceAll(/ as \w+/g, '');
    const made = [...String(QueryString).matchAll(/ as (\w+)/g)].map(([, name]) => name);
    const words = [...text.matchAll(/@?\b[a-z_]+\b(?!\()/g)].map(([word]) => word);
    const syntax = ['filter', 'fields', 'stats', 'sort', 'by', 'and', 'asc', 'desc', 'h', ...made];
    expect(
      words.filter((word) => !syntax.includes(word) && !known.has(word)),
      String(Name),
    ).toEqual([]);
  }
});
