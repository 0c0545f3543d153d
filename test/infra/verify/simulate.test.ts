import { ZonesError } from '@helseid-zones/protocol/errors';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../../infra/proof/assembly/json.ts';
import type { CapabilityRow } from '../../../infra/proof/rules/capability.ts';
import { simulate } from '../../../infra/verify/simulate.ts';

const key = 'arn:aws:kms:eu-north-1:111111111111:key/made-up';
const row = (of: Partial<CapabilityRow>): CapabilityRow => ({
  principal: 'made-up-role',
  zone: 'public',
  action: 'kms:Sign',
  resource: key,
  asked: undefined,
  verdict: 'never',
  when: '',
  layers: ['identity policy', 'permissions boundary'],
  alone: '',
  allowed: false,
  ...of,
});

/** Two questions for IAM, and three that are none: of a pattern, of what may be, of what another layer decides. */
const MATRIX = [
  row({}),
  row({ action: 'kms:Decrypt', layers: ['permissions boundary'] }),
  row({ resource: 'arn:aws:kms:*:*:*' }),
  row({ verdict: 'when' }),
  row({ action: 'kms:GetPublicKey', layers: ['resource policy'] }),
];

const run = (decide: (action: string, resource: string) => string) => {
  const questions: unknown[] = [];
  const live = async (_service: string, action: string, input: JsonObject = {}) => {
    expect(action).toBe('SimulatePrincipalPolicy');
    const [asked = ''] = input['ActionNames'] as string[];
    const resources = input['ResourceArns'] as string[];
    questions.push([input['PolicySourceArn'], asked, ...resources]);
    return {
      EvaluationResults: resources.map((EvalResourceName) => ({
        EvalResourceName,
        EvalDecision: decide(asked, EvalResourceName),
      })),
    };
  };
  const liveName = (text: string) => text.replaceAll('made-up', 'live');
  const simulated = simulate(MATRIX, { live, account: '111111111111', liveName });
  return simulated.then((result) => ({ ...result, questions }));
};

test('what the proof says that policies never allow is asked of IAM, by the names of the deploy', async () => {
  const { read, differences, unread, questions } = await run(() => 'implicitDeny');
  expect({ read, differences, unread }).toEqual({ read: 2, differences: [], unread: [] });
  const [role, resource] = ['arn:aws:iam::111111111111:role/live-role', key.replace('made-up', 'live')];
  expect(questions).toHaveLength(2);
  expect(questions).toContainEqual([role, 'kms:Sign', resource]);
  expect(questions).toContainEqual([role, 'kms:Decrypt', resource]);
});

test('what IAM would allow is a difference', async () => {
  const { differences } = await run((action) => (action === 'kms:Sign' ? 'allowed' : 'explicitDeny'));
  expect(differences.length).toBeGreaterThan(0);
  for (const of of differences)
    expect(of).toMatchObject({
      expected: 'denied',
      found: 'allowed',
      property: expect.stringMatching(/^kms:Sign on arn:/),
    });
});

test('what IAM does not answer is said once', async () => {
  const { unread } = await run(() => {
    throw new ZonesError('aws_refused', 'iam answered 403 AccessDenied.', {
      facts: { error: 'AccessDenied' },
    });
  });
  expect(unread).toEqual([
    { resource: 'iam:SimulatePrincipalPolicy', type: 'simulator', reason: 'iam answered 403 AccessDenied.' },
  ]);
});
