import { isDeepStrictEqual } from 'node:util';
import type { Grant } from '@helseid-zones/protocol/grant';
import { deriveGrants } from '../../../declaration/derive.ts';
import { signerName } from '../../../declaration/names.ts';
import { readAsset } from '../../assembly/contents/read-asset.ts';
import { objectOf, parseJson } from '../../assembly/json.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { SIGNING } from '../../network/model.ts';
import { type ProofInput, type Rule, violationsOf } from '../rule.ts';
import { recordArn } from '../targets.ts';

/** The files of a signer's asset, and the variables of its environment. */
const FILES = ['grant.json', 'index.mjs', 'index.mjs.map'];
const VARIABLES = ['NODE_OPTIONS', 'RECORD_ARN'];

/**
 * The functions of the signing zone are the declaration's signers, all with the same code, each with exactly the grant that
 * the declaration gives its zone and client. What that code does is tested, not proved here.
 */
export const signersAreDeclared: Rule = {
  name: 'signers-are-declared',
  invariant: 'I3',
  title:
    'The signing zone runs the declaration’s signers only, with one code, each with the grant that the declaration gives it.',
  check: (input) => {
    const { assembly, declaration } = input;
    const grants = new Map(
      deriveGrants(declaration).map((grant) => [
        signerName(declaration.name, grant.client, grant.zone),
        grant,
      ]),
    );
    const signers = resourcesOfType(assembly, 'AWS::Lambda::Function').filter(({ zone }) => zone === SIGNING);
    const usual = signers.map((signer) => readCode(signer)).find((code) => code !== undefined);
    return signers.flatMap((signer) =>
      violationsOf(problemsOf(signer, grants.get(signer.physicalId), usual, input), {
        resource: signer.constructPath,
        subject: `Signer ${signer.physicalId}`,
        path: [signer.constructPath, 'its code and its grant', 'what it signs'],
        remedy: 'Synthesize again from zones.ts; grants are written there and nowhere else.',
      }),
    );
  },
};

function problemsOf(
  signer: ResolvedResource,
  grant: Grant | undefined,
  usual: string | undefined,
  input: ProofInput,
): string[] {
  if (grant === undefined) return ['is of no declared grant'];
  const { properties, assetPath } = signer;
  const files = assetPath === undefined ? [] : readAsset(assetPath);
  const held = parseJson(files.find(({ name }) => name === 'grant.json')?.text);
  const variables = objectOf(objectOf(properties.Environment).Variables);
  const strange = Object.keys(variables).filter((name) => !VARIABLES.includes(name));
  return [
    ...(isDeepStrictEqual(held, plain(grant))
      ? []
      : ['has another grant in its asset than the declaration gives it']),
    ...files.filter(({ name }) => !FILES.includes(name)).map(({ name }) => `has ${name} in its asset`),
    ...(readCode(signer) === usual ? [] : ['has other code than the other signers']),
    ...(properties.Handler === 'index.handler' ? [] : [`begins at ${String(properties.Handler)}`]),
    ...strange.map((name) => `has ${name} in its environment`),
    ...(variables.RECORD_ARN === recordArn(input, grant.client)
      ? []
      : [`reads another record than ${grant.client}'s`]),
    ...(Number(properties.ReservedConcurrentExecutions) > 0
      ? []
      : ['has no concurrency of its own, so that others can starve it']),
  ];
}

function readCode({ assetPath }: ResolvedResource): string | undefined {
  return assetPath === undefined
    ? undefined
    : readAsset(assetPath).find(({ name }) => name === 'index.mjs')?.text;
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
