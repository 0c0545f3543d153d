import { Refusal } from './refusal.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Whether the policy that an authorizer returned allows `execute-api:Invoke` on `arn`; a Deny wins. Knows Effect, Action and
 * Resource with wildcards; a policy with anything else (conditions, NotAction) is refused, since it could mean less.
 * Throws a {@link Refusal} (500) for what is no such policy.
 */
export function allowsInvoke(policy: unknown, arn: string): boolean {
  const statements = [objectOf(policy)['Statement'] ?? []].flat().map(objectOf);
  const effects = statements.flatMap((statement) => {
    const { Effect, Action, Resource, Sid: _, ...others } = statement;
    if (Object.keys(others).length > 0) throw new Refusal('AUTHORIZER_FAILURE');
    const applies = matches(Action, 'execute-api:invoke', true) && matches(Resource, arn, false);
    return applies ? [Effect] : [];
  });
  return effects.includes('Allow') && !effects.includes('Deny');
}

function objectOf(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal('AUTHORIZER_FAILURE');
  return value as Json;
}

function matches(patterns: unknown, text: string, anyCase: boolean): boolean {
  return [patterns ?? []].flat().some((pattern: unknown) => {
    if (typeof pattern !== 'string') throw new Refusal('AUTHORIZER_FAILURE');
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${source}$`, anyCase ? 'is' : 's').test(text);
  });
}
