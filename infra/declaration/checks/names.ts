import { NAME_PATTERN } from '@helseid-zones/protocol/schema';
import { HYPHENATED_NAME_PATTERN } from '../fields.ts';
import { MAX_PHYSICAL_NAME, physicalNames } from '../names.ts';

import { collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../schema.ts';

const NAME = 'must be 2 to 15 lower-case letters and digits, beginning with a letter, without hyphens';
const HYPHENATED = 'must be up to 32 lower-case letters, digits and single hyphens, beginning with a letter';

/** Names that the system itself goes by; a zone of that name would share roles or boundaries with the signers. */
const RESERVED_ZONES = ['signing', 'signer'];

/** What policies take for somebody else's: the CDK's bootstrap roles, which the service control policies of docs/proof.md let deploy, and AWS. */
const RESERVED_SYSTEMS = ['cdk', 'aws'];

/** Names are of the right form, and no two physical names are one. */
export function checkNames(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    unless(NAME_PATTERN.test(system.name), 'name', NAME);
    unless(
      !RESERVED_SYSTEMS.includes(system.name),
      'name',
      `begins the name of every role, and policies take ${system.name}-* for somebody else's, such as the CDK's deploying roles: choose another`,
    );
    for (const client of Object.keys(system.clients))
      unless(NAME_PATTERN.test(client), `clients.${client}`, NAME);
    for (const api of Object.keys(system.apis))
      unless(HYPHENATED_NAME_PATTERN.test(api), `apis.${api}`, HYPHENATED);
    for (const zone of Object.keys(system.zones)) {
      unless(NAME_PATTERN.test(zone), `zones.${zone}`, NAME);
      unless(
        !RESERVED_ZONES.includes(zone),
        `zones.${zone}`,
        'has the name of the signing zone or its signers; its roles would pass as theirs: choose another',
      );
    }
    const names = physicalNames(system);
    for (const [index, stack] of system.otherStacks.entries())
      unless(
        !names.some(({ kind, name }) => kind === 'stack' && name === stack),
        `otherStacks[${index}]`,
        `names ${stack}, which is the system's own stack and always judged: leave it out`,
      );
    for (const { kind, name, field } of names) {
      const most = MAX_PHYSICAL_NAME[kind] ?? MAX_PHYSICAL_NAME.default;
      unless(
        name.length <= most,
        field,
        `makes the physical name ${name}, which is longer than ${most} characters: shorten it`,
      );
    }
    for (const [index, { kind, name, field }] of names.entries()) {
      const earlier = names.slice(0, index).find((other) => other.kind === kind && other.name === name);
      unless(
        earlier === undefined || earlier.field === field,
        field,
        `makes the same ${kind} name as ${earlier?.field}, ${name}: rename one`,
      );
    }
  });
}
