import { isObject, listOf, objectOf, parseJson, stringsOf } from '../assembly/json.ts';
import type { ResolvedResource } from '../assembly/resolve.ts';
import { namedActions } from '../assembly/roles.ts';
import { hasUnknown } from '../assembly/unknown.ts';
import type { ProofInput } from './rule.ts';

/**
 * The actions that policies anywhere in a resource's properties allow, with their wildcards. Left out is what they leave to the resource's
 * own account: it gives nobody anything that no identity policy names.
 */
export function actionsAllowedIn(resource: ResolvedResource): string[] {
  const { account } = resource;
  const own = ['AWS', account, `arn:aws:iam::${account}:root`];
  const isLeft = (statement: unknown) => {
    const texts = Object.entries(objectOf(objectOf(statement).Principal)).flatMap(([kind, names]) => [
      kind,
      ...listOf(names),
    ]);
    return texts.length > 0 && texts.every((text) => own.includes(String(text)));
  };
  return actionsIn(resource, (statement) => !isLeft(statement));
}

/** Every action that a policy of something else than an identity names, anywhere in the templates, with its wildcards. */
export function namedByResources({ assembly }: ProofInput): string[] {
  const resources = assembly.resources.filter(({ type }) => !type.startsWith('AWS::IAM::'));
  return [...new Set(resources.flatMap((resource) => actionsIn(resource)))];
}

function actionsIn({ type, properties }: ResolvedResource, isMeant = (_statement: unknown) => true) {
  // A rule of WAF has a Statement too.
  const documents = type.startsWith('AWS::WAFv2::') ? [] : documentsIn(properties);
  const named = documents.flatMap((document) =>
    namedActions(
      isObject(document) && document.Statement !== undefined
        ? { Statement: listOf(document.Statement).filter(isMeant) }
        : document,
    ),
  );
  return [...new Set([...named, ...stringsOf(properties.Action)])];
}

/** The policy documents in a value, also written as JSON; what stands in the place of one is one, readable or not. */
function documentsIn(value: unknown, name = ''): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => documentsIn(item, name));
  const read = typeof value === 'string' && value.startsWith('{') ? parseJson(value) : value;
  if (objectOf(read).Statement !== undefined || /PolicyDocument$|^KeyPolicy$/.test(name)) return [read];
  if (isObject(read)) return Object.entries(read).flatMap(([key, member]) => documentsIn(member, key));
  return typeof value === 'string' && hasUnknown(value) && /Polic(y|ies)$/.test(name) ? [value] : [];
}
