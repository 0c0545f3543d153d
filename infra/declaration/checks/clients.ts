import { isHelseId } from '../fields.ts';
import { collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../schema.ts';

/** HelseID refuses assertions that live longer, seconds (SK2, docs/requirements.md); for others it is our own limit. */
const LIFETIME = { helseid: 10, others: 60 };

/** Each client is a registration of its own, whose assertions live as long as its issuer takes. */
export function checkClients(system: SystemDeclaration): Problem[] {
  const clients = Object.entries(system.clients);
  return collect((unless) => {
    unless(clients.length > 0, 'clients', 'must declare at least one client');
    for (const [index, [name, { clientId, issuer, profile }]] of clients.entries()) {
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
    }
  });
}
