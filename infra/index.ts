/**
 * The infrastructure as a library: declare a system, make its stacks, read what derives from the declaration.
 * @module
 */
import './errors.ts';
import { oldNode } from './node-version.ts';

if (oldNode !== undefined) throw new Error(oldNode);

export { addSystem, type BuildOptions, buildApp } from './build-app.ts';
export { defineSystem } from './declaration/define.ts';
export { allowedHosts, deriveGrants, deriveZoneConfig } from './declaration/derive.ts';
export { ADMIN_FUNCTIONS, AUTHORIZER_FUNCTION, LOGIN_FUNCTIONS } from './declaration/fields.ts';
export {
  boundaryName,
  eventNames,
  functionName,
  ownSecretName,
  recordName,
  scheduleName,
  sharedStackNames,
  signerName,
  zoneFunctions,
  zoneQueueName,
  zoneStackName,
} from './declaration/names.ts';
export { type PhysicalName, physicalNames } from './declaration/physical-names.ts';
export type * from './declaration/schema.ts';
export type { Extension, ZoneConstructs } from './extension.ts';
export { type KeyPolicyDocument, type KeyPolicyFacts, renderKeyPolicy } from './render-key-policy.ts';
