import { isObject, listOf, objectOf, parseJson, stringsOf } from '../assembly/json.ts';
import type { ResolvedResource } from '../assembly/resolve.ts';
import { namedActions } from '../assembly/roles.ts';
import { hasUnknown } from '../assembly/unknown.ts';
import type { ProofInput } from './rule.ts';

/**
 * The actions that policies anywhere in a resource's properties allow, with their wildcards. Left out is what they leave to the resource's
 * own account: it gives nobody anything that no identity policy names.
 */
export function actionsAllowedIn({ account, ...resource }: ResolvedResource): string[] {
  const own = ['AWS', account, `arn:aws:iam::${account}:root`];
  const isLeft = (statement: unknown) => {
    const texts = Object.entries(objectOf(objectOf(statement).Principal)).flatMap(([kind, names]) => [
      kind,
      ...listOf(names),
    ]);
    return texts.length > 0 && texts.every((text) => own.includes(String(text)));
  };
  return actionsIn(resource, (statements) => statements.filter((statement) => !isLeft(statement)));
}

/** Every action that a resource's own policy, anywhere in the templates, names; a wildcard stands as a name that fits it. */
export function namedByResources({ assembly }: ProofInput): string[] {
  const names = assembly.resources
    .filter(({ type }) => !type.startsWith('AWS::IAM::'))
    .flatMap((resource) => actionsIn(resource));
  return [...new Set(names.flatMap(fittingNames))];
}

/** Services that have policies of their own resources or endpoints in the templates. */
const SERVICES = ['dynamodb', 'events', 'execute-api', 'kms', 'lambda', 's3', 'secretsmanager', 'sns', 'sqs'];

/** Names that fit a name with wildcards, one for each service it may mean. */
export function fittingNames(name: string): string[] {
  const filled = (text: string) => text.replaceAll('*', 'Anything').replaceAll('?', 'X');
  const [service = '', action] = name.split(':', 2);
  if (action !== undefined && !/[*?]/.test(service)) return [`${service}:${filled(action)}`];
  return SERVICES.map((known) => `${known}:${filled(action ?? '*')}`);
}

function actionsIn(
  { type, properties }: Pick<ResolvedResource, 'type' | 'properties'>,
  of = (statements: readonly unknown[]) => statements,
): string[] {
  // A rule of WAF has a Statement too.
  const documents = type.startsWith('AWS::WAFv2::') ? [] : documentsIn(properties);
  const named = documents.flatMap((document) =>
    namedActions(isObject(document) ? { Statement: of(listOf(document.Statement)) } : document),
  );
  return [...new Set([...named, ...stringsOf(properties.Action)])];
}

/** The policy documents in a value, also written as JSON; what stands in the place of one and can't be read is one too. */
function documentsIn(value: unknown, name = ''): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => documentsIn(item, name));
  const read = typeof value === 'string' && value.startsWith('{') ? parseJson(value) : value;
  if (typeof value === 'string' && !isObject(read))
    return /Polic(y|ies)(Document)?$/.test(name) && hasUnknown(value) ? [value] : [];
  if (!isObject(read)) return [];
  return read.Statement === undefined
    ? Object.entries(read).flatMap(([key, member]) => documentsIn(member, key))
    : [read];
}
