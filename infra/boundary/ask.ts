import { type Actor, isClosed } from './actors.ts';
import { type Answers, serviceOf } from './policy/asked.ts';
import { anyGrade, combine, deniedBy, passEndpoints } from './policy/combine.ts';
import { ALWAYS, all, any, type Condition, NEVER, not, type Test } from './policy/condition.ts';
import { mayServe, networkFacts } from './policy/endpoint.ts';
import {
  type Endpoint,
  formulate,
  inWords,
  type Layer,
  type Policy,
  type Question,
  satisfiable,
  simplify,
  type World,
} from './policy/index.ts';
import { covers, parsePattern } from './policy/pattern.ts';
import { type Statement, statementsAbout } from './policy/statement.ts';
import { resourceFor } from './policy/world.ts';

/** What holds a *never*: a kind of policy, the network, or that only an AWS service can become the role. */
export type Holder = Layer | 'network' | 'trust policy';

/** Which of the requests of a question are meant. */
export interface Narrowing {
  /** ARNs and ARN patterns of resources that are not meant, where the question is about a pattern. */
  except?: readonly string[];
  /** What holds of the requests that are meant (default: nothing). */
  given?: Condition;
}

/** The answer about every request that is meant. */
export interface Answer {
  verdict: 'never' | 'always' | 'when';
  /** The remaining condition in words; empty unless the verdict is `when`. */
  when(): string;
  /** What forbids on its own, whatever the others come to say. Empty unless the verdict is `never`. */
  holders: readonly Holder[];
  /**
   * What does not allow it, taken alone: the holders, and a policy that only leaves the Allow out where the resource's
   * own policy names the caller and so does not need it.
   */
  silent: readonly Holder[];
}

/**
 * Whether `actor` may do `action` on `resource` (an ARN, `*`, or a pattern of ARNs), over every request that is meant.
 * Where the resource is a pattern, policies of single resources are not asked: ask about those resources too.
 */
export function ask(actor: Actor, action: string, resource: string, narrowing: Narrowing = {}): Answer {
  const { answers, formulas } = memoryOf(actor);
  const silent = resource.includes('*') && areSilent(actor, action);
  if (silent) return recall(answers, serviceOf(action), () => answerSilence(actor, action));
  const question = { principal: actor.principal, action, resource };
  const id = questionId(actor, question);
  const { except = [], given = ALWAYS } = narrowing;
  return recall(answers, `${id}|${except.join()}|${given.id}`, () =>
    workOut(
      actor,
      question,
      recall(formulas, id, () => formulate(question, actor.view)),
      { except, given },
    ),
  );
}

type Formula = ReturnType<typeof formulate>;

/** Most actions are one to every policy, so most questions have been answered before. */
const memories = new WeakMap<Actor, { answers: Map<string, Answer>; formulas: Map<string, Formula> }>();

function memoryOf(actor: Actor) {
  const memory = memories.get(actor) ?? { answers: new Map(), formulas: new Map() };
  memories.set(actor, memory);
  return memory;
}

function recall<Value>(known: Map<string, Value>, id: string, find: () => Value): Value {
  const value = known.get(id) ?? find();
  known.set(id, value);
  return value;
}

/** Whether no policy of an actor says anything about an action: so it is with most actions. */
function areSilent({ role: { identity, boundary }, ways = [], services }: Actor, action: string): boolean {
  if (services?.has(serviceOf(action)) === false) return true;
  const silent = (policy: Policy | undefined) =>
    policy !== undefined && statementsAbout(policy, action).length === 0;
  return (
    silent(boundary) &&
    identity.every(silent) &&
    ways.every(({ service, policy }) => !mayServe(service, action) || silent(policy))
  );
}

/** The answer where all policies are silent; the same for all actions of a service and every pattern of resources. */
function answerSilence(actor: Actor, action: string): Answer {
  const holders: Holder[] = ['identity policy', 'permissions boundary'];
  const ways = waysFor(actor, action);
  if (ways !== undefined) holders.push(ways.length === 0 ? 'network' : 'endpoint policy');
  if (isClosed(actor.role)) holders.push('trust policy');
  return { verdict: 'never', when: nothing, holders, silent: holders };
}

/** Equal for questions that every policy that has a say takes for the same. */
function questionId({ role, view }: Actor, { action, resource }: Question): string {
  const target = resourceFor(view, action, resource);
  const policies = [
    ...role.identity,
    ...(role.boundary ? [role.boundary] : []),
    ...(target?.policies ?? []),
    ...[...view.endpoints.values()].flatMap((endpoint) =>
      endpoint.policy && mayServe(endpoint.service, action) ? [endpoint.policy] : [],
    ),
  ];
  const said = policies.map((policy) => statementsAbout(policy, action).map(numberOf).join());
  return [serviceOf(action), resource, ...said].join('|');
}

const numbers = new WeakMap<Statement, number>();
let lastNumber = 0;

function numberOf(statement: Statement): number {
  const known = numbers.get(statement) ?? ++lastNumber;
  numbers.set(statement, known);
  return known;
}

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
      ...holdersOf({ ...formulated, actor, question, answers, given }),
    };
  if (!possible(not(allowed))) return { verdict: 'always', when: nothing, holders: [], silent: [] };
  return {
    verdict: 'when',
    when: remembered(() => inWords(simplify(withoutOpenPolicy(allowed, question.resource), facts()))),
    holders: [],
    silent: [],
  };
}

const nothing = () => '';

/** `condition` for people: that nobody knows the policies of a whole pattern of resources goes without saying. */
function withoutOpenPolicy(condition: Condition, resource: string): Condition {
  return mapTests(condition, (test) =>
    test.kind === 'unknown' && resource.includes('*') && test.what.includes(resource) ? ALWAYS : undefined,
  );
}

/** The endpoints for an action that the network leaves the actor; undefined where it leaves other ways too. */
function waysFor({ ways }: Actor, action: string): Endpoint[] | undefined {
  return ways?.filter(({ service }) => mayServe(service, action));
}

/** What the network guarantees about where a request comes from; the same for all actions of a service. */
function factsOf({ action }: Question, { view }: Actor, via?: readonly string[]): Condition {
  const known = networks.get(view) ?? new Map<string, Condition>();
  networks.set(view, known);
  const id = `${serviceOf(action)} ${via?.join() ?? 'any way'}`;
  const facts = known.get(id) ?? networkFacts(view, action, via);
  known.set(id, facts);
  return facts;
}

const networks = new WeakMap<World, Map<string, Condition>>();

/** A question with what the layers came to. */
interface Asked extends Pick<Formula, 'answers' | 'situation' | 'logic'> {
  actor: Actor;
  question: Question;
  given: Condition;
}

/** Each holder on its own: an Allow left out, a Deny, an endpoint without a way round it, a network without a way there. */
function holdersOf(asked: Asked): Pick<Answer, 'holders' | 'silent'> {
  const { actor, question, answers, situation, logic, given } = asked;
  const { identity, boundary, resource } = answers;
  const facts = remembered(() => all([given, factsOf(question, actor)]));
  const impossible = (passes: Condition) => {
    if (passes === NEVER) return true;
    return (passes !== ALWAYS || given !== ALWAYS) && !satisfiable(all([facts(), passes]));
  };
  const found: { holder: Holder; alone: boolean }[] = [];
  const look = (
    holder: Holder,
    { allows, denies }: Answers<Condition>['identity'],
    overridden: Condition,
  ) => {
    if (!impossible(all([allows, not(denies)]))) return;
    // What names the caller in the resource's own policy needs no Allow elsewhere, and yields to a Deny only.
    found.push({ holder, alone: overridden === NEVER || impossible(not(denies)) });
  };
  // In one account a resource policy that is silent forbids nothing, except where it decides.
  const needless = situation.sameAccount && !situation.resourceDecides;
  const allows = needless ? ALWAYS : anyGrade(answers, logic);
  look('resource policy', { allows, denies: resource.denies }, NEVER);
  look('identity policy', identity, any([resource.direct, resource.role]));
  if (boundary) look('permissions boundary', boundary, resource.direct);
  const ways = waysFor(actor, question.action);
  const via = ways?.map(({ id }) => id);
  if (ways?.length === 0) found.push({ holder: 'network', alone: true });
  else if (holdsAtEndpoint(asked, via)) found.push({ holder: 'endpoint policy', alone: true });
  if (isClosed(actor.role)) found.push({ holder: 'trust policy', alone: true });
  return {
    holders: found.filter(({ alone }) => alone).map(({ holder }) => holder),
    silent: found.map(({ holder }) => holder),
  };
}

/**
 * An endpoint's policy holds where it refuses what is meant, and nothing gets round the endpoint: because the network
 * (`via`), or identity policy or boundary, leave no other way for what they do not deny anyhow (correction 7).
 */
function holdsAtEndpoint(
  { actor, question, answers, logic, given }: Asked,
  via: readonly string[] | undefined,
): boolean {
  const endpoints = answers.endpoints();
  if (endpoints.length === 0) return false;
  const facts = factsOf(question, actor, via);
  const possible = (parts: readonly Condition[]) => satisfiable(all([facts, ...parts]));
  const through = any(endpoints.map((endpoint) => endpoint.through));
  if (possible([given, through, passEndpoints(answers, logic)])) return false;
  const undenied = not(deniedBy({ ...answers, resource: { ...answers.resource, denies: NEVER } }, logic));
  const bounded = all([undenied, answers.boundary?.allows ?? ALWAYS]);
  return [undenied, bounded].some((rest) => possible([rest]) && !possible([rest, not(through)]));
}

/** The answers with every test for a resource that is not meant answered with no. */
function withoutResources(answers: Answers<Condition>, except: readonly string[]): Answers<Condition> {
  const globs = except.map((arn) => parsePattern(arn, { wildcards: true, variables: false }).glob ?? arn);
  const change = (condition: Condition) =>
    mapTests(condition, (test) => {
      const pattern = test.kind === 'resource' ? test.pattern.glob : undefined;
      return pattern !== undefined && globs.some((glob) => covers(glob, pattern)) ? NEVER : undefined;
    });
  const both = <Side extends { allows: Condition; denies: Condition }>(side: Side) => ({
    ...side,
    allows: change(side.allows),
    denies: change(side.denies),
  });
  const { resource } = answers;
  return {
    ...answers,
    identity: both(answers.identity),
    boundary: answers.boundary && both(answers.boundary),
    endpoints: () => answers.endpoints().map(({ through, answer }) => ({ through, answer: both(answer) })),
    resource: {
      direct: change(resource.direct),
      role: change(resource.role),
      account: change(resource.account),
      denies: change(resource.denies),
    },
  };
}

/** `condition` with the tests replaced for which `answer` has an answer. */
function mapTests(condition: Condition, answer: (test: Test) => Condition | undefined): Condition {
  switch (condition.kind) {
    case 'constant':
      return condition;
    case 'test':
      return answer(condition.test) ?? condition;
    case 'not':
      return not(mapTests(condition.of, answer));
    case 'all':
      return all(condition.of.map((part) => mapTests(part, answer)));
    case 'any':
      return any(condition.of.map((part) => mapTests(part, answer)));
  }
}

function remembered<Value>(compute: () => Value): () => Value {
  let known: { value: Value } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}
