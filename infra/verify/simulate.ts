import { isZonesError } from '@helseid-zones/protocol/errors';
import type { CapabilityRow } from '../proof/rules/capability.ts';
import { askAll, type Comparison } from './compare-live.ts';
import { items, type Live } from './live.ts';

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
 * does not answer is said once. `read` counts the questions.
 */
export async function simulate(
  matrix: readonly CapabilityRow[],
  { live, account, liveName }: { live: Live; account: string; liveName: (text: string) => string },
): Promise<Comparison> {
  const rows = matrix.filter(
    ({ verdict, resource, layers }) =>
      verdict === 'never' && !resource.includes('*') && layers.some((layer) => SIMULATED.includes(layer)),
  );
  const result: Comparison = { read: rows.length, differences: [], unread: [] };
  const groups = Map.groupBy(rows, ({ principal, action }) => `${principal} ${action}`).values();
  await askAll(groups, async (group) => {
    if (result.unread.length > 0) return;
    const [{ principal, action } = { principal: '', action: '' }] = group;
    const role = `arn:aws:iam::${account}:role/${liveName(principal)}`;
    try {
      const { EvaluationResults } = await live('iam', 'SimulatePrincipalPolicy', {
        PolicySourceArn: role,
        ActionNames: [action],
        ContextEntries: CONTEXT,
        ResourceArns: group.map(({ resource }) => liveName(resource)),
      });
      for (const { EvalDecision, EvalResourceName } of items(EvaluationResults))
        if (EvalDecision === 'allowed')
          result.differences.push({
            resource: role,
            type: 'AWS::IAM::Role',
            property: `${action} on ${EvalResourceName}`,
            expected: 'denied',
            found: 'allowed',
            means: 'IAM would allow what the proof says its policies never do.',
          });
    } catch (error) {
      if (!isZonesError(error)) throw error;
      const place = { resource: 'iam:SimulatePrincipalPolicy', type: 'simulator' };
      result.unread = [{ ...place, reason: error.message }];
    }
  });
  return result;
}
