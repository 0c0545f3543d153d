import { exampleArn } from '../assembly/physical.ts';
import { memory, remembered } from '../assembly/remembered.ts';
import { hasUnknown } from '../assembly/unknown.ts';
import { combine, type Formula } from '../policy/combine.ts';
import type { Condition, Test } from '../policy/condition.ts';
import { ALWAYS, all, evaluate, isPresent, mapTests, not, reduce, testsOf } from '../policy/condition.ts';
import { formulate, type Question } from '../policy/decide.ts';
import { mayServe, networkFacts } from '../policy/endpoint.ts';
import { arnParts, covers, type Glob, globOf, showGlob } from '../policy/pattern.ts';
import { roleName } from '../policy/principal.ts';
import { closedFacts, type Layer, openFacts, type Request } from '../policy/request.ts';
import type { Truth } from '../policy/ternary.ts';
import { describeCondition } from '../policy/words.ts';
import type { World } from '../policy/world/world.ts';
import { directResources } from './through.ts';

/**
 * A request that shows an answer: the input of `decideRequest` (local/aws). ARNs, ids and dates are well formed; what no policy names is
 * made up. A context key that is `null` the request surely lacks, though the templates give role or resource such a tag.
 */
export interface Witness extends Request {
  /** Layers that would have to go before it is allowed; absent where it is allowed as things are. */
  without?: readonly Layer[];
  /** What the templates do not say and must be so, in words; absent where nothing must. */
  assuming?: readonly string[];
}

/** Which of the requests of a question are meant. */
interface Wanted {
  given?: Condition | undefined;
  except?: readonly string[];
}

/** A question with what is the same whichever layers are taken away. */
interface Opened {
  question: Question;
  world: World;
  /** What requests must be, but for where they come from. */
  meant: Condition;
  /** Endpoints that serve the action. */
  endpoints: readonly string[];
  /** For each resource that it may be about, how it is decided. */
  about: readonly { asking: Question; formula: () => Formula<Condition> }[];
}

/**
 * A request of `question` that is allowed: its resource among those that the world has or such a one, a value for every context
 * key that a policy asks for. One that needs nothing unknown where there is one. Undefined where none was found, which proves nothing.
 */
export function findWitness(question: Question, world: World, wanted: Wanted = {}): Witness | undefined {
  return search(open(question, world, wanted), []);
}

function open(asked: Question, world: World, wanted: Wanted): Opened {
  const question = { ...asked, action: exampleAction(asked) };
  const { action, principal } = question;
  const endpoints = [...world.endpoints.values()].filter(({ service }) => mayServe(service, action));
  const isAny = principal.kind === 'service' && hasUnknown(principal.service);
  const given = reduce(wanted.given ?? ALWAYS, openFacts(question, {}, world));
  const about = resourcesOf(question, world, wanted).map((resource) => {
    const asking = { ...question, resource };
    return { asking, formula: remembered(() => formulate(asking, world)) };
  });
  const meant = all([given, isAny ? isPresent(SERVICE) : ALWAYS]);
  return { question, world, meant, endpoints: endpoints.map(({ id }) => id), about };
}

/** A request that is allowed once layers `without` are taken away, and denied before if there are any. */
function search({ question, world, meant, endpoints, about }: Opened, without: readonly Layer[]) {
  // What an endpoint's policy denies is what comes through it.
  const via = without.includes('endpoint policy') ? endpoints : undefined;
  const facts = all([meant, networkFacts(world, question.action, via)]);
  const searches = about.map(({ asking, formula: decided }) =>
    remembered(() => {
      const formula = decided();
      // Of a pattern too: single resources may have policies of their own, which its answer leaves out.
      const denied = without.length > 0 ? not(combine(formula)) : ALWAYS;
      const condition = all([facts, denied, combine(withoutLayers(formula, without))]);
      return { question: asking, world, condition, tests: testsOf(condition) };
    }),
  );
  for (const mayAssume of [false, true])
    for (const search of searches) {
      const tried = { ...search(), mayAssume, steps: MOST_STEPS };
      const found = solve(tried.condition, tried);
      if (found) return witnessOf(tried, found, without);
    }
  return undefined;
}

/** The key that names the service that asks. */
const SERVICE = 'aws:PrincipalServiceName';

/** An action that a pattern of actions means, made up but for its service. */
function exampleAction({ action, resource }: Question): string {
  if (!/[*?]/.test(action)) return action;
  const [service = '', name = '*'] = action.split(':', 2);
  const of = /[*?]/.test(service) ? (resource.split(':')[2] ?? '') : service;
  return `${of}:${name.replaceAll('*', 'Anything').replaceAll('?', 'x')}`;
}

/** How many choices one search makes at most: a found request takes about as many as it has keys. */
const MOST_STEPS = 2000;

const LAYERS = ['identity policy', 'resource policy', 'permissions boundary', 'endpoint policy'] as const;

/** Every set of them but none. */
const SETS = LAYERS.reduce<readonly (readonly Layer[])[]>(
  (sets, layer) => sets.flatMap((set) => [set, [...set, layer]]),
  [[]],
).slice(1);

/**
 * A request that is denied and would be allowed without as few layers as can be: those of `holding`, each of which denies it alone,
 * and where they are not all, others.
 */
export function findNearest(
  question: Question,
  world: World,
  { holding, ...wanted }: Wanted & { holding: readonly string[] },
): Witness | undefined {
  const lacks = (set: readonly Layer[]) =>
    LAYERS.filter((layer) => holding.includes(layer) && !set.includes(layer)).length;
  const opened = open(question, world, wanted);
  return SETS.toSorted((a, b) => lacks(a) - lacks(b) || a.length - b.length)
    .values()
    .map((without) => search(opened, without))
    .find((found) => found !== undefined);
}

/** The layers as they are without some of them: each then allows whatever others allow, and denies nothing. */
function withoutLayers(formula: Formula<Condition>, gone: readonly Layer[]): Formula<Condition> {
  const { identity, boundary, endpoints, resource } = formula;
  return {
    ...formula,
    identity: gone.includes('identity policy') ? { allows: ALWAYS, denies: not(ALWAYS) } : identity,
    boundary: gone.includes('permissions boundary') ? undefined : boundary,
    endpoints: gone.includes('endpoint policy') ? () => [] : endpoints,
    resource: gone.includes('resource policy')
      ? { ...resource, account: ALWAYS, denies: not(ALWAYS) }
      : resource,
  };
}

/** Resources that a question may be about: what the world has that policies name, what they name otherwise, anything. */
function resourcesOf(question: Question, world: World, { except = [] }: Wanted): string[] {
  const { resource } = question;
  if (resource === '*' || !resource.includes('*')) return [resource];
  const asked = globOf(resource);
  const { identity, boundary } = formulate(question, world);
  const tests = testsOf(boundary?.allows ?? ALWAYS, testsOf(identity.allows));
  const named = [...tests.values()].flatMap((test) => (test.kind === 'resource' ? test.glob : []));
  const known = knownAmong(asked, question.action, world);
  const likely = known.filter((arn) => named.some((glob) => covers(glob, arn)));
  // Of two patterns of which neither covers the other, the narrower part each.
  const parts = asked.split('/');
  const narrowed = named.map((glob) =>
    glob
      .split('/')
      .map((part, at) => (covers(part, parts[at] ?? '') ? (parts[at] ?? part) : part))
      .join('/'),
  );
  const made = [...named, ...narrowed, asked].map((glob) => exampleOf(glob, question, world));
  return [...new Set([...likely, ...made, ...known.slice(0, 5)])]
    .filter((arn) => covers(asked, arn) && !except.some((own) => covers(globOf(own), arn)))
    .concat('*');
}

const known = memory<World['resources'], readonly string[]>();

/** What the world has of the resources that a glob means. */
function knownAmong(glob: Glob, action: string, world: World): readonly string[] {
  return known(world.resources, `${action} ${glob}`, () => {
    // The keys that rotation makes stand last, and are what questions about keys mean. What names the caller in its own policy is asked about by itself.
    const direct = directResources(world, action);
    return [...world.roles.keys(), ...world.resources.keys()]
      .filter((arn) => !arn.includes('*') && covers(glob, arn) && !direct.includes(arn))
      .reverse();
  });
}

/** What is chosen so far: values by key (none: the request lacks it), and answers to what nobody knows by test. */
type Choice = ReadonlyMap<string, readonly string[] | boolean>;

interface Search {
  question: Question;
  world: World;
  condition: Condition;
  /** Every test of the condition. */
  tests: ReadonlyMap<string, Test>;
  /** How many more choices it may make. */
  steps: number;
  /** Whether something unknown may be assumed. */
  mayAssume: boolean;
}

/** Chooses value after value, and goes back where nothing is left. */
function solve(condition: Condition, search: Search, choice: Choice = new Map()): Choice | undefined {
  if (condition.kind === 'constant') return condition.value ? choice : undefined;
  if (search.steps-- <= 0) return undefined;
  const open = [...testsOf(condition).values()];
  const key = open.flatMap((test) => ('key' in test ? test.key : [])).find((one) => !choice.has(one));
  const assumed = search.mayAssume ? [true, false] : [];
  for (const value of key === undefined ? assumed : valuesFor(key, search)) {
    const next = new Map(choice).set(key ?? open[0]?.id ?? '', value);
    const rest = mapTests(condition, (test) => answer(test, next, search));
    const found = solve(rest, search, next);
    if (found) return found;
  }
  return undefined;
}

function answer(test: Test, choice: Choice, { question }: Search): Truth {
  const assumed = choice.get(test.id);
  if (typeof assumed === 'boolean') return assumed;
  const values = (key: string) => {
    const chosen = choice.get(key);
    return typeof chosen === 'object' ? chosen : undefined;
  };
  return evaluate({ kind: 'test', test, id: test.id }, { values, resource: question.resource });
}

/** What every request has, by lower-case key. */
const USUAL: Record<string, string> = { 'aws:securetransport': 'true', 'aws:viaawsservice': 'false' };

/** Another value than policies name, by lower-case key. */
const OTHERS: Readonly<Record<string, string>> = {
  'aws:sourcevpce': 'vpce-0123456789abcdef0',
  'aws:sourcevpc': 'vpc-0123456789abcdef0',
  'aws:sourcearn': 'arn:aws:sns:eu-north-1:111122223333:example',
  'aws:sourceaccount': '111122223333',
  'aws:principalservicename': 'another.amazonaws.com',
  'kms:messagetype': 'RAW',
  'kms:signingalgorithm': 'ECDSA_SHA_512',
  'kms:keyspec': 'RSA_2048',
  'kms:keyusage': 'ENCRYPT_DECRYPT',
  'kms:viaservice': 'ec2.eu-north-1.amazonaws.com',
};

/** Values that a key may have, the likeliest first. */
function valuesFor(key: string, { tests, world, question }: Search): readonly (readonly string[])[] {
  const named = [...tests.values()].flatMap((test) => {
    if (!('key' in test) || test.key !== key || test.kind === 'present') return [];
    const matchers = test.kind === 'stray' ? test.matchers : [test.matcher];
    return matchers.flatMap(({ shape }) => (shape ? exampleOf(shape.glob, question, world) : []));
  });
  const isSwitch = named.some((text) => /^(?:true|false)$/i.test(text));
  const others = isSwitch ? ['true', 'false'] : [OTHERS[key] ?? 'example'];
  const [usual, all] = [USUAL[key], [...new Set(named)]];
  return [...(usual === undefined ? [] : [[usual]]), [], ...[...all, ...others].map((text) => [text]), all];
}

function witnessOf({ question, world, tests }: Search, choice: Choice, without: readonly Layer[]): Witness {
  const { principal: who, action, resource } = question;
  const [service] = [choice.get(SERVICE.toLowerCase())].flat();
  // Lambda names a session after its function, whose role has its name.
  const principal =
    who.kind === 'role'
      ? { ...who, session: who.session ?? roleName(who.arn) }
      : who.kind === 'service' && typeof service === 'string'
        ? { ...who, service }
        : who;
  const implied = closedFacts(question, {}, world);
  const context = [...tests.values()].flatMap((test): [string, Witness['context'][string]][] => {
    const chosen = 'key' in test ? choice.get(test.key) : undefined;
    if (!('key' in test) || typeof chosen !== 'object') return [];
    const [value, ...more] = chosen;
    if (value === undefined) return implied.values(test.key)?.length === 0 ? [] : [[test.name, null]];
    return [[test.name, more.length > 0 ? chosen : value]];
  });
  const assuming = [...tests.values()].flatMap((test) => {
    const condition: Condition = { kind: 'test', test, id: test.id };
    const truth = choice.get(test.id);
    return typeof truth === 'boolean' ? [describeCondition(truth ? condition : not(condition))] : [];
  });
  return {
    principal,
    action,
    resource,
    context: Object.fromEntries(context),
    ...(without.length > 0 ? { without } : {}),
    ...(assuming.length > 0 ? { assuming } : {}),
  };
}

/** A text that a glob means: of an ARN the parts of a resource that may exist, made up. */
function exampleOf(glob: string, { principal }: Question, { account, region }: World): string {
  const filled = (text: string) => showGlob(text).replaceAll('*', 'example').replaceAll('?', 'x');
  if (!glob.startsWith('arn:')) return filled(glob);
  const parts = arnParts(glob);
  const place = { region, account: 'account' in principal ? principal.account : account };
  const like = arnParts(exampleArn(parts[2] ?? '', place));
  return parts
    .map((part, index) => (covers(part, like[index] ?? '') ? (like[index] ?? '') : filled(part)))
    .join(':')
    .replace(/(:log-group:.+:)example$/, '$1log-stream:example');
}
