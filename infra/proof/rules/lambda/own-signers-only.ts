import { capabilityRule, requirement, throughOwnEndpoint } from '../capability.ts';
import { rotationArn, signersOfZone } from '../targets.ts';

/**
 * A zone's functions invoke the zone's own signers, unqualified (an old version may have a wider grant), through the zone's
 * own endpoint, and no other function. What Secrets Manager does for the key watch is the one other invocation.
 */
export const ownSignersOnly = capabilityRule({
  name: 'own-signers-only',
  invariant: 'I2',
  title: 'A zone invokes its own signers only, unqualified, and only through its own endpoint.',
  actions: ['lambda:InvokeFunction', 'lambda:InvokeAsync', 'lambda:InvokeFunctionUrl'],
  // What AWS does on behalf of the admin zone's functions passes no endpoint.
  by: (actor, action) =>
    actor.asks && !actor.admin && action === 'lambda:InvokeFunction'
      ? ['identity policy', 'permissions boundary', 'endpoint policy']
      : ['identity policy'],
  allows: (actor, input) => {
    if (!actor.asks) return [];
    const here = throughOwnEndpoint(actor, 'lambda');
    const rotation = rotationArn(actor, input);
    const byService = requirement({ Bool: { 'aws:ViaAWSService': 'true' } });
    return [
      { actions: ['lambda:InvokeFunction'], resources: signersOfZone(input, actor.zone), requires: [here] },
      ...(actor.admin
        ? [{ actions: ['lambda:InvokeFunction'], resources: [rotation], requires: [byService] }]
        : []),
    ];
  },
  remedy:
    'Name the unqualified ARN of the zone’s own signer, with the zone’s own aws:SourceVpce, in identity policy, boundary and endpoint policy.',
});
