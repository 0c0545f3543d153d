import { capabilityRule } from '../capability.ts';
import { clientKeyArn, clientKeyArns, isInSigningZone } from '../targets.ts';

/** Nobody but the signers of a client can use `kms:Sign` on its keys. */
export const signIsForSigners = capabilityRule({
  name: 'sign-is-for-signers',
  invariant: 'I1',
  title: 'Nobody but the signers of a client can sign with its keys.',
  actions: ['kms:Sign'],
  on: clientKeyArns,
  allows: (actor, input) =>
    actor.client === undefined ? [] : [{ resources: [clientKeyArn(input, actor.client)], requires: [] }],
  by: (actor) =>
    actor.client !== undefined
      ? ['resource policy']
      : isInSigningZone(actor)
        ? ['resource policy', 'identity policy']
        : ['resource policy', 'identity policy', 'permissions boundary'],
  alone: ({ client }) =>
    client === undefined
      ? undefined
      : 'Keys are made after the deploy, so no identity policy can name them; tags take minutes to be honoured. The key policy separates clients, by the names of their signers.',
  remedy: 'Remove kms:Sign from the role, and from the key policy whoever is not a signer of that client.',
});
