import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { SIGNING } from '../../network/model.ts';
import { capabilityRule, requirement } from '../capability.ts';
import { clientKeyArn, ownEndpoint } from '../targets.ts';

/** Algorithms that KMS knows and no client may be given. */
const registered = [
  ...new Set(Object.values(ALGORITHMS).map(({ kmsSigningAlgorithm }) => kmsSigningAlgorithm)),
];

/** Why only the key policy binds the algorithm. */
const ONE_ALGORITHM =
  'Keys of an earlier algorithm go on signing until they retire, so only a key’s own policy names its one algorithm; beside it stands the key’s spec.';

/** A signer signs digests only, with the declared algorithm, through the signing zone's endpoint. */
export const signingIsBound = capabilityRule({
  name: 'signing-is-bound',
  invariant: 'I5',
  title: 'A signer signs digests only, with the declared algorithm, through the signing zone’s endpoint.',
  actions: ['kms:Sign'],
  on: () => [],
  who: ({ client }) => client !== undefined,
  allows: (actor, input) => {
    const client = actor.client ?? '';
    const algorithm = input.declaration.clients[client]?.algorithm ?? 'ES256';
    const vpc = [...input.network.zones].find(([, zone]) => zone === SIGNING)?.[0] ?? 'no VPC';
    const equal = (key: string, value: string | readonly string[]) => ({ StringEquals: { [key]: value } });
    return [
      {
        resources: [clientKeyArn(input, client)],
        requires: [
          requirement(equal('kms:MessageType', 'DIGEST'), [
            'resource policy',
            'identity policy',
            'permissions boundary',
            'endpoint policy',
          ]),
          requirement(equal('aws:SourceVpce', ownEndpoint(actor, 'kms')), [
            'identity policy',
            'permissions boundary',
          ]),
          requirement(equal('aws:SourceVpc', vpc), [
            'resource policy',
            'identity policy',
            'permissions boundary',
          ]),
          requirement(
            equal('kms:SigningAlgorithm', registered),
            ['resource policy', 'identity policy'],
            ONE_ALGORITHM,
          ),
          requirement(
            equal('kms:SigningAlgorithm', ALGORITHMS[algorithm].kmsSigningAlgorithm),
            ['resource policy'],
            ONE_ALGORITHM,
          ),
        ],
      },
    ];
  },
  remedy:
    'Restore the condition in the layer that lacks it: key policy (infra/key-policy.ts), identity policy, boundary or endpoint policy (infra/constructs/signer.ts).',
});
