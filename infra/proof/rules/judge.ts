import { type Condition, not } from '../policy/condition.ts';
import { covers, globOf } from '../policy/pattern.ts';
import type { Actor } from './actors.ts';
import { type Answer, ask } from './ask.ts';
import type { EnforcingLayer } from './enforcing-layers.ts';
import type { ProofInput, Rule } from './rule.ts';
import { everyOf } from './targets.ts';
import { directResources } from './through.ts';

/** What must hold of every request that is allowed, and which layers each see to it on their own. */
export interface Requirement {
  condition: Condition;
  words: string;
  /** Promised layers; with or without them there must be two in all. */
  by: readonly EnforcingLayer[];
  /** Why one layer is enough, where it is. */
  alone?: string | undefined;
}

/** What an actor may do all the same. */
interface Allowance {
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
  on?(input: ProofInput, actor: Actor): readonly string[];
  /** Whom the rule is about (default: every role). */
  who?(actor: Actor, input: ProofInput): boolean;
  allows?(actor: Actor, input: ProofInput): readonly Allowance[];
  /** Promised layers of what is not allowed (default: the role's own policy); with or without them there must be two in all. */
  by?(actor: Actor, action: string, resource: string): readonly EnforcingLayer[];
  /** Why one layer is enough of what is not allowed, where it is. */
  alone?(actor: Actor, action: string): string | undefined;
  remedy: string;
}

/** What is held by fewer layers than promised. `words` is the condition that they hold; empty for the whole. */
export interface Shortfall {
  /** The requests that would be allowed without what holds; absent where all would. */
  given: Condition | undefined;
  words: string;
  enforcing: readonly EnforcingLayer[];
  missing: readonly EnforcingLayer[];
}

/** What came of one question about one role. */
export interface Judgement {
  actor: Actor;
  action: string;
  /** An ARN, or a pattern of them. */
  resource: string;
  /** What is not meant of a pattern. */
  except: readonly string[];
  /** The resource, with what is not meant of a pattern. */
  what: string;
  answer: Answer;
  allowed: boolean;
  /** Requirements that some allowed request does not meet. */
  unmet: readonly Requirement[];
  shortfalls: readonly Shortfall[];
  enforcing: readonly EnforcingLayer[];
  /** Why one layer is enough, where there is one. */
  alone: string;
}

/** Asks everything that `capability` is about, of every role. */
export function judge(capability: Capability, input: ProofInput): Judgement[] {
  const { actions, who = () => true } = capability;
  return input.actors
    .filter((actor) => !actor.other && who(actor, input))
    .flatMap((actor) => {
      const allowances = capability.allows?.(actor, input) ?? [];
      const fixed = capability.on?.(input, actor);
      return actions.flatMap((action) => {
        const own = allowances.filter((allowance) => allowance.actions?.includes(action) ?? true);
        const except = own.flatMap(({ resources }) => resources);
        const patterns = fixed ?? [everyOf(action.slice(0, action.indexOf(':')))];
        return [
          ...own.flatMap((allowance) => judgeAllowed(actor, action, allowance)),
          ...questions(patterns, except, directResources(input.world, action)).map((resource) =>
            judgeForbidden(capability, actor, action, resource, except),
          ),
        ];
      });
    });
}

type Arns = readonly string[];

/** What is to be asked beside what is allowed: the patterns, and `named`, resources with policies that name roles. */
function questions(patterns: Arns, except: Arns, named: Arns): Arns {
  if (named.length === 0 && except.length === 0) return patterns;
  const isMeant = (arn: string) => patterns.some((pattern) => includes(pattern, arn));
  const direct = named.filter((arn) => !patterns.includes(arn) && isMeant(arn));
  return [...patterns, ...direct].filter((arn) => !except.some((own) => includes(own, arn)));
}

function judgeForbidden(of: Capability, actor: Actor, action: string, resource: string, spared: Arns) {
  const [, , service = '*'] = resource.split(':');
  const except = resource.includes('*')
    ? spared.filter((arn) => service === '*' || arn.split(':')[2] === service)
    : [];
  const answer = ask(actor, action, resource, { except });
  const { verdict, enforcing } = answer;
  const by = of.by?.(actor, action, resource) ?? ['identity policy'];
  const alone = of.alone?.(actor, action);
  return {
    actor,
    action,
    resource,
    except,
    answer,
    enforcing,
    allowed: false,
    unmet: [],
    what: except.length === 0 ? resource : `${resource} except ${except.join(', ')}`,
    shortfalls: verdict === 'never' ? shortfallsOf({ words: '', by, alone }, answer) : [],
    alone: enforcing.length < 2 ? (alone ?? '') : '',
  };
}

function judgeAllowed(actor: Actor, action: string, { resources, requires }: Allowance): Judgement[] {
  return resources.map((resource) => {
    const answer = ask(actor, action, resource);
    const checked = requires.map((required) => ({
      required,
      held: ask(actor, action, resource, { given: not(required.condition) }),
    }));
    const met = checked.filter(({ held }) => held.verdict === 'never');
    const single = met.filter(({ held }) => held.enforcing.length < 2);
    return {
      actor,
      action,
      resource,
      what: resource,
      answer,
      allowed: true,
      except: [],
      unmet: checked.filter(({ held }) => held.verdict !== 'never').map(({ required }) => required),
      shortfalls: met.flatMap(({ required, held }) => shortfallsOf(required, held, not(required.condition))),
      enforcing:
        answer.verdict === 'never'
          ? answer.enforcing
          : [...new Set(met.flatMap(({ held }) => held.enforcing))],
      alone: [...new Set(single.flatMap(({ required }) => required.alone ?? []))].join(' '),
    };
  });
}

function shortfallsOf(promise: Omit<Requirement, 'condition'>, held: Answer, given?: Condition): Shortfall[] {
  const { words, by, alone } = promise;
  const { enforcing, silent } = held;
  // A role's own policy must have the condition even where the resource's policy makes up for it.
  const missing = by.filter((layer) => !(layer === 'identity policy' ? silent : enforcing).includes(layer));
  const few = enforcing.length < (alone === undefined ? 2 : 1);
  return few || missing.length > 0 ? [{ given, words, enforcing, missing }] : [];
}

/** Whether the ARN pattern `outer` means everything that `inner` does. */
const includes = (outer: string, inner: string): boolean => covers(globOf(outer), globOf(inner));
