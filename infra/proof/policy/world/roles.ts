import {
  type ResolvedAssembly,
  type ResolvedResource,
  resourcesOfType,
  tagsOf,
} from '../../assembly/resolve.ts';
import { policiesOf, type TemplatePolicy } from '../../assembly/roles.ts';
import { type Policy, parsePolicy } from '../statement.ts';
import type { Role } from '../world.ts';
import { awsManagedPolicy } from './aws-managed.ts';

/** Every role of the assembly by ARN, with the identity policies, boundary and trust policy that the templates give it. */
export function rolesOf(assembly: ResolvedAssembly): Map<string, Role> {
  const roles = resourcesOfType(assembly, 'AWS::IAM::Role').map((resource) => roleOf(resource, assembly));
  return new Map(roles.map((role) => [role.arn, role]));
}

function roleOf(resource: ResolvedResource, assembly: ResolvedAssembly): Role {
  const { properties, account, physicalId, constructPath } = resource;
  const { identity, boundary, boundaryArn, foreign } = policiesOf(resource, assembly);
  const unread = boundaryArn === undefined ? undefined : awsManagedPolicy(boundaryArn);
  return {
    arn: resource.arn ?? physicalId,
    account,
    identity: [...identity.map(parse), ...foreign.map(awsManagedPolicy)],
    boundary: boundary === undefined ? unread : parse(boundary),
    trust: parsePolicy(`trust policy of ${physicalId}`, properties.AssumeRolePolicyDocument),
    tags: tagsOf(properties.Tags),
    constructPath,
  };
}

function parse({ name, document, certain }: TemplatePolicy): Policy {
  return parsePolicy(name, document, { certain });
}
