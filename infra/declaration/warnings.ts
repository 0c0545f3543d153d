import { calledUrls, internetHosts } from './derive.ts';
import { type Problem, problemsOf } from './problem.ts';
import { registrations } from './registrations.ts';
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
export function findWarnings({ clients, apis, zones }: SystemDeclaration): Problem[] {
  const grants = Object.values(zones).flatMap((zone) => zone.grants);
  const kept = registrations({ clients, zones }).filter((one) => one.zone);
  const granted = new Set([
    ...grants.flatMap((grant) => grant.apis.map(({ api }) => api)),
    ...kept.flatMap((one) => one.apis),
  ]);
  const signatures = grants.reduce((sum, { signaturesPerSecond = 0 }) => sum + signaturesPerSecond, 0);
  const ofZones = Object.entries(zones).flatMap(([name, zone]) => {
    const { admin, gateway, events, functions, grants } = zone;
    const entered = gateway || events || Object.keys(functions).length > 0;
    const signs = grants.length > 0 || kept.some((one) => one.zone === name);
    if (admin || (entered && signs)) return [];
    return problemsOf({
      [`zones.${name}.grants`]:
        entered &&
        "is empty, so the functions behind the zone's entry can have nothing signed: add a grant, or leave the zone out where they need none",
      [`zones.${name}`]:
        !entered &&
        (grants.length > 0
          ? 'has grants and no entry, so signers run that nobody can ask: add gateway, events or functions, or leave the zone out'
          : 'has neither entry nor grant, so it is a network that nothing runs in: add them, or leave the zone out'),
    });
  });
  const ofApis = Object.entries(apis).flatMap(([name, { baseUrl }]) => {
    const { origin } = new URL(baseUrl);
    const near = Object.entries(clients).find(([, { issuer }]) => new URL(issuer).origin === origin)?.[0];
    return problemsOf({
      [`apis.${name}`]:
        !granted.has(name) && 'is in no grant, so no zone can call it: grant it to a zone, or leave it out',
      [`apis.${name}.baseUrl`]:
        near &&
        `lies at the origin of clients.${near}.issuer, where every zone of that client has proofs for any POST, though without ath: see that the API refuses proofs without ath (RFC 9449 4.3), or give it a host of its own`,
    });
  });
  const ofClients = Object.keys(clients).flatMap((name) =>
    problemsOf({
      [`clients.${name}`]:
        !grants.some(({ client }) => client === name) &&
        'is in no grant, so keys are made and rotated that no zone uses: grant it to a zone, or leave it out',
    }),
  );
  const ofShares = problemsOf({
    zones:
      signatures > KMS_QUOTA &&
      `have grants whose signaturesPerSecond make ${signatures} together, and KMS makes ${KMS_QUOTA} a second in a Region unless AWS gave you more: a flood in one zone then takes from another`,
  });
  return [...ofShares, ...ofZones, ...ofApis, ...ofClients];
}
