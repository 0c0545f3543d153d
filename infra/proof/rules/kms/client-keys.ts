import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { SIGNING } from '../../assembly/network.ts';
import { type CapabilityRule, capabilityRule, OF_ROLE, requirement } from '../capability.ts';
import { admissionOf, externalPrincipals, unknownRole } from '../external-principals.ts';
import { type Rule, violationsOf, wordsOf } from '../rule.ts';
import { clientKeyArn, clientKeyArns, everyOf, ownEndpoint, rotationOf, signingPlace } from '../targets.ts';

/** Nobody but the signers of a client can use `kms:Sign` on its keys. */
export const signIsForSigners: CapabilityRule = capabilityRule({
  name: 'sign-is-for-signers',
  invariant: 'I1',
  title: 'Nobody but the signers of a client can sign with its keys.',
  actions: ['kms:Sign'],
  // Any key, since a policy may name one by an id that no template knows.
  on: (input, { client }) => [...clientKeyArns(input), ...(client === undefined ? [everyOf('kms')] : [])],
  allows: (actor, input) =>
    actor.client === undefined ? [] : [{ resources: [clientKeyArn(input, actor.client)], requires: [] }],
  by: ({ client, zone }, _action, resource) => [
    ...(resource === everyOf('kms') ? [] : (['resource policy'] as const)),
    ...(client === undefined ? (['identity policy'] as const) : []),
    ...(client === undefined && zone !== SIGNING ? (['permissions boundary'] as const) : []),
  ],
  alone: ({ client }) =>
    client === undefined
      ? undefined
      : 'Keys are made after the deploy, so no identity policy can name them; tags take minutes to be honoured. The key policy separates clients, by the names of their signers.',
  remedy: 'Remove kms:Sign from the role, and from the key policy whoever is not a signer of that client.',
});

/** Algorithms that KMS knows and no client may be given. */
const registered = [...new Set(Object.values(ALGORITHMS).map((one) => one.kmsSigningAlgorithm))];

/** Why only the key policy binds the algorithm. */
const ONE_ALGORITHM =
  'Keys of an earlier algorithm go on signing until they retire, so only a key’s own policy names its one algorithm; beside it stands the key’s spec.';

const bound: CapabilityRule = capabilityRule({
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
    const is = (key: string, value: string | readonly string[], by = OF_ROLE, alone?: string) =>
      requirement({ StringEquals: { [key]: value } }, by, alone);
    const { kmsSigningAlgorithm: own } = ALGORITHMS[algorithm];
    const requires = [
      is('kms:MessageType', 'DIGEST', ['resource policy', ...OF_ROLE, 'endpoint policy']),
      is('aws:SourceVpce', ownEndpoint(actor, 'kms')),
      is('aws:SourceVpc', vpc, ['resource policy', ...OF_ROLE]),
      is('kms:SigningAlgorithm', registered, ['resource policy', 'identity policy'], ONE_ALGORITHM),
      is('kms:SigningAlgorithm', own, ['resource policy'], ONE_ALGORITHM),
    ];
    // By the role’s own policies the same holds of any key, since they may name one by an id that no template knows.
    const ofRole = requires.map((one) => ({ ...one, by: one.by.filter((of) => of !== 'resource policy') }));
    return [
      { resources: [clientKeyArn(input, client)], requires },
      { resources: [everyOf('kms')], requires: ofRole.filter(({ by }) => by.length > 0) },
    ];
  },
  remedy:
    'Restore the condition in the layer that lacks it: key policy (infra/render-key-policy.ts), identity policy, boundary or endpoint policy (infra/constructs/signer.ts).',
});

/** A signer signs digests only, with the declared algorithm, through the signing zone's endpoint. The matrix has client keys only. */
export const signingIsBound: CapabilityRule = {
  ...bound,
  rows: (input) => bound.rows(input).filter(({ resource }) => resource !== everyOf('kms')),
};

/** What a client key's policy must not leave to the account: whatever an identity policy could then add to any role. */
const USES = wordsOf(`
  kms:Anything kms:CreateGrant kms:Decrypt kms:DeriveSharedSecret kms:Encrypt kms:GenerateMac
  kms:GetParametersForImport kms:ImportKeyMaterial kms:ReEncryptFrom kms:ReEncryptTo kms:ReplicateKey kms:Sign
  kms:UpdatePrimaryRegion
`);

/** What nobody outside the account may do to it at all. */
const ADMINISTRATION = ['kms:DisableKey', 'kms:GetKeyPolicy', 'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion'];

/** The policy of client keys leaves administration to the account and nothing else; nobody else is in it but the signers. */
export const keysDoNotDelegate: Rule = {
  name: 'keys-do-not-delegate',
  invariant: 'I1',
  title:
    'No identity policy can add kms:Sign or a grant: a client key’s policy leaves the account administration only.',
  check: (input) => {
    const { account } = signingPlace(input);
    const own = unknownRole(account);
    const strangers = externalPrincipals(input).filter(
      ({ principal }) => !('account' in principal) || principal.account !== account,
    );
    const asked = [
      { ...own, actions: USES },
      ...strangers.map((stranger) => ({ ...stranger, actions: [...USES, ...ADMINISTRATION] })),
    ];
    return Object.keys(input.declaration.clients).flatMap((client) => {
      const key = clientKeyArn(input, client);
      return asked.flatMap(({ name, principal, actions }) => {
        const open = admissionOf(principal, actions, key, input.world, { delegation: true });
        const problem = open && `lets ${name} do ${open.actions.join(', ')}`;
        return violationsOf(problem ? [[undefined, problem, open.request]] : [], {
          resource: rotationOf(input)?.constructPath ?? key,
          subject: `The policy of the keys of ${client}`,
          path: [name, `policy of the keys of ${client}`, key],
          remedy:
            'Leave the account administration only; name signers, and nobody else, for kms:Sign (infra/render-key-policy.ts).',
        });
      });
    });
  },
};
