import { ZonesError } from '@helseid-zones/protocol/errors';
import { checkApis } from './checks/apis.ts';
import { checkClients } from './checks/clients.ts';
import { checkCustody } from './checks/custody.ts';
import { checkEntries } from './checks/entries.ts';
import { checkExceptions } from './checks/exceptions.ts';
import { checkGrants } from './checks/grants.ts';
import { checkNames } from './checks/names.ts';
import { checkNetworks } from './checks/networks.ts';
import { checkSelfService } from './checks/self-service.ts';
import type { Problem } from './problem.ts';
import { checkShape } from './shape.ts';
import type { SystemDeclaration } from './types.ts';

const CHECKS: readonly ((system: SystemDeclaration) => Problem[])[] = [
  checkNames,
  checkClients,
  checkCustody,
  checkApis,
  checkSelfService,
  checkNetworks,
  checkEntries,
  checkGrants,
  checkExceptions,
];

/** Everything that is wrong with a declaration; what its fields mean together is looked at once all have the right type. */
export function findProblems(declaration: unknown): Problem[] {
  const ofShape = checkShape(declaration);
  return ofShape.length > 0 ? ofShape : CHECKS.flatMap((check) => check(declaration as SystemDeclaration));
}

/**
 * Throws `declaration_invalid` that lists every problem, one a line, by field. Does not look at AWS: whether accounts,
 * quotas and names are free, or functions' folders exist.
 */
export function validateSystem(declaration: unknown): asserts declaration is SystemDeclaration {
  const problems = findProblems(declaration);
  if (problems.length === 0) return;
  const lines = problems.map(({ field, message }) => `  ${field} ${message}`);
  throw new ZonesError('declaration_invalid', `The declaration is not right:\n${lines.join('\n')}`, {
    facts: { problems: problems.length, field: problems[0]?.field ?? '' },
  });
}
