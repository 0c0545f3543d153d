import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JsonObject } from '../../../../../infra/proof/assembly/json.ts';
import { unknownValue } from '../../../../../infra/proof/assembly/unknown.ts';
import { parsePolicy } from '../../../../../infra/proof/policy/statement.ts';
import { full } from '../../../../full.ts';
import { caseArbitrary, type Document } from '../../policy/arbitrary.ts';
import { inputOf, ruleNamed } from '../../small-system.ts';

/** Actions that no rule judges, some of which fit the wildcards of random policies. */
const UNJUDGED = [
  'kms:Sneak',
  'kms:DisableXey',
  'lambda:InvokeAll',
  's3:GetAcl',
  'secretsmanager:GetNoValue',
  'x:Y',
];

/** Where a document may lie in a template: each with the rest of the resource. */
const PLACES: Readonly<Record<string, (document: unknown) => { Type: string; Properties: JsonObject }>> = {
  'a role': (PolicyDocument) => ({
    Type: 'AWS::IAM::Role',
    Properties: { Policies: [{ PolicyName: 'own', PolicyDocument }] },
  }),
  'a boundary': (PolicyDocument) => ({ Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument } }),
  'an endpoint': (PolicyDocument) => ({ Type: 'AWS::EC2::VPCEndpoint', Properties: { PolicyDocument } }),
  'a key': (KeyPolicy) => ({ Type: 'AWS::KMS::Key', Properties: { KeyPolicy } }),
  'an API, as text': (document) => ({
    Type: 'AWS::ApiGateway::RestApi',
    Properties: { Policy: typeof document === 'string' ? document : JSON.stringify(document) },
  }),
};

/** The document with a part that only the deploy knows, or as it is. */
const HIDINGS: readonly ((document: Document) => unknown)[] = [
  (document) => document,
  () => unknownValue('a document'),
  (document) => ({ ...document, Statement: unknownValue('statements') }),
  (document) => ({ ...document, Statement: [...document.Statement, unknownValue('one more')] }),
  (document) => ({
    ...document,
    Statement: document.Statement.map(({ Action: _action, NotAction: _not, ...one }) => ({
      ...one,
      Action: [unknownValue('an action')],
    })),
  }),
];

it('whatever the engine thinks that a policy allows is judged by a rule or found', () => {
  const rule = ruleNamed('actions-are-known');
  let found = 0;
  const documents = caseArbitrary(0).map(({ identity, boundary, resourcePolicy, endpointPolicy }) =>
    [...identity, boundary, resourcePolicy, endpointPolicy].filter((one) => one !== undefined),
  );
  fc.assert(
    fc.property(
      documents,
      fc.constantFrom(...HIDINGS),
      fc.constantFrom(...Object.values(PLACES)),
      fc.constantFrom(...UNJUDGED),
      (all, hide, place, action) => {
        for (const document of all.map(hide)) {
          const perhaps = parsePolicy('a policy', document).statements.some(
            ({ effect, isAbout }) => effect === 'Allow' && isAbout(action.toLowerCase()) !== false,
          );
          if (!perhaps) continue;
          found += 1;
          expect(rule.check(inputOf({ stack: { It: place(document) } }))).not.toEqual([]);
        }
      },
    ),
    { numRuns: full(2000) },
  );
  expect(found).toBeGreaterThan(full(1000));
});
