import { namedActions } from '../rules/named-actions.ts';
import { listOf, objectOf, stringOf, stringsOf } from './json.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from './resolve.ts';

/** The policy documents of a role, as the templates write them. */
export interface RoleDocuments {
  /** Of its identity policies. */
  identity: readonly unknown[];
  /** Of its permissions boundary; undefined where it has none, or one that the templates lack. */
  boundary: unknown;
  /** ARNs of attached policies that the templates lack. */
  foreign: readonly string[];
}

const ATTACHED = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy'];

/** The documents of `role`: inline, managed, and those of policies that name it. */
export function documentsOf(role: ResolvedResource, assembly: ResolvedAssembly): RoleDocuments {
  const { properties, account, physicalId } = role;
  const managed = new Map(
    resourcesOfType(assembly, 'AWS::IAM::ManagedPolicy').map(({ arn, properties: { PolicyDocument } }) => [
      arn,
      PolicyDocument,
    ]),
  );
  const named = stringsOf(properties.ManagedPolicyArns);
  const attached = assembly.resources.filter(
    ({ type, account: owner, properties: { Roles, RoleName } }) =>
      ATTACHED.includes(type) &&
      owner === account &&
      [...stringsOf(Roles), stringOf(RoleName)].includes(physicalId),
  );
  return {
    identity: [
      ...listOf(properties.Policies).map((policy) => objectOf(policy).PolicyDocument),
      ...attached.map((policy) => policy.properties.PolicyDocument),
      ...named.flatMap((arn) => (managed.has(arn) ? [managed.get(arn)] : [])),
    ],
    boundary: managed.get(stringOf(properties.PermissionsBoundary)),
    foreign: named.filter((arn) => !managed.has(arn)),
  };
}

/** The services, in lower case, that these documents say anything about; undefined where that may be any. */
export function servicesIn({ identity, boundary, foreign }: RoleDocuments): ReadonlySet<string> | undefined {
  if (boundary === undefined || foreign.length > 0) return undefined;
  const names = [...identity, boundary].flatMap((document) => namedActions(document, ['Allow', 'Deny']));
  const services = names.map((name) => /^([a-z0-9-]+):/i.exec(name)?.[1]?.toLowerCase());
  return services.includes(undefined)
    ? undefined
    : new Set(services.filter((service) => service !== undefined));
}
