import { Annotations, type Stack } from 'aws-cdk-lib';
import { calledUrls } from './declaration/derive.ts';
import type { SystemDeclaration } from './declaration/schema.ts';
import { findPorts, findWarnings } from './declaration/warnings.ts';

/** Warns of what the declaration says and probably does not mean: `findWarnings`. */
export function warnOfDeclaration(stack: Stack, system: SystemDeclaration): void {
  for (const { field, message } of findWarnings(system))
    Annotations.of(stack).addWarningV2(`helseid-zones:${field}`, `${field} ${message}.`);
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

/** Says for which clients nobody can see unknown keys and expiry dates: HelseID tells them by its self-service API only. */
export function warnOfMissingSelfService(stack: Stack, system: SystemDeclaration): void {
  const without = Object.keys(system.clients).filter((name) => !system.clients[name]?.selfService);
  if (without.length > 0)
    Annotations.of(stack).addWarningV2(
      'helseid-zones:self-service',
      `${without.join(', ')}: no selfService in zones.ts, so nothing here sees a key that somebody else registers at HelseID, or when the current one expires (no alarms UnknownKeys and DaysToExpiry). Look in the portal regularly: docs/keys.md.`,
    );
}
