import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { describe, expect, test } from 'vitest';
import { keyPolicyTemplate, renderKeyPolicy } from '../../infra/render-key-policy.ts';

const facts = {
  ...({ system: 'journal', client: 'journal', algorithm: 'ES256' } as const),
  account: '111122223333',
  signingVpc: 'vpc-0signing',
} as const;
const { Statement } = renderKeyPolicy(facts);
const named = (sid: string) => Statement.find(({ Sid }) => Sid === sid);

describe('the policy of a client key', () => {
  test('lets the account administer: neither sign, nor grant, nor anything by a wildcard', () => {
    const statement = named('Administration');
    expect(statement?.['Principal']).toEqual({ AWS: 'arn:aws:iam::111122223333:root' });
    const actions = statement?.['Action'] as string[];
    expect(actions).toContain('kms:PutKeyPolicy');
    for (const refused of ['kms:Sign', 'kms:CreateGrant', 'kms:ReplicateKey'])
      expect(actions).not.toContain(refused);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('admits signers of this client only, through the signing VPC, for digests and one algorithm', () => {
    expect(named('Sign')).toEqual({
      Sid: 'Sign',
      Effect: 'Allow',
      Principal: '*',
      Action: 'kms:Sign',
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:CallerAccount': '111122223333',
          'aws:SourceVpc': 'vpc-0signing',
          'kms:MessageType': 'DIGEST',
          'kms:SigningAlgorithm': 'ECDSA_SHA_256',
        },
        ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/journal-signer-journal-*' },
      },
    });
  });

  test('says nothing else about signing, and denies nothing (a Deny would fail the lockout check)', () => {
    expect(Statement.map(({ Sid, Effect }) => [Sid, Effect])).toEqual([
      ['Administration', 'Allow'],
      ['Sign', 'Allow'],
      ['ReadPublicKey', 'Allow'],
    ]);
    expect(named('ReadPublicKey')?.['Action']).toBe('kms:GetPublicKey');
  });

  test.each(Object.keys(ALGORITHMS) as Algorithm[])('names the one algorithm of %s', (algorithm) => {
    const text = JSON.stringify(renderKeyPolicy({ ...facts, algorithm }));
    expect(text).toContain(`"kms:SigningAlgorithm":"${ALGORITHMS[algorithm].kmsSigningAlgorithm}"`);
  });

  test('as a template leaves open what only the deployed system knows, and nothing else', () => {
    const { account, signingVpc, ...known } = facts;
    const filled = JSON.stringify(keyPolicyTemplate(known))
      .replaceAll('${Account}', account)
      .replaceAll('${SigningVpc}', signingVpc);
    expect(JSON.parse(filled)).toEqual(renderKeyPolicy(facts));
  });
});
