import { expect, test } from 'vitest';
import { defineSystem } from '../../infra/declaration/define.ts';
import { type JsonObject, objectOf } from '../../infra/proof/assembly/json.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../infra/proof/assembly/resolve.ts';
import { prove } from '../../infra/proof/prove.ts';
import { FULL } from '../full.ts';
import system from '../one-client.zones.ts';
import { FULL as EVERYTHING } from './declaration/change.ts';
import { synthesizedFolder } from './synthesize.ts';

/** A system with long names, so many clients and zones, each zone with one client. */
function grown(clients: number, zones: number) {
  const { journal } = system.clients;
  const names = Array.from({ length: clients }, (_, index) => `longclientnam${index}`);
  return defineSystem({
    ...system,
    name: 'asystemname',
    exceptions: [],
    clients: Object.fromEntries(
      names.map((name, index) => [name, { ...journal, clientId: `client-${index}` }]),
    ),
    zones: {
      admin: { cidr: '10.40.0.0/20', admin: true, grants: [] },
      ...Object.fromEntries(
        Array.from({ length: zones }, (_, index) => [
          `longzone${index}`,
          {
            cidr: `10.${50 + index}.0.0/20`,
            events: { function: 'worker', sources: ['a'], detailTypes: ['b'] },
            grants: [
              {
                client: names[index % clients] ?? '',
                apis: [{ api: 'documents', methods: ['POST'], paths: ['/x'] }],
              },
            ],
          },
        ]),
      ),
    },
  });
}

const sizeOf = (policy: unknown) => (policy === undefined ? 0 : JSON.stringify(policy).length);

/**
 * What AWS counts of a type, in characters, and how many it takes.
 * {@link https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html},
 * {@link https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html},
 * {@link https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html}
 */
const LIMITS: readonly [type: string, most: number, size: (of: JsonObject) => number][] = [
  ['IAM::ManagedPolicy', 6_144, (of) => sizeOf(of.PolicyDocument)],
  ['IAM::Role', 2_048, (of) => sizeOf(of.AssumeRolePolicyDocument)],
  ['IAM::Role', 10_240, (of) => sizeOf(of.Policies)],
  ['IAM::Role', 64, (of) => String(of.RoleName).length],
  ['KMS::Key', 32_768, (of) => sizeOf(of.KeyPolicy)],
  ['Lambda::ResourcePolicy', 20_480, (of) => sizeOf(of.PolicyDocument)],
  ['Lambda::Function', 4_096, (of) => sizeOf(objectOf(of.Environment).Variables)],
  ['Lambda::Function', 64, (of) => String(of.FunctionName).length],
  ['EC2::VPCEndpoint', 20_480, (of) => sizeOf(of.PolicyDocument)],
  ['SQS::QueuePolicy', 20_480, (of) => sizeOf(of.PolicyDocument)],
  ['SNS::TopicPolicy', 20_480, (of) => sizeOf(of.PolicyDocument)],
  ['Events::Rule', 64, (of) => String(of.Name).length],
];

/** What of a system is too large; references count as what they will be, ids as long as AWS makes them. */
function oversized(folder: string): string[] {
  const { resources } = resolveAssembly(readAssembly(folder));
  return LIMITS.flatMap(([type, most, size]) =>
    resources
      .filter((resource) => resource.type === `AWS::${type}` && size(resource.properties) > most)
      .map(({ constructPath }) => constructPath),
  );
}

test('ten clients with long names and ten zones fit, and their boundaries hold in full', () => {
  const declaration = grown(10, 10);
  const folder = synthesizedFolder(declaration, { withCode: FULL });
  expect(oversized(folder)).toEqual([]);
  if (FULL) expect(prove(folder, declaration).violations).toEqual([]);
});

test('so does a system with everything; four clients more do not', () => {
  const place = { account: '222233334444', region: 'eu-north-1', withCode: false };
  expect(oversized(synthesizedFolder(EVERYTHING, place))).toEqual([]);
  const grownFolder = synthesizedFolder(grown(14, 2), { withCode: false });
  expect(oversized(grownFolder)).toEqual([expect.stringMatching(/^asystemname-zone-admin\/Boundary-/)]);
});
