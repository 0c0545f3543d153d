import { calledUrls, internetHosts } from './derive.ts';
import { collect, type Problem } from './problem.ts';
import type { SystemDeclaration } from './schema.ts';

/**
 * Addresses with a port that a zone calls: a deploy refuses them, since its security group opens 443 alone (I4), and the local
 * system takes them. The loopback's are left out: every local declaration has them.
 */
export function findPorts(system: SystemDeclaration, zone: string): Problem[] {
  // Of those behind an exit its own check has seen to it.
  const direct = internetHosts(system, zone);
  return calledUrls(system, zone)
    .filter((url) => new URL(url).port !== '' && direct.includes(new URL(url).hostname))
    .filter((url) => new URL(url).hostname !== 'localhost')
    .map((url) => ({
      field: `zones.${zone}`,
      message: `calls ${url}, and functions reach port 443 only (I4): declare an address without a port`,
    }));
}

/** Signatures a second, https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html. */
const KMS_QUOTA = 1000;

/**
 * What a declaration may say and probably does not mean, by field; none of it opens a boundary. Expects a validated declaration.
 * `cdk synth` and `npm run zones` print them.
 */
export function findWarnings(system: SystemDeclaration): Problem[] {
  const zones = Object.entries(system.zones);
  const grants = zones.flatMap(([, zone]) => zone.grants);
  const granted = new Set(grants.flatMap(({ apis }) => apis.map(({ api }) => api)));
  const issuers = new Map(
    Object.entries(system.clients).map(([name, { issuer }]) => [new URL(issuer).origin, name]),
  );
  const signatures = grants.reduce((sum, { signaturesPerSecond = 0 }) => sum + signaturesPerSecond, 0);
  return collect((unless) => {
    unless(
      signatures <= KMS_QUOTA,
      'zones',
      `have grants whose signaturesPerSecond make ${signatures} together, and KMS makes ${KMS_QUOTA} a second in a Region unless AWS gave you more: a flood in one zone then takes from another`,
    );
    for (const [name, { admin, gateway, events, functions, grants: own }] of zones) {
      if (admin) continue;
      const entered = gateway !== undefined || events !== undefined || Object.keys(functions).length > 0;
      unless(
        !entered || own.length > 0,
        `zones.${name}.grants`,
        "is empty, so the functions behind the zone's entry can have nothing signed: add a grant, or leave the zone out where they need none",
      );
      unless(
        entered,
        `zones.${name}`,
        own.length > 0
          ? 'has grants and no entry, so signers run that nobody can ask: add gateway, events or functions, or leave the zone out'
          : 'has neither entry nor grant, so it is a network that nothing runs in: add them, or leave the zone out',
      );
    }
    for (const [name, { baseUrl }] of Object.entries(system.apis)) {
      unless(
        granted.has(name),
        `apis.${name}`,
        'is in no grant, so no zone can call it: grant it to a zone, or leave it out',
      );
      const issuer = issuers.get(new URL(baseUrl).origin);
      unless(
        issuer === undefined,
        `apis.${name}.baseUrl`,
        `lies at the origin of clients.${issuer}.issuer, where every zone of that client has proofs for any POST, though without ath: see that the API refuses proofs without ath (RFC 9449 4.3), or give it a host of its own`,
      );
    }
    for (const name of Object.keys(system.clients))
      unless(
        grants.some(({ client }) => client === name),
        `clients.${name}`,
        'is in no grant, so keys are made and rotated that no zone uses: grant it to a zone, or leave it out',
      );
  });
}
