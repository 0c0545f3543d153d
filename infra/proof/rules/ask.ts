import { memory, remembered } from '../assembly/remembered.ts';
import { combine, type Formula } from '../policy/combine.ts';
import { ALWAYS, all, type Condition, mapTests, NEVER, not } from '../policy/condition.ts';
import { formulate } from '../policy/decide.ts';
import { covers, globOf } from '../policy/pattern.ts';
import { satisfiable, simplify } from '../policy/solve.ts';
import { describeCondition } from '../policy/words.ts';
import type { Actor } from './actors.ts';
import { type Enforcement, enforcingLayersOf, factsOf } from './enforcing-layers.ts';

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

/** Several rules ask the same. */
const answers = memory<Actor, Answer>();
const formulas = memory<Actor, Formula<Condition>>();

/**
 * Whether `actor` may do `action` on `resource` (an ARN, `*`, or a pattern of ARNs), over every request that is meant.
 * Where the resource is a pattern, policies of single resources are not asked: ask about those resources too.
 */
export function ask(actor: Actor, action: string, resource: string, narrowing: Narrowing = {}): Answer {
  const question = { principal: actor.principal, action, resource };
  const id = `${action}|${resource}`;
  const { except = [], given = ALWAYS } = narrowing;
  return answers(actor, `${id}|${except.join()}|${given.id}`, () => {
    const whole = formulas(actor, id, () => formulate(question, actor.view));
    const formula = except.length === 0 ? whole : withoutResources(whole, except);
    const allowed = combine(formula);
    const facts = remembered(() => all([given, factsOf(question, actor)]));
    const possible = (condition: Condition) => condition !== NEVER && satisfiable(all([facts(), condition]));
    const unheld = { when: () => '', enforcing: [], silent: [] };
    if (!possible(allowed)) {
      const held = enforcingLayersOf({ ...formula, actor, question, given });
      return { ...unheld, ...held, verdict: 'never', condition: NEVER };
    }
    if (!possible(not(allowed))) return { ...unheld, verdict: 'always', condition: ALWAYS };
    const when = () => describeCondition(simplify(withoutOpenPolicy(allowed, resource), facts()));
    return { ...unheld, verdict: 'when', when: remembered(when), condition: allowed };
  });
}

/** A question about a pattern of resources, without the resources `except` (ARNs, or patterns of them). */
function withoutResources(formula: Formula<Condition>, except: readonly string[]): Formula<Condition> {
  const globs = except.map(globOf);
  const change = (condition: Condition) =>
    mapTests(condition, (test) => {
      const pattern = test.kind === 'resource' ? test.glob : undefined;
      return pattern !== undefined && globs.some((glob) => covers(glob, pattern)) ? false : undefined;
    });
  const both = <Side extends { [name in keyof Side]: Condition }>(side: Side): Side =>
    Object.fromEntries(Object.entries<Condition>(side).map(([name, one]) => [name, change(one)])) as Side;
  const { identity, boundary, endpoints, resource } = formula;
  return {
    ...formula,
    identity: both(identity),
    boundary: boundary && both(boundary),
    resource: both(resource),
    endpoints: () => endpoints().map(({ through, answer }) => ({ through, answer: both(answer) })),
  };
}

/** `condition` for people: that nobody knows the policies of a whole pattern of resources goes without saying. */
function withoutOpenPolicy(condition: Condition, resource: string): Condition {
  return mapTests(condition, (test) =>
    test.kind === 'unknown' && resource.includes('*') && test.what.includes(resource) ? true : undefined,
  );
}
