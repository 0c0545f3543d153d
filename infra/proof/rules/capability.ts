import type { Condition } from '../policy/condition.ts';
import { describeCondition } from '../policy/index.ts';
import { compileConditions } from '../policy/operators.ts';
import type { Actor } from './actors.ts';
import type { Answer } from './ask.ts';
import { describe } from './capability-words.ts';
import type { Holder } from './holders.ts';
import { type Judgement, judge } from './judge.ts';
import type { ProofInput, Rule } from './rule.ts';

/** What must hold of every request that is allowed, and which holders each see to it on their own. */
export interface Requirement {
  condition: Condition;
  words: string;
  /** Promised holders; with or without them there must be two in all. */
  by: readonly Holder[];
  /** Why one holder is enough, where it is. */
  alone?: string;
}

/** What an actor may do all the same. */
export interface Allowance {
  /** Of the rule's actions; absent: all of them. */
  actions?: readonly string[];
  /** ARNs, or patterns of them. */
  resources: readonly string[];
  requires: readonly Requirement[];
}

/** A rule about who may do what: actions that nobody may do but who is allowed to. */
export interface Capability extends Pick<Rule, 'name' | 'invariant' | 'title'> {
  actions: readonly string[];
  /** ARNs, or patterns of them, that the rule is about (default: everything of the action's service). */
  on?(input: ProofInput): readonly string[];
  /** Whom the rule is about (default: every role). */
  who?(actor: Actor): boolean;
  allows?(actor: Actor, input: ProofInput): readonly Allowance[];
  /** Promised holders of what is not allowed (default: the role's own policy); with or without them there must be two in all. */
  by?(actor: Actor, action: string): readonly Holder[];
  /** Why one holder is enough of what is not allowed, where it is. */
  alone?(actor: Actor, action: string): string | undefined;
  remedy: string;
}

/** One line of the capability matrix. */
export interface CapabilityRow {
  /** Physical name of the role. */
  principal: string;
  zone: string;
  action: string;
  /** ARN or pattern, with what it does not mean. */
  resource: string;
  verdict: Answer['verdict'];
  /** The remaining condition in words; empty unless the verdict is `when`. */
  when: string;
  /** Of *never*: what each forbids it; of *when*: what each demands a part of the condition. */
  layers: readonly Holder[];
  /** Why one layer is enough here; empty where there are more. */
  alone: string;
  /** Whether a rule would let it be. */
  allowed: boolean;
}

/** A rule that also says what it found out about everybody. */
export interface CapabilityRule extends Rule {
  actions: readonly string[];
  rows(input: ProofInput): CapabilityRow[];
}

/** That every request meets a policy's Condition element (AWS's JSON), seen to by each of `by`. */
export function requirement(element: object, by: readonly Holder[], alone?: string): Requirement {
  const condition = compileConditions(element, false);
  return { condition, words: describeCondition(condition), by, ...(alone === undefined ? {} : { alone }) };
}

/** Actions by service, written out: `{ kms: ['Sign'] }` is `['kms:Sign']`. */
export function actionsOf(services: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(services).flatMap(([service, names]) => names.map((name) => `${service}:${name}`));
}

/** The rule that `capability` is. */
export function capabilityRule(capability: Capability): CapabilityRule {
  const { name, invariant, title, actions, remedy } = capability;
  // Asked for twice: by the rule, and by the matrix.
  const known = new WeakMap<ProofInput, readonly Judgement[]>();
  const judged = (input: ProofInput) => {
    const judgements = known.get(input) ?? judge(capability, input);
    known.set(input, judgements);
    return judgements;
  };
  return {
    ...{ name, invariant, title, actions },
    check: (input) => describe(judged(input), input, remedy),
    rows: (input) => judged(input).flatMap(rowsOf),
  };
}

function rowsOf({ actor, actions, what, answer, holders, alone, allowed }: Judgement): CapabilityRow[] {
  const { verdict } = answer;
  const row = {
    principal: actor.name,
    zone: actor.zone,
    resource: what,
    verdict,
    layers: holders,
    alone,
    allowed,
  };
  return actions.map((action) => ({ ...row, action, when: answer.when() }));
}
