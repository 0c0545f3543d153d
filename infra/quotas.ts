import { Annotations, type Stack } from 'aws-cdk-lib';
import { allowedHosts, deriveGrants } from './declaration/derive.ts';
import type { SystemDeclaration } from './declaration/schema.ts';

/** Reserved concurrency where a grant is derived: the admin zone's signers. */
const DERIVED_CONCURRENCY = 10;

/** Concurrent executions that Lambda keeps for functions without a reservation; rotation and key watch reserve one each. */
const UNRESERVED = 100;
const ADMIN_RESERVED = 2;

/** Signatures at one time of the signer of a grant. */
export function signerConcurrency(system: SystemDeclaration, of: { zone: string; client: string }): number {
  const declared = system.zones[of.zone]?.grants.find(({ client }) => client === of.client);
  return declared?.signerConcurrency ?? DERIVED_CONCURRENCY;
}

/**
 * Says what the signing zone's account must have room for: a deploy that meets a quota fails late and obscurely. Knows nothing of
 * what else the account holds.
 */
export function noteQuotas(stack: Stack, system: SystemDeclaration): void {
  const zones = Object.entries(system.zones).filter(
    ([, { account }]) => !account || account === stack.account,
  );
  const egress = zones.filter(([zone]) => allowedHosts(system, zone).length > 0);
  const reserved = deriveGrants(system).reduce((sum, grant) => sum + signerConcurrency(system, grant), 0);
  Annotations.of(stack).addInfoV2(
    'helseid-zones:quotas',
    `This account and region must have room for ${zones.length + 1} VPCs and ${egress.length} Elastic IPs (5 of each unless AWS gave you more, and the default VPC counts), and for ${reserved + ADMIN_RESERVED} reserved concurrent executions beside the ${UNRESERVED} that Lambda keeps (a new account may have 10 in all): lower signerConcurrency in zones.ts, or ask AWS for more.`,
  );
}
