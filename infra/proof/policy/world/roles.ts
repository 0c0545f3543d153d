import { listOf, objectOf, stringOf, stringsOf } from '../../assembly/json.ts';
import {
  type ResolvedAssembly,
  type ResolvedResource,
  resourcesOfType,
  tagsOf,
} from '../../assembly/resolve.ts';
import { type Policy, parsePolicy } from '../statement.ts';
import type { Role } from '../world.ts';
import { awsManagedPolicy } from './aws-managed.ts';

/** Every role of the assembly by ARN, with the identity policies, boundary and trust policy that the templates give it. */
export function rolesOf(assembly: ResolvedAssembly): Map<string, Role> {
  const managed = new Map(
    resourcesOfType(assembly, 'AWS::IAM::ManagedPolicy').map((policy) => [policy.physicalId, policy]),
  );
  const attached = attachedPolicies(assembly);
  const roles = resourcesOfType(assembly, 'AWS::IAM::Role').map((resource) =>
    roleOf(resource, managed, attached),
  );
  return new Map(roles.map((role) => [role.arn, role]));
}

function roleOf(
  resource: ResolvedResource,
  managed: ReadonlyMap<string, ResolvedResource>,
  attached: ReadonlyMap<string, readonly Policy[]>,
): Role {
  const { properties, account, physicalId, constructPath } = resource;
  const find = (arn: string): Policy => {
    const found = managed.get(arn);
    return found === undefined ? awsManagedPolicy(arn) : documentOf(found);
  };
  const inline = listOf(properties.Policies).map((policy) => {
    const { PolicyName: name, PolicyDocument: document } = objectOf(policy);
    return parsePolicy(`${physicalId}/${stringOf(name) ?? 'inline'}`, document);
  });
  const boundary = stringOf(properties.PermissionsBoundary);
  return {
    arn: resource.arn ?? physicalId,
    account,
    identity: [
      ...inline,
      ...stringsOf(properties.ManagedPolicyArns).map(find),
      ...(attached.get(`${account}/${physicalId}`) ?? []),
    ],
    boundary: boundary === undefined ? undefined : find(boundary),
    trust: parsePolicy(`trust policy of ${physicalId}`, properties.AssumeRolePolicyDocument),
    tags: tagsOf(properties.Tags),
    constructPath,
  };
}

/** Policies that name the roles they belong to, by `<account>/<role name>`. */
function attachedPolicies(assembly: ResolvedAssembly): Map<string, Policy[]> {
  const attached = new Map<string, Policy[]>();
  for (const resource of assembly.resources) {
    if (!['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy'].includes(resource.type))
      continue;
    const { Roles: roles, RoleName: role } = resource.properties;
    for (const name of [...stringsOf(roles), ...stringsOf(role)]) {
      const key = `${resource.account}/${name}`;
      attached.set(key, [...(attached.get(key) ?? []), documentOf(resource)]);
    }
  }
  return attached;
}

function documentOf({ physicalId, properties, certain }: ResolvedResource): Policy {
  return parsePolicy(physicalId, properties.PolicyDocument, { certain });
}
