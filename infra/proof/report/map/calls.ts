import type { Reach } from '../../network/reach.ts';
import { decide } from '../../policy/decide.ts';
import { endpointServiceOf } from '../../policy/endpoint.ts';
import { rolePrincipal } from '../../policy/principal.ts';
import { type ProofInput, wordsOf } from '../../rules/rule.ts';
import type { MapCall, MapNode, NodeKind } from './model.ts';

/**
 * What the map asks about nodes of a kind: the verb, and the actions of which one is enough. The whole list of what leads to a
 * signature is the rules' (infra/proof/rules); here stands what a picture can show: use, administration, and taking over.
 */
const ASKINGS: readonly (readonly [kind: NodeKind, verb: string, actions: string])[] = [
  ['function', 'invoke', 'lambda:InvokeFunction'],
  ['signer', 'invoke', 'lambda:InvokeFunction'],
  ['key', 'sign with', 'kms:Sign'],
  ['key', 'read the public key of', 'kms:GetPublicKey'],
  ['key', 'make', 'kms:CreateKey'],
  ['key', 'disable and enable', 'kms:DisableKey kms:EnableKey'],
  ['key', 'take over', 'kms:PutKeyPolicy kms:CreateGrant kms:ScheduleKeyDeletion kms:ReplicateKey'],
  ['record', 'read', 'secretsmanager:GetSecretValue'],
  [
    'record',
    'change',
    'secretsmanager:PutSecretValue secretsmanager:UpdateSecret secretsmanager:UpdateSecretVersionStage',
  ],
  ['record', 'take over', 'secretsmanager:PutResourcePolicy secretsmanager:DeleteSecret'],
  ['queue', 'send to', 'sqs:SendMessage'],
  ['secret', 'read', 'secretsmanager:GetSecretValue'],
  ['secret', 'replace', 'secretsmanager:PutSecretValue'],
  ['table', 'read', 'dynamodb:GetItem dynamodb:Query dynamodb:Scan'],
  ['table', 'write', 'dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem'],
];

const NO_ENDPOINT = { 'aws:SourceVpce': null, 'aws:SourceVpc': null };

/** Every call that the policies, and the networks, leave the functions of the assembly: who, what, to whom, which way. */
export function computeCalls(nodes: readonly MapNode[], { reach, world }: ProofInput): MapCall[] {
  return reach.flatMap((from) => {
    const { arn, properties } = from.resource;
    const principal = rolePrincipal(String(properties.Role));
    const others = arn === undefined ? [] : nodes.filter(({ id }) => id !== arn);
    return others.flatMap(({ id, kind }) =>
      ASKINGS.filter(([of]) => of === kind).flatMap(([, verb, actions]): MapCall[] => {
        const ways = wordsOf(actions).flatMap((action) =>
          waysFor(action, from).filter(({ fixed }) => {
            // A key that is not made yet has no name.
            const resource = action === 'kms:CreateKey' ? '*' : id;
            return decide({ principal, action, resource, ...fixed }, world).verdict !== 'never';
          }),
        );
        const through = ways.map((way) => way.through);
        // What is allowed as a call of its own is not told again as one that a service makes.
        const own = through.filter((way) => way !== ON_BEHALF);
        return [...new Set(own.length > 0 ? own : through)].map((way) => ({
          from: arn ?? '',
          to: id,
          verb,
          through: way,
          violated: false,
        }));
      }),
    );
  });
}

const ON_BEHALF = 'an AWS service on its behalf';

/** The ways for a function's requests to AWS, each with what is fixed about requests that take it. */
function waysFor(action: string, { endpoints, internet }: Reach) {
  const service = endpointServiceOf(action);
  const past = (viaService: string) => ({ context: { ...NO_ENDPOINT, 'aws:ViaAWSService': viaService } });
  return [
    ...endpoints.flatMap((one) =>
      one.service === service ? [{ through: service, fixed: { via: [one.id] } }] : [],
    ),
    ...(internet === 'none' ? [] : [{ through: "AWS's public endpoint", fixed: past('false') }]),
    { through: ON_BEHALF, fixed: past('true') },
  ];
}
