import { additionsAreUnderstood } from '../derived/additions.ts';
import { CAPABILITIES } from './capabilities.ts';
import { dataIsEncrypted } from './data/stores.ts';
import { zonesOfAClientNeedTheSameScopes } from './declaration/zones-of-a-client-need-the-same-scopes.ts';
import { alarmsRing, eventsAreDeclared } from './entries/entries-are-declared.ts';
import { outsidersAreNotAdmitted } from './entries/outsiders-are-not-admitted.ts';
import { routesAreAuthorized } from './entries/routes-are-authorized.ts';
import { actionsAreKnown } from './iam/actions-are-known.ts';
import { ROLES } from './iam/roles.ts';
import { keysDoNotDelegate } from './kms/client-keys.ts';
import { dataKeysAreClosed } from './kms/data-keys.ts';
import { madeKeysAreClosed } from './kms/made-keys.ts';
import { functionPermissionsAreOwn, functionsHaveOwnRoles } from './lambda/functions.ts';
import { onlySignersCanSign, signersAreDeclared } from './lambda/signers.ts';
import { zoneFunctionsAreDeclared } from './lambda/zone-functions-are-declared.ts';
import { logsAreKept, logsHoldNoTokens } from './logs/logs.ts';
import { ENDPOINTS } from './network/endpoints.ts';
import { NETWORKS } from './network/networks.ts';
import { othersKeepOut } from './others.ts';
import type { Rule } from './rule.ts';
import { recordsAreBare } from './secretsmanager/records.ts';
import { noKeyMaterial } from './templates/no-key-material.ts';
import { propertiesAreUnderstood, resourceTypesAreKnown, templatesAreFinal } from './templates/properties.ts';

/** What the declaration yields is there, whole and unchanged; seen where the assembly was compared with the derived one. */
const asDerived: Rule = {
  name: 'as-derived',
  invariant: 'I10',
  title:
    'Everything that the declaration yields exists, under no condition, and is equal but for harmless differences.',
  check: ({ comparison }) => [...(comparison?.violations ?? [])],
};

/**
 * Every rule of the boundary proof. One that says who may do what (`capabilityRule`) runs down four files: `capability.ts` makes
 * the rule and words its findings; `judge.ts` asks its actions of every role and compares with what is allowed; `ask.ts` answers
 * one of these questions over every request, and who holds a *never*; `policy/` says what each layer's policies come to.
 */
export const RULES: readonly Rule[] = [
  // Causes before what comes of them: a first screen shows few.
  asDerived,
  additionsAreUnderstood,
  resourceTypesAreKnown,
  propertiesAreUnderstood,
  actionsAreKnown,
  ...CAPABILITIES,
  ...ROLES,
  ...NETWORKS,
  ...ENDPOINTS,
  alarmsRing,
  dataIsEncrypted,
  dataKeysAreClosed,
  eventsAreDeclared,
  functionPermissionsAreOwn,
  functionsHaveOwnRoles,
  keysDoNotDelegate,
  logsAreKept,
  logsHoldNoTokens,
  madeKeysAreClosed,
  noKeyMaterial,
  onlySignersCanSign,
  othersKeepOut,
  outsidersAreNotAdmitted,
  recordsAreBare,
  routesAreAuthorized,
  signersAreDeclared,
  templatesAreFinal,
  zoneFunctionsAreDeclared,
  zonesOfAClientNeedTheSameScopes,
];
