import { isHelseId } from '../fields.ts';
import { zoneClients } from '../names.ts';
import { collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../schema.ts';

/** HelseID refuses assertions that live longer, seconds (SK2, docs/requirements.md); for others it is our own limit. */
const LIFETIME = { helseid: 10, others: 60 };

/** Each client is a registration of its own, whose key lies in KMS and whose assertions live as long as its issuer takes. */
export function checkClients(system: SystemDeclaration): Problem[] {
  const clients = Object.entries(system.clients);
  return collect((unless) => {
    unless(clients.length > 0, 'clients', 'must declare at least one client');
    for (const [index, [name, { clientId, issuer, profile, custody }]] of clients.entries()) {
      const most = isHelseId(issuer) ? LIFETIME.helseid : LIFETIME.others;
      unless(
        profile.assertionLifetime <= most,
        `clients.${name}.profile.assertionLifetime`,
        `must be at most ${most} seconds${most === LIFETIME.helseid ? ' for HelseID' : ''}`,
      );
      const twin = clients
        .slice(0, index)
        .find(([, one]) => one.clientId === clientId && one.issuer === issuer);
      unless(
        twin === undefined,
        `clients.${name}.clientId`,
        `is the registration of clients.${twin?.[0]}; each client needs one of its own, or use that one`,
      );
      unless(custody === 'kms', `clients.${name}.custody`, custodyProblem(system, name, custody));
    }
  });
}

/**
 * HelseID's guideline "Use of Client Secrets": within one closed network a provider chooses how the key is kept; across networks
 * it must be secured and can't be shared. Only `kms` is deployed.
 */
function custodyProblem(system: SystemDeclaration, name: string, custody: string): string {
  const zones = Object.entries(system.zones)
    .filter(([, zone]) => zoneClients(system, zone).includes(name) && !zone.admin)
    .map(([zone]) => zone);
  return zones.length > 1
    ? `is ${custody}, and the zones ${zones.join(' and ')} use the key; HelseID's guideline "Use of Client Secrets" says that in a system that spans multiple networks the secret must be secured and cannot be shared between components across distinct networks: use custody kms, or a client of its own for each zone`
    : `is ${custody}; this infrastructure deploys keys in KMS only: use custody kms. Within one network an application may keep its key as ${custody} by the guideline, but then it needs no zones and runs without this deployment`;
}
