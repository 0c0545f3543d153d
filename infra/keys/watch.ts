import * as v from 'valibot';
import { adminFunction, type Operator } from './operator.ts';

/**
 * Has key-watch make its checks now, for every client, and prints what it finds. What it would do by itself within the hour it does
 * now: it retires what is due and goes on with rotations.
 * @throws {ZonesError} aws_refused: when the function fails
 */
export async function watchNow(operator: Operator): Promise<void> {
  const question = 'Make the checks of the keys now? They retire what is due and rotate what must be.';
  if (!(await operator.confirm(question))) return;
  const log = await operator.invoke(adminFunction(operator.system, 'key-watch'), {});
  for (const line of log.split('\n').flatMap(describeLine)) operator.say(line);
  operator.say('What each figure means: docs/keys.md, Watching.');
}

/** A line about a client's keys: of the audit, or of figures. */
const lineSchema = v.pipe(v.string(), v.parseJson(), v.looseObject({ client: v.string() }));

/** Members of a line that say nothing about keys. */
const COMMON = ['_aws', 'code', 'level', 'message', 'timestamp', 'service', 'zone', 'xray_trace_id'];

/** Lines of Lambda's own, and one that was cut off, are left out. */
function describeLine(text: string): string[] {
  const line = v.safeParse(lineSchema, text);
  if (!line.success) return [];
  const facts = Object.entries(line.output).filter(([name]) => !COMMON.includes(name));
  return [[line.output['code'] ?? 'FIGURES', ...facts.map(([name, value]) => `${name}=${value}`)].join('  ')];
}
