import { zoneClients } from '../names.ts';
import { collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../types.ts';

/**
 * The guideline "Use of Client Secrets": within one closed network a provider chooses how the key is kept; across networks
 * it must be secured and can't be shared. Only `kms` is deployed.
 */
export function checkCustody(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    for (const [name, { custody = 'kms' }] of Object.entries(system.clients)) {
      if (custody === 'kms') continue;
      const zones = Object.entries(system.zones)
        .filter(([, zone]) => zoneClients(system, zone).includes(name) && !zone.admin)
        .map(([zone]) => zone);
      unless(
        zones.length < 2,
        `clients.${name}.custody`,
        `is ${custody}, and the zones ${zones.join(' and ')} use the key; HelseID’s guideline "Use of Client Secrets" says that in a system that spans multiple networks the secret must be secured and cannot be shared between components across distinct networks: use custody kms, or a client of its own for each zone`,
      );
      unless(
        zones.length >= 2,
        `clients.${name}.custody`,
        `is ${custody}; this infrastructure deploys keys in KMS only: use custody kms. Within one network an application may keep its key as ${custody} by the guideline, but then it needs no zones and runs without this deployment`,
      );
    }
  });
}
