import { CAPABILITIES } from './capabilities.ts';
import { dataIsEncrypted } from './data/data-is-encrypted.ts';
import { zonesOfAClientNeedTheSameScopes } from './declaration/zones-of-a-client-need-the-same-scopes.ts';
import { callersUseModernTls } from './entries/callers-use-modern-tls.ts';
import { entriesAreOwn } from './entries/entries-are-own.ts';
import { outsidersAreNotAdmitted } from './entries/outsiders-are-not-admitted.ts';
import { routesAreAuthorized } from './entries/routes-are-authorized.ts';
import { FORBIDDEN_TYPES } from './forbidden-types.ts';
import { actionsAreKnown } from './iam/actions-are-known.ts';
import { policiesAreForOwnRoles } from './iam/policies-are-for-own-roles.ts';
import { rolesAreBounded } from './iam/roles-are-bounded.ts';
import { rolesAreTrustedByOneService } from './iam/roles-are-trusted-by-one-service.ts';
import { dataKeysAreClosed } from './kms/data-keys-are-closed.ts';
import { keysDoNotDelegate } from './kms/keys-do-not-delegate.ts';
import { madeKeysAreClosed } from './kms/made-keys-are-closed.ts';
import { templateKeysEncryptOnly } from './kms/template-keys-encrypt-only.ts';
import { functionPermissionsAreOwn } from './lambda/function-permissions-are-own.ts';
import { functionsHaveOwnRoles } from './lambda/functions-have-own-roles.ts';
import { functionsInOwnZone } from './lambda/functions-in-own-zone.ts';
import { functionsRunPlainly } from './lambda/functions-run-plainly.ts';
import { onlySignersCanSign } from './lambda/only-signers-can-sign.ts';
import { signersAreDeclared } from './lambda/signers-are-declared.ts';
import { zoneFunctionsAreDeclared } from './lambda/zone-functions-are-declared.ts';
import { logsAreKept } from './logs/logs-are-kept.ts';
import { logsHoldNoTokens } from './logs/logs-hold-no-tokens.ts';
import { defaultGroupUnused } from './network/default-group-unused.ts';
import { egressIsHttps } from './network/egress-is-https.ts';
import { endpointsAdmitOwnRoles } from './network/endpoints-admit-own-roles.ts';
import { endpointsAreOwn } from './network/endpoints-are-own.ts';
import { groupsAreClosed } from './network/groups-are-closed.ts';
import { namesAnswered } from './network/names-answered.ts';
import { networksAreDeclared } from './network/networks-are-declared.ts';
import { noRouteElsewhere } from './network/no-route-elsewhere.ts';
import { signingZoneHasNoWayOut } from './network/signing-zone-has-no-way-out.ts';
import type { Rule } from './rule.ts';
import { recordsAreBare } from './secretsmanager/records-are-bare.ts';
import { noKeyMaterial } from './templates/no-key-material.ts';
import { resourceTypesAreKnown } from './templates/resource-types-are-known.ts';
import { templatesAreFinal } from './templates/templates-are-final.ts';

/** Every rule of the boundary proof. */
export const RULES: readonly Rule[] = [
  ...CAPABILITIES,
  ...FORBIDDEN_TYPES,
  actionsAreKnown,
  callersUseModernTls,
  dataIsEncrypted,
  dataKeysAreClosed,
  defaultGroupUnused,
  egressIsHttps,
  endpointsAdmitOwnRoles,
  endpointsAreOwn,
  entriesAreOwn,
  functionPermissionsAreOwn,
  functionsHaveOwnRoles,
  functionsInOwnZone,
  functionsRunPlainly,
  groupsAreClosed,
  keysDoNotDelegate,
  logsAreKept,
  logsHoldNoTokens,
  madeKeysAreClosed,
  namesAnswered,
  networksAreDeclared,
  noKeyMaterial,
  noRouteElsewhere,
  onlySignersCanSign,
  outsidersAreNotAdmitted,
  policiesAreForOwnRoles,
  recordsAreBare,
  resourceTypesAreKnown,
  rolesAreBounded,
  rolesAreTrustedByOneService,
  routesAreAuthorized,
  signersAreDeclared,
  signingZoneHasNoWayOut,
  templateKeysEncryptOnly,
  templatesAreFinal,
  zoneFunctionsAreDeclared,
  zonesOfAClientNeedTheSameScopes,
];
