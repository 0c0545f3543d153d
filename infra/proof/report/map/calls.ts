import type { Reach } from '../../network/reach.ts';
import { endpointServiceOf } from '../../policy/endpoint.ts';
import { type Context, decide, describeCondition, rolePrincipal, type World } from '../../policy/index.ts';
import { type MapCall, type MapNode, type NodeKind, type Verb, zoneTitle } from './model.ts';

/** What the map asks about a node of a kind: the verb, and the actions of which one is enough. */
interface Asking {
  verb: Verb;
  actions: readonly string[];
  /** Whether AWS decides about them without naming the node, as about making a key. */
  unnamed?: boolean;
}

/**
 * The questions. The whole list of what leads to a signature is the rules' (infra/proof/rules); here stands what a
 * picture can show: use, administration, and taking over.
 */
const ASKINGS: Readonly<Partial<Record<NodeKind, readonly Asking[]>>> = {
  function: [{ verb: 'invoke', actions: ['lambda:InvokeFunction'] }],
  signer: [{ verb: 'invoke', actions: ['lambda:InvokeFunction'] }],
  key: [
    { verb: 'sign with', actions: ['kms:Sign'] },
    { verb: 'read the public key of', actions: ['kms:GetPublicKey'] },
    { verb: 'make', actions: ['kms:CreateKey'], unnamed: true },
    { verb: 'disable and enable', actions: ['kms:DisableKey', 'kms:EnableKey'] },
    {
      verb: 'take over',
      actions: ['kms:PutKeyPolicy', 'kms:CreateGrant', 'kms:ScheduleKeyDeletion', 'kms:ReplicateKey'],
    },
  ],
  record: [
    { verb: 'read', actions: ['secretsmanager:GetSecretValue'] },
    {
      verb: 'change',
      actions: [
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecret',
        'secretsmanager:UpdateSecretVersionStage',
      ],
    },
    { verb: 'take over', actions: ['secretsmanager:PutResourcePolicy', 'secretsmanager:DeleteSecret'] },
  ],
  queue: [{ verb: 'send to', actions: ['sqs:SendMessage'] }],
  secret: [{ verb: 'read', actions: ['secretsmanager:GetSecretValue'] }],
  table: [
    {
      verb: 'read and write',
      actions: [
        'dynamodb:GetItem',
        'dynamodb:Query',
        'dynamodb:Scan',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
      ],
    },
  ],
};

/** What calls are computed from. `words` turns ids in conditions into names. */
interface CallFacts {
  world: World;
  /** By function name. */
  reach: ReadonlyMap<string, Reach>;
  /** Zone of an endpoint by its id. */
  zoneOfEndpoint(id: string): string;
  words(text: string): string;
}

/** A way for requests to AWS: what is fixed about them. */
interface Way {
  through: string;
  endpoint: string | undefined;
  via?: readonly string[];
  context: Context;
}

const NO_ENDPOINT = { 'aws:SourceVpce': null, 'aws:SourceVpc': null };

/** Every call that the policies, and the networks, leave the functions of the assembly: who, what, to whom, which way, when. */
export function computeCalls(nodes: readonly MapNode[], facts: CallFacts): MapCall[] {
  const roles = new Map(
    [...facts.reach].map(
      ([
        name,
        {
          resource: { arn, properties },
        },
      ]) => [arn, { role: String(properties.Role), name }],
    ),
  );
  return nodes.flatMap((from) => {
    const of = roles.get(from.id);
    if (of === undefined) return [];
    const reach = facts.reach.get(of.name);
    return nodes
      .filter((to) => to.id !== from.id)
      .flatMap((to) =>
        (ASKINGS[to.kind] ?? []).flatMap((asking) => ask(from, of.role, to, asking, reach, facts)),
      );
  });
}

function ask(
  from: MapNode,
  role: string,
  to: MapNode,
  { verb, actions, unnamed }: Asking,
  reach: Reach | undefined,
  facts: CallFacts,
): MapCall[] {
  const principal = rolePrincipal(role);
  const resource = unnamed ? '*' : to.id;
  const found: MapCall[] = [];
  for (const action of actions) {
    for (const { through, endpoint, via, context } of waysFor(action, reach, facts)) {
      const question = { principal, action, resource, context };
      const answer = decide(via === undefined ? question : { ...question, via }, facts.world);
      if (answer.verdict === 'never') continue;
      const when = answer.verdict === 'always' ? '' : facts.words(describeCondition(answer.condition));
      const known = found.findIndex((call) => call.through === through && call.when === when);
      const call = found[known];
      if (call !== undefined) found[known] = { ...call, actions: [...call.actions, action] };
      // What is allowed as a call of its own is not told again as one that a service makes.
      else if (context['aws:ViaAWSService'] !== 'true' || !found.some((other) => other.when === when))
        found.push({
          ...{ from: from.id, to: to.id, verb, actions: [action] },
          ...{ through, endpoint, when, violated: false },
        });
    }
  }
  return found;
}

function waysFor(action: string, reach: Reach | undefined, facts: CallFacts): Way[] {
  const service = endpointServiceOf(action);
  const endpoints = (reach?.endpoints ?? [])
    .filter((endpoint) => endpoint.service === service)
    .map(
      ({ id }): Way => ({
        through: `the ${service} endpoint of ${zoneTitle(facts.zoneOfEndpoint(id))}`,
        endpoint: service,
        via: [id],
        context: {},
      }),
    );
  const open: Way = {
    through: "AWS's public endpoint",
    endpoint: undefined,
    context: { ...NO_ENDPOINT, 'aws:ViaAWSService': 'false' },
  };
  const onBehalf: Way = {
    through: 'an AWS service on its behalf',
    endpoint: undefined,
    context: { ...NO_ENDPOINT, 'aws:ViaAWSService': 'true' },
  };
  return [...endpoints, ...(reach?.internet === 'none' ? [] : [open]), onBehalf];
}
