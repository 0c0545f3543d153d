import { adminFunction } from '../../../infra/keys/desk.ts';
import { callLambda } from '../../aws/aws-client.ts';
import type { TrailLine } from '../../aws/trail.ts';
import type { LocalSystem } from '../system.ts';
import { operatorAccess } from './facts.ts';
import { stepFailed } from './step.ts';

/** Has key-watch make its hourly checks now. Resolves to what it wrote to its log; throws where it failed. */
export async function runKeyWatch(system: LocalSystem): Promise<TrailLine[]> {
  const name = adminFunction(system.declaration, 'key-watch');
  const lines: TrailLine[] = [];
  const stop = system.trail.subscribe((line) => {
    if (line.kind === 'log' && line.function === name) lines.push(line);
  });
  const { error, headers, body } = await callLambda(operatorAccess(system), name, { task: 'hourly' }).finally(
    stop,
  );
  if (error !== undefined || headers.has('x-amz-function-error'))
    throw stepFailed(`key-watch failed: ${error?.message ?? JSON.stringify(body)}`);
  return lines;
}

/** The figure that key-watch emitted for a client, if it did. */
export function figureOf(lines: readonly TrailLine[], client: string, metric: string): unknown {
  return lines.find(({ fields }) => fields['_aws'] !== undefined && fields['client'] === client)?.fields[
    metric
  ];
}
