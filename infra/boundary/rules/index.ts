import type { Rule } from '../rule.ts';
import { actionsAreKnown } from './actions-are-known.ts';
import { CAPABILITIES } from './capabilities.ts';
import { dataIsEncrypted } from './data-is-encrypted.ts';
import { dataKeysAreClosed } from './data-keys-are-closed.ts';
import { defaultGroupUnused } from './default-group-unused.ts';
import { egressIsHttps } from './egress-is-https.ts';
import { endpointsAdmitOwnRoles } from './endpoints-admit-own-roles.ts';
import { endpointsAreOwn } from './endpoints-are-own.ts';
import { entriesAreOwn } from './entries-are-own.ts';
import { functionPermissionsAreOwn } from './function-permissions-are-own.ts';
import { functionsHaveOwnRoles } from './functions-have-own-roles.ts';
import { functionsInOwnZone } from './functions-in-own-zone.ts';
import { functionsRunPlainly } from './functions-run-plainly.ts';
import { groupsAreClosed } from './groups-are-closed.ts';
import { keysDoNotDelegate } from './keys-do-not-delegate.ts';
import { logsAreKept } from './logs-are-kept.ts';
import { logsHoldNoTokens } from './logs-hold-no-tokens.ts';
import { madeKeysAreClosed } from './made-keys-are-closed.ts';
import { namesAnswered } from './names-answered.ts';
import { networksAreDeclared } from './networks-are-declared.ts';
import { noDataOutlets } from './no-data-outlets.ts';
import { noDeployingResources } from './no-deploying-resources.ts';
import { noFunctionDoors } from './no-function-doors.ts';
import { noJoinedNetworks } from './no-joined-networks.ts';
import { noKeyMaterial } from './no-key-material.ts';
import { noKeyResources } from './no-key-resources.ts';
import { noLogOutlets } from './no-log-outlets.ts';
import { noOtherIdentities } from './no-other-identities.ts';
import { noRouteElsewhere } from './no-route-elsewhere.ts';
import { onlySignersCanSign } from './only-signers-can-sign.ts';
import { outsidersAreNotAdmitted } from './outsiders-are-not-admitted.ts';
import { policiesAreForOwnRoles } from './policies-are-for-own-roles.ts';
import { recordsAreBare } from './records-are-bare.ts';
import { resourceTypesAreKnown } from './resource-types-are-known.ts';
import { rolesAreBounded } from './roles-are-bounded.ts';
import { rolesAreTrustedByOneService } from './roles-are-trusted-by-one-service.ts';
import { routesAreAuthorized } from './routes-are-authorized.ts';
import { signersAreDeclared } from './signers-are-declared.ts';
import { signingZoneHasNoWayOut } from './signing-zone-has-no-way-out.ts';
import { templateKeysEncryptOnly } from './template-keys-encrypt-only.ts';
import { templatesAreFinal } from './templates-are-final.ts';
import { zoneFunctionsAreDeclared } from './zone-functions-are-declared.ts';
import { zonesOfAClientNeedTheSameScopes } from './zones-of-a-client-need-the-same-scopes.ts';

/** Every rule of the boundary proof. */
export const RULES: readonly Rule[] = [
  ...CAPABILITIES,
  actionsAreKnown,
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
  noDataOutlets,
  noDeployingResources,
  noFunctionDoors,
  noJoinedNetworks,
  noKeyMaterial,
  noKeyResources,
  noLogOutlets,
  noOtherIdentities,
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
