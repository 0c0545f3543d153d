import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import {
  refuseLocalAddresses,
  warnOfDeclaration,
  warnOfMissingSelfService,
} from '../../infra/annotations.ts';
import system from '../one-client.zones.ts';
import { withZones } from './synthesize.ts';

/** What the synth warns of when one more client is declared, with the first client's self-service API or without it. */
function warningsWith(selfService: boolean): unknown[] {
  const stack = new Stack(new App(), 'signing');
  const [first] = Object.values(system.clients);
  if (!first) throw new Error('the system has no client');
  const { selfService: api, ...bare } = first;
  warnOfMissingSelfService(stack, {
    ...system,
    clients: { first, second: selfService && api ? { ...bare, selfService: api } : bare },
  });
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => entry.data);
}

test('a client whose keys at HelseID nobody can list is named, with what is missing', () => {
  expect(warningsWith(false)).toEqual([expect.stringMatching(/^second: no selfService .*UnknownKeys/)]);
});

test('a client with a self-service API is not', () => {
  expect(warningsWith(true)).toEqual([]);
});

test('what a declaration probably does not mean is warned of', () => {
  const stack = new Stack(new App(), 'signing');
  warnOfDeclaration(stack, withZones({ quiet: { cidr: '10.90.0.0/20', grants: [] } }));
  const warnings = Annotations.fromStack(stack).findWarning('*', Match.anyValue());
  expect(warnings.map(({ entry }) => entry.data)).toEqual([
    expect.stringMatching(/^zones\.quiet has neither/),
  ]);
});

test.each([
  ['https://localhost:3445', /calls https:\/\/localhost:3445, which on AWS is the function itself/],
  ['https://documents.example.no:8443', /port 443 only/],
  ['https://documents.example.no', undefined],
])('a deploy of a zone that calls %s: %s', (baseUrl, refusal) => {
  const stack = new Stack(new App(), 'zone');
  const documents = { ...system.apis.documents, baseUrl };
  refuseLocalAddresses(stack, { ...system, apis: { ...system.apis, documents } }, 'internal');
  const errors = Annotations.fromStack(stack).findError('*', Match.anyValue());
  expect(errors.map(({ entry }) => entry.data)).toEqual(
    refusal === undefined ? [] : [expect.stringMatching(refusal)],
  );
});
