import { isDeepStrictEqual } from 'node:util';
import { deriveZoneConfig } from '../../../declaration/derive.ts';
import { functionName, zoneClients, zoneFunctions } from '../../../declaration/names.ts';
import type { ZoneDeclaration } from '../../../declaration/schema.ts';
import { keyPolicyTemplate } from '../../../key-policy.ts';
import { readAsset } from '../../assembly/contents/read-asset.ts';
import { objectOf, parseJson } from '../../assembly/json.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { type ProofInput, type Rule, violationsOf } from '../rule.ts';
import { recordArn, signersOfZone } from '../targets.ts';

/** Every declared function has exactly the configuration that the declaration gives it; rotation has the key policies that the proof has looked at. */
export const zoneFunctionsAreDeclared: Rule = {
  name: 'zone-functions-are-declared',
  invariant: 'I3',
  title:
    'Every zone function has the configuration, the signers and the key policies that follow from the declaration.',
  check: (input) =>
    Object.entries(input.declaration.zones).flatMap(([zone, declared]) =>
      zoneFunctions(declared).flatMap((name) => {
        const physical = functionName(input.declaration.name, zone, name);
        const fn = resourcesOfType(input.assembly, 'AWS::Lambda::Function').find(
          ({ physicalId }) => physicalId === physical,
        );
        if (fn === undefined) return [];
        return violationsOf(problemsOf(fn, zone, declared, name, input), {
          resource: fn.constructPath,
          subject: `Function ${physical}`,
          path: [fn.constructPath, 'its configuration', 'what it asks for'],
          remedy: 'Synthesize again from zones.ts; what functions know is written there and nowhere else.',
        });
      }),
    ),
};

function problemsOf(
  { assetPath, properties }: ResolvedResource,
  zone: string,
  declared: ZoneDeclaration,
  name: string,
  input: ProofInput,
): string[] {
  const { declaration } = input;
  const files = new Map(
    assetPath === undefined ? [] : readAsset(assetPath).map((file) => [file.name, file.text]),
  );
  const variables = objectOf(objectOf(properties.Environment).Variables);
  const clients = zoneClients(declaration, declared);
  const differs = (text: unknown, expected: unknown) =>
    !isDeepStrictEqual(parseJson(text), JSON.parse(JSON.stringify(expected)));
  const signers = signersOfZone(input, zone);
  const expectations: readonly [string, unknown, unknown][] = [
    ['config.json', files.get('config.json'), deriveZoneConfig(declaration, zone, name)],
    ...(variables.SIGNERS === undefined
      ? []
      : [
          entry(
            'SIGNERS',
            variables.SIGNERS,
            Object.fromEntries(clients.map((client, at) => [client, signers[at]])),
          ),
        ]),
    ...(declared.admin
      ? [
          entry(
            'RECORDS',
            variables.RECORDS,
            Object.fromEntries(clients.map((client) => [client, recordArn(input, client)])),
          ),
          entry(
            'key-policy.json',
            files.get('key-policy.json'),
            Object.fromEntries(
              Object.entries(declaration.clients).map(([client, { algorithm }]) => [
                client,
                keyPolicyTemplate({ system: declaration.name, client, algorithm }),
              ]),
            ),
          ),
        ]
      : []),
  ];
  return expectations
    .filter(([, found, expected]) => differs(found, expected))
    .map(([what]) => `has another ${what} than follows from the declaration`);
}

function entry(what: string, found: unknown, expected: unknown): [string, unknown, unknown] {
  return [what, found, expected];
}
