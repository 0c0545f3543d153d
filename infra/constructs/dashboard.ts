import { Dashboard, GraphWidget, Metric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { type Figure, type FigureRow, systemFigures } from '../figures.ts';

/** Of a graph of 24 columns, a third. */
const WIDTH = 8;

/**
 * The dashboard of a system, `<system>`: its figures ({@link systemFigures}), a row of graphs for each signer, client of a zone, entry and queue. Shows
 * the region and the account that it is in: zones of other accounts come by CloudWatch's cross-account observability, which is the accounts'
 * to set up.
 */
export function addDashboard(scope: Construct, system: SystemDeclaration): void {
  const markdown = `# ${system.name}\nWhat each alarm means: docs/operating.md`;
  const title = new TextWidget({ width: 3 * WIDTH, height: 1, markdown });
  const widgets = Object.values(systemFigures(system)).map((rows) => rows.flatMap(drawRow));
  new Dashboard(scope, 'Dashboard', { dashboardName: system.name, widgets: [[title], ...widgets] });
}

function drawRow({ of, graphs }: FigureRow): GraphWidget[] {
  const subject = Object.values(of).join(', ');
  return Object.entries(graphs).map(
    ([title, figures]) =>
      new GraphWidget({ title: `${subject}: ${title}`, width: WIDTH, left: figures.map(metricOf) }),
  );
}

const metricOf = ([, namespace, metricName, dimensionsMap, statistic = 'Sum']: Figure): Metric =>
  new Metric({ namespace, metricName, dimensionsMap, statistic });
