import type { Actor } from './actors.ts';
import { type Answer, ask, type Holder } from './ask.ts';
import type { Allowance, Capability, Requirement } from './capability.ts';
import { not } from './policy/condition.ts';
import { covers, parsePattern } from './policy/pattern.ts';
import type { ProofInput } from './rule.ts';
import { everyOf } from './targets.ts';
import { directResources } from './through.ts';

/** Holders that are fewer than promised. `words` is the condition that they hold; empty for the whole. */
export interface Thin {
  words: string;
  holders: readonly Holder[];
  missing: readonly Holder[];
}

/** What came of one question about one role. */
export interface Judgement {
  actor: Actor;
  action: string;
  /** An ARN, or a pattern of them. */
  resource: string;
  /** The resource, with what is not meant of a pattern. */
  what: string;
  answer: Answer;
  allowed: boolean;
  /** Requirements that some allowed request does not meet. */
  unmet: readonly Requirement[];
  thin: readonly Thin[];
  holders: readonly Holder[];
  /** Why one holder is enough, where there is one. */
  alone: string;
}

/** Asks everything that `capability` is about, of every role. */
export function judge(capability: Capability, input: ProofInput): Judgement[] {
  const { actions, who = () => true } = capability;
  const fixed = capability.on?.(input);
  return input.actors.filter(who).flatMap((actor) => {
    const allowances = capability.allows?.(actor, input) ?? [];
    return actions.flatMap((action) => {
      const own = allowances.filter((allowance) => allowance.actions?.includes(action) ?? true);
      const except = own.flatMap(({ resources }) => resources);
      return [
        ...own.flatMap((allowance) => judgeAllowed(actor, action, allowance)),
        ...questions(fixed ?? [everyOf(action.slice(0, action.indexOf(':')))], except, action, input).map(
          (resource) => judgeForbidden(capability, actor, action, resource, except),
        ),
      ];
    });
  });
}

/** What is to be asked beside what is allowed: the patterns, and resources with policies that name roles. */
function questions(
  patterns: readonly string[],
  except: readonly string[],
  action: string,
  input: ProofInput,
): string[] {
  const direct = directResources(input.world, action).filter(
    (arn) => !patterns.includes(arn) && patterns.some((pattern) => includes(pattern, arn)),
  );
  return [...patterns, ...direct].filter((arn) => !except.some((own) => includes(own, arn)));
}

function judgeForbidden(
  { by, alone: whyOne }: Capability,
  actor: Actor,
  action: string,
  resource: string,
  except: readonly string[],
): Judgement {
  const meant = resource.includes('*') ? except : [];
  const answer = ask(actor, action, resource, { except: meant });
  const { verdict, holders } = answer;
  const why = whyOne?.(actor);
  return {
    ...{ actor, action, resource, answer, holders, allowed: false, unmet: [] },
    what: meant.length === 0 ? resource : `${resource} except ${meant.join(', ')}`,
    thin: verdict === 'never' ? thinOf('', holders, by?.(actor, action) ?? [], why) : [],
    alone: holders.length < 2 ? (why ?? '') : '',
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
    return {
      ...{ actor, action, resource, what: resource, answer, allowed: true },
      unmet: checked.filter(({ held }) => held.verdict !== 'never').map(({ required }) => required),
      thin: met.flatMap(({ required: { words, by, alone }, held }) => thinOf(words, held.holders, by, alone)),
      holders:
        answer.verdict === 'never' ? answer.holders : [...new Set(met.flatMap(({ held }) => held.holders))],
      alone: met
        .flatMap(({ required, held }) => (held.holders.length < 2 ? (required.alone ?? []) : []))
        .join(' '),
    };
  });
}

function thinOf(
  words: string,
  holders: readonly Holder[],
  by: readonly Holder[],
  alone: string | undefined,
): Thin[] {
  const missing = by.filter((holder) => !holders.includes(holder));
  const few = holders.length < (alone === undefined ? 2 : 1);
  return few || missing.length > 0 ? [{ words, holders, missing }] : [];
}

/** Whether the ARN pattern `outer` means everything that `inner` does. */
function includes(outer: string, inner: string): boolean {
  return covers(globOf(outer), globOf(inner));
}

function globOf(arn: string): string {
  return parsePattern(arn, { wildcards: true, variables: false }).glob ?? arn;
}
