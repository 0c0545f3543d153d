import type { Reach } from '../../network/reach.ts';
import { decide } from '../../policy/decide.ts';
import { endpointServiceOf } from '../../policy/endpoint.ts';
import type { Context } from '../../policy/facts.ts';
import { rolePrincipal } from '../../policy/principal.ts';
import type { ProofInput } from '../../rules/rule.ts';
import type { MapCall, MapNode, NodeKind } from './model.ts';

/** What the map asks about a node of a kind: the verb, and the actions of which one is enough. */
interface Asking {
  verb: string;
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

/** A way for requests to AWS: what is fixed about them. */
interface Way {
  through: string;
  via?: readonly string[];
  context: Context;
}

const NO_ENDPOINT = { 'aws:SourceVpce': null, 'aws:SourceVpc': null };

/** Every call that the policies, and the networks, leave the functions of the assembly: who, what, to whom, which way. */
export function computeCalls(nodes: readonly MapNode[], { reach, world }: ProofInput): MapCall[] {
  return reach.flatMap((from) => {
    const { arn, properties } = from.resource;
    const principal = rolePrincipal(String(properties.Role));
    const isPossible = (action: string, { id }: MapNode, unnamed: boolean, { via, context }: Way) => {
      const question = { principal, action, resource: unnamed ? '*' : id, context };
      return decide(via === undefined ? question : { ...question, via }, world).verdict !== 'never';
    };
    const others = arn === undefined ? [] : nodes.filter(({ id }) => id !== arn);
    return others.flatMap((to) =>
      (ASKINGS[to.kind] ?? []).flatMap(({ verb, actions, unnamed = false }): MapCall[] => {
        const ways = actions.flatMap((action) =>
          waysFor(action, from)
            .filter((way) => isPossible(action, to, unnamed, way))
            .map(({ through }) => through),
        );
        // What is allowed as a call of its own is not told again as one that a service makes.
        const own = ways.filter((through) => through !== ON_BEHALF);
        return [...new Set(own.length > 0 ? own : ways)].map((through) => ({
          ...{ from: arn ?? '', to: to.id, verb, through, violated: false },
        }));
      }),
    );
  });
}

const ON_BEHALF = 'an AWS service on its behalf';

function waysFor(action: string, { endpoints, internet }: Reach): Way[] {
  const service = endpointServiceOf(action);
  const through = endpoints
    .filter((endpoint) => endpoint.service === service)
    .map(({ id }): Way => ({ through: service, via: [id], context: {} }));
  const open = {
    through: "AWS's public endpoint",
    context: { ...NO_ENDPOINT, 'aws:ViaAWSService': 'false' },
  };
  const onBehalf = { through: ON_BEHALF, context: { ...NO_ENDPOINT, 'aws:ViaAWSService': 'true' } };
  return [...through, ...(internet === 'none' ? [] : [open]), onBehalf];
}
