import { type Dimensions, type Figure, gatewayDimensions, systemFigures } from '../../../infra/figures.ts';
import { readFigures } from '../../aws/metrics.ts';
import type { LocalSystem } from '../system.ts';

/** Rows of one subject, each with a cell a column; cells are safe as HTML. */
export interface FigureTable {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/** Values that are kept for percentiles: of more the oldest are forgotten. */
const MOST = 10_000;

const keyOf = (namespace: string, metric: string, dimensions: Dimensions) =>
  [namespace, metric, ...Object.entries(dimensions).map(String).sort()].join();

/**
 * Counts from now on what the deployed dashboard shows ({@link systemFigures}): what functions write into their logs, what API Gateway and
 * Lambda count, by the trail, and what is in queues, when it is asked for.
 */
export function countFigures({ declaration, aws, trail }: LocalSystem): () => FigureTable[] {
  const counted = new Map<string, { sum: number; most: number; last: number[] }>();
  const count = (values: readonly number[], ...of: Parameters<typeof keyOf>) => {
    const known = counted.get(keyOf(...of)) ?? { sum: 0, most: 0, last: [] };
    counted.set(keyOf(...of), known);
    for (const value of values) {
      known.sum += value;
      known.most = Math.max(known.most, value);
      known.last.push(value);
    }
    known.last.splice(0, known.last.length - MOST);
  };
  trail.subscribe(({ kind, zone, fields }) => {
    const api = gatewayDimensions(declaration.name, String(zone));
    if (kind === 'entry') {
      count([1], 'AWS/ApiGateway', 'Count', api);
      count([1], 'AWS/ApiGateway', `${String(fields['status'])[0]}XXError`, api);
      count([Number(fields['ms'])], 'AWS/ApiGateway', 'Latency', api);
    }
    const [, FunctionName = ''] = String(fields['resource']).split(':function:');
    if (fields['action'] === 'lambda:InvokeFunction' && fields['error'] === undefined)
      count([1], 'AWS/Lambda', 'Invocations', { FunctionName });
    for (const { namespace, metric, dimensions, values } of readFigures(fields))
      count(values, namespace, metric, dimensions);
  });
  const read = ([, namespace, metric, dimensions, statistic = 'Sum']: Figure): string | number => {
    if (dimensions['QueueName'] !== undefined) return lookInto(dimensions['QueueName'], metric);
    const { sum = 0, most = 0, last = [] } = counted.get(keyOf(namespace, metric, dimensions)) ?? {};
    if (statistic === 'Sum') return sum;
    if (statistic === 'Maximum') return most;
    if (statistic === 'Minimum') return last.at(-1) ?? '–';
    const sorted = last.toSorted((a, b) => a - b);
    return sorted[Math.ceil((Number(statistic.slice(1)) / 100) * sorted.length) - 1]?.toFixed(0) ?? '–';
  };
  const lookInto = (queue: string, metric: string) => {
    const found = aws.queues.find(queue);
    if (metric === 'ApproximateNumberOfMessagesVisible') return found.count().visible;
    const oldest = Math.min(Date.now(), ...found.messages().map(({ sent }) => sent));
    return Math.round((Date.now() - oldest) / 1000);
  };
  const tables = Object.entries(systemFigures(declaration)).map(([title, rows]) => {
    const figures = rows.map(({ of, graphs }) => ({ of, all: Object.values(graphs).flat() }));
    const names = figures.flatMap(({ all }) => all.flatMap(([column]) => column ?? []));
    return { title, figures, heads: Object.keys(rows[0]?.of ?? {}), names: [...new Set(names)] };
  });
  return () =>
    tables.map(({ title, figures, heads, names }) => ({
      title,
      columns: [...heads, ...names],
      rows: figures.map(({ of, all }) => [
        ...Object.values(of),
        ...names.map((name) => {
          const figure = all.find(([column]) => column === name);
          return figure ? read(figure) : '';
        }),
      ]),
    }));
}
