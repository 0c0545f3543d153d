import { isZonesError } from '@helseid-zones/protocol/errors';
import type { CapabilityRow } from '../proof/rules/capability.ts';
import { items } from './answers.ts';
import type { Comparison, Difference } from './compare-live.ts';
import type { Live } from './live.ts';

/** The layers that IAM's simulator knows of a role: it takes neither policies of resources nor of endpoints for one. */
const SIMULATED = ['identity policy', 'permissions boundary'];

/** What a signer's or a function's request carries at best, so that no condition about these refuses it. */
const CONTEXT = [
  { ContextKeyName: 'kms:MessageType', ContextKeyType: 'string', ContextKeyValues: ['DIGEST'] },
  { ContextKeyName: 'aws:SecureTransport', ContextKeyType: 'boolean', ContextKeyValues: ['true'] },
];

/**
 * Asks IAM itself what the proof's matrix says that a role may never do to a resource of the templates because its policies or its
 * boundary forbid it. `liveName` gives the ids of the deploy for the made-up ones. What IAM would allow is a difference; what it
 * does not answer is said once.
 */
export async function simulate(
  matrix: readonly CapabilityRow[],
  { live, account, liveName }: { live: Live; account: string; liveName: (text: string) => string },
): Promise<{ asked: number } & Pick<Comparison, 'differences' | 'unread'>> {
  const rows = matrix.filter(
    ({ verdict, resource, layers }) =>
      verdict === 'never' && !resource.includes('*') && layers.some((layer) => SIMULATED.includes(layer)),
  );
  const groups = Map.groupBy(rows, ({ principal, action }) => `${principal} ${action}`);
  const rest = [...groups.values()];
  const result = {
    asked: rows.length,
    differences: [] as Difference[],
    unread: [] as Comparison['unread'],
  };
  const worker = async () => {
    for (let group = rest.pop(); group !== undefined; group = rest.pop())
      try {
        result.differences.push(...(await ask(group)));
      } catch (error) {
        if (!isZonesError(error)) throw error;
        rest.length = 0;
        const place = { resource: 'iam:SimulatePrincipalPolicy', type: 'simulator' };
        if (result.unread.length === 0) result.unread.push({ ...place, reason: error.message });
      }
  };
  async function ask(group: readonly CapabilityRow[]): Promise<Difference[]> {
    const [{ principal, action } = { principal: '', action: '' }] = group;
    const role = `arn:aws:iam::${account}:role/${liveName(principal)}`;
    const { EvaluationResults } = await live('iam', 'SimulatePrincipalPolicy', {
      ...{ PolicySourceArn: role, ActionNames: [action], ContextEntries: CONTEXT },
      ResourceArns: group.map(({ resource }) => liveName(resource)),
    });
    return items(EvaluationResults)
      .filter(({ EvalDecision }) => EvalDecision === 'allowed')
      .map(({ EvalResourceName }) => ({
        ...{ resource: role, type: 'AWS::IAM::Role', property: `${action} on ${EvalResourceName}` },
        ...{
          expected: 'denied',
          found: 'allowed',
          means: 'IAM would allow what the proof says its policies never do.',
        },
      }));
  }
  await Promise.all(Array.from({ length: 8 }, worker));
  return result;
}
