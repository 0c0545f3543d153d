import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { annotateSystem, refuseLocalAddresses } from '../../infra/annotations.ts';
import type { ClientDeclaration } from '../../infra/declaration/schema.ts';
import system from '../one-client.zones.ts';
import { withZones } from './synthesize.ts';

/** What is said of a stack: warnings, then errors. */
function saidOf(annotate: (stack: Stack) => void): unknown[] {
  const stack = new Stack(new App({ builtinCloudFormationValidation: false }), 'some');
  annotate(stack);
  const said = Annotations.fromStack(stack);
  const entries = [...said.findWarning('*', Match.anyValue()), ...said.findError('*', Match.anyValue())];
  return entries.map(({ entry }) => entry.data);
}

test('a client whose keys at HelseID nobody can list is named, with what is missing; another is not', () => {
  const { journal } = system.clients;
  const { selfService, ...bare } = journal;
  const saidWith = (second: ClientDeclaration) =>
    saidOf((stack) => annotateSystem(stack, { ...system, clients: { journal, second } })).filter((said) =>
      /selfService/.test(String(said)),
    );
  expect(saidWith(bare)).toEqual([expect.stringMatching(/^second: no selfService .*UnknownKeys/)]);
  expect(saidWith({ ...bare, selfService })).toEqual([]);
});

test('what a declaration probably does not mean is warned of', () => {
  const declared = withZones({ quiet: { cidr: '10.90.0.0/20', grants: [] } });
  expect(saidOf((stack) => annotateSystem(stack, declared))).toEqual([
    expect.stringMatching(/^zones\.quiet has neither/),
  ]);
});

test.each([
  ['https://localhost:3445', [/calls https:\/\/localhost:3445, which on AWS is the function itself/]],
  ['https://documents.example.no:8443', [/port 443 only/]],
  ['https://documents.example.no', []],
])('a deploy of a zone that calls %s: %s', (baseUrl, refusals) => {
  const documents = { ...system.apis.documents, baseUrl };
  const declared = { ...system, apis: { ...system.apis, documents } };
  expect(saidOf((stack) => refuseLocalAddresses(stack, declared, 'internal'))).toEqual(
    refusals.map((refusal) => expect.stringMatching(refusal)),
  );
});
