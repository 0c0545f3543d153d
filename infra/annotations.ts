import { Annotations, type Stack } from 'aws-cdk-lib';
import { functionConcurrency, signerConcurrency } from './declaration/concurrency.ts';
import { calledUrls, deriveGrants, internetHosts } from './declaration/derive.ts';
import { zoneFunctions } from './declaration/names.ts';
import type { SystemDeclaration } from './declaration/schema.ts';
import { findPorts, findWarnings } from './declaration/warnings.ts';

/**
 * Says what the signing zone's account must have room for, warns of what the declaration says and probably does not mean
 * (`findWarnings`), and says for which clients nobody can see unknown keys and expiry dates: HelseID tells them by its self-service API only.
 */
export function annotateSystem(stack: Stack, system: SystemDeclaration): void {
  const annotations = Annotations.of(stack);
  annotations.addInfoV2('helseid-zones:quotas', describeQuotas(stack, system));
  const without = Object.keys(system.clients).filter((name) => !system.clients[name]?.selfService);
  if (without.length > 0)
    annotations.addWarningV2(
      'helseid-zones:self-service',
      `${without.join(', ')}: no selfService in zones.ts, so nothing here sees a key that somebody else registers at HelseID, or when the current one expires (no alarms UnknownKeys and DaysToExpiry). Look in the portal regularly: docs/keys.md.`,
    );
  for (const { field, message } of findWarnings(system))
    annotations.addWarningV2(`helseid-zones:${field}`, `${field} ${message}.`);
}

/** Refuses to deploy a zone that calls this machine, or another port than its security group opens. The local system takes both. */
export function refuseLocalAddresses(stack: Stack, system: SystemDeclaration, zone: string): void {
  for (const url of calledUrls(system, zone)) {
    const { hostname } = new URL(url);
    if (hostname === 'localhost')
      Annotations.of(stack).addError(
        `zones.${zone} calls ${url}, which on AWS is the function itself: declare the address of the issuer or API.`,
      );
  }
  for (const { field, message } of findPorts(system, zone))
    Annotations.of(stack).addError(`${field} ${message}.`);
}

/** Concurrent executions that Lambda keeps for functions without a reservation. */
const UNRESERVED = 100;

/** A deploy that meets a quota fails late and obscurely. Knows nothing of what else the account holds. */
function describeQuotas({ account: own }: Stack, system: SystemDeclaration): string {
  const zones = Object.entries(system.zones).filter(([, { account = own }]) => account === own);
  const made = zones.filter(([, { network }]) => network === undefined);
  const egress = made.filter(([zone]) => internetHosts(system, zone).length > 0);
  const reserved = [
    ...deriveGrants(system).map((grant) => signerConcurrency(system, grant)),
    ...zones.flatMap(([zone, declared]) =>
      zoneFunctions(declared).map((name) => functionConcurrency(system, zone, name)),
    ),
  ].reduce<number>((sum, own) => sum + (own ?? 0), 0);
  const concurrency =
    reserved === 0
      ? "Nothing reserves concurrency (reservedConcurrency: 'none'): all functions share the account's, so that a flood in one zone can starve another's signer, and two rotations of a client may run at once, which its record stands; docs/deploying.md."
      : `It must have ${reserved} concurrent executions to reserve beside the ${UNRESERVED} that Lambda keeps. A new account may have 10 in all, where nothing can be reserved: ask AWS for more, or set reservedConcurrency: 'none' in zones.ts (docs/deploying.md says what is lost).`;
  return `This account and region must have room for ${made.length + 1} VPCs and ${egress.length} Elastic IPs (5 of each unless AWS gave you more, and the default VPC counts). ${concurrency}`;
}
