import { listOf, objectOf, parseJson, stringOf, stringsOf } from './json.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from './resolve.ts';

/** A policy document as a template writes it. */
export interface TemplatePolicy {
  /** For messages: `journal-worker/own`, an ARN. */
  name: string;
  document: unknown;
  /** False where only the deploy knows whether the policy exists. */
  certain: boolean;
}

/** The policies of a role. */
interface RolePolicies {
  /** Inline, attached by the role, and those that name the role. */
  identity: readonly TemplatePolicy[];
  /** Undefined where it has none, or one that the templates lack. */
  boundary: TemplatePolicy | undefined;
  boundaryArn: string | undefined;
  /** ARNs of attached policies that the templates lack. */
  foreign: readonly string[];
}

const ATTACHED = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy'];

/** The policies that the templates give `role`. */
export function policiesOf(role: ResolvedResource, assembly: ResolvedAssembly): RolePolicies {
  const { properties, account, physicalId } = role;
  const managed = new Map(
    resourcesOfType(assembly, 'AWS::IAM::ManagedPolicy').map((policy) => [policy.arn, policyOf(policy)]),
  );
  const named = stringsOf(properties.ManagedPolicyArns);
  const attached = assembly.resources.filter(
    ({ type, account: owner, properties: { Roles, RoleName } }) =>
      ATTACHED.includes(type) &&
      owner === account &&
      [...stringsOf(Roles), stringOf(RoleName)].includes(physicalId),
  );
  const boundaryArn = stringOf(properties.PermissionsBoundary);
  return {
    identity: [
      ...listOf(properties.Policies)
        .map(objectOf)
        .map(({ PolicyName = 'inline', PolicyDocument: document }) => ({
          name: `${physicalId}/${String(PolicyName)}`,
          document,
          certain: true,
        })),
      ...attached.map(policyOf),
      ...named.flatMap((arn) => managed.get(arn) ?? []),
    ],
    boundary: managed.get(boundaryArn),
    boundaryArn,
    foreign: named.filter((arn) => !managed.has(arn)),
  };
}

function policyOf({ physicalId: name, properties, certain }: ResolvedResource): TemplatePolicy {
  return { name, document: properties.PolicyDocument, certain };
}

/**
 * The actions that the statements of a policy document name which allow, or may for all that can be read, with their wildcards. `*` stands
 * for a statement that says which actions it is not about, or that can't be read.
 */
export function namedActions(document: unknown): string[] {
  const { Statement } = objectOf(typeof document === 'string' ? parseJson(document) : document);
  if (Statement === undefined) return ['*'];
  return listOf(Statement)
    .map(objectOf)
    .filter(({ Effect }) => Effect !== 'Deny')
    .flatMap(({ Action }) => {
      const names = stringsOf(Action);
      return names.length === 0 || names.length < listOf(Action).length ? [...names, '*'] : names;
    });
}
