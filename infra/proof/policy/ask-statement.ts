import type { Asked } from './asked.ts';
import { ALWAYS, NEVER } from './condition.ts';
import type { Logic } from './logic.ts';
import type { Statement } from './statement.ts';

/** Whether the resource and the condition of a statement that is about the action apply. */
export function askStatement<Value>(statement: Statement, asked: Asked, logic: Logic<Value>): Value {
  const covered = statement.covers(asked.resource);
  if (covered === NEVER) return logic.no;
  const holds = logic.ask(statement.condition);
  return covered === ALWAYS ? holds : logic.both(logic.ask(covered), holds);
}
