import { memory, remembered } from '../assembly/remembered.ts';
import { combine } from '../policy/combine.ts';
import { ALWAYS, all, type Condition, NEVER, not } from '../policy/condition.ts';
import { type Formula, formulate, type Question } from '../policy/decide.ts';
import { satisfiable, simplify } from '../policy/solve.ts';
import { describeCondition } from '../policy/words.ts';
import type { Actor } from './actors.ts';
import { type Enforcement, enforcingLayersOf, factsOf } from './enforcing-layers.ts';
import { withoutOpenPolicy, withoutResources } from './narrow.ts';

/** Which of the requests of a question are meant. */
interface Narrowing {
  /** ARNs and ARN patterns of resources that are not meant, where the question is about a pattern. */
  except?: readonly string[];
  /** What holds of the requests that are meant (default: nothing). */
  given?: Condition;
}

/** The answer about every request that is meant. */
export interface Answer extends Enforcement {
  /** What holds a *never*; nothing holds anything else. */
  verdict: 'never' | 'always' | 'when';
  /** The remaining condition in words; empty unless the verdict is `when`. */
  when(): string;
  /** Under what condition policies allow it, as they are written. */
  condition: Condition;
}

/**
 * Whether `actor` may do `action` on `resource` (an ARN, `*`, or a pattern of ARNs), over every request that is meant.
 * Where the resource is a pattern, policies of single resources are not asked: ask about those resources too.
 */
export function ask(actor: Actor, action: string, resource: string, narrowing: Narrowing = {}): Answer {
  const question = { principal: actor.principal, action, resource };
  const id = `${action}|${resource}`;
  const { except = [], given = ALWAYS } = narrowing;
  return answers(actor, `${id}|${except.join()}|${given.id}`, () => {
    const formula = formulas(actor, id, () => formulate(question, actor.view));
    return workOut(actor, question, formula, { except, given });
  });
}

/** Several rules ask the same. */
const answers = memory<Actor, Answer>();
const formulas = memory<Actor, Formula>();

function workOut(
  actor: Actor,
  question: Question,
  formulated: Formula,
  { except, given }: Required<Narrowing>,
): Answer {
  const answers = except.length === 0 ? formulated.answers : withoutResources(formulated.answers, except);
  const allowed = combine(answers, formulated.situation, formulated.logic);
  const facts = remembered(() => all([given, factsOf(question, actor)]));
  const possible = (condition: Condition) => condition !== NEVER && satisfiable(all([facts(), condition]));
  if (!possible(allowed))
    return {
      verdict: 'never',
      when: nothing,
      condition: NEVER,
      ...enforcingLayersOf({ ...formulated, actor, question, answers, given }),
    };
  if (!possible(not(allowed)))
    return { verdict: 'always', when: nothing, condition: ALWAYS, enforcing: [], silent: [] };
  return {
    verdict: 'when',
    when: remembered(() =>
      describeCondition(simplify(withoutOpenPolicy(allowed, question.resource), facts())),
    ),
    condition: allowed,
    enforcing: [],
    silent: [],
  };
}

const nothing = () => '';
