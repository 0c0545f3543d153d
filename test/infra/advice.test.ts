import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { adviseOnSelfService } from '../../infra/advice.ts';
import system from '../one-client.zones.ts';

/** What the synth warns of when one more client is declared, with the first client's self-service API or without it. */
function warningsWith(selfService: boolean): unknown[] {
  const stack = new Stack(new App(), 'signing');
  const [first] = Object.values(system.clients);
  if (!first) throw new Error('the system has no client');
  const { selfService: api, ...bare } = first;
  adviseOnSelfService(stack, {
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
