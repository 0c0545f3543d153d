import { askingFunctions, functionName } from '../../../declaration/names.ts';
import { stringOf } from '../../assembly/json.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import type { ProofInput, Rule } from '../rule.ts';
import { recordArns, signersOfZone } from '../targets.ts';

/**
 * What Lambda permissions let in: API Gateway for an API of the function's own stack, EventBridge for a rule of it, Secrets
 * Manager to rotation for a client record; to a signer only the functions of its zone, where that is in another account.
 */
export const functionPermissionsAreOwn: Rule = {
  name: 'function-permissions-are-own',
  invariant: 'I2',
  title:
    'A function’s own policy lets in nothing but what the declaration leads to it: its API, its rule, its rotation, its zone.',
  check: (input) =>
    resourcesOfType(input.assembly, 'AWS::Lambda::Permission').flatMap((permission) => {
      const target = functionOf(permission, input);
      const problem =
        target === undefined
          ? 'is for a version, an alias or a function outside the templates'
          : problemOf(permission, target, input);
      if (problem === undefined) return [];
      const principal = String(permission.properties.Principal);
      return [
        {
          resource: permission.constructPath,
          message: `A permission for ${principal} to invoke ${String(permission.properties.FunctionName)} ${problem}.`,
          path: [
            principal,
            permission.constructPath,
            target?.constructPath ?? String(permission.properties.FunctionName),
          ],
          remedy:
            'Name the function without a qualifier, and the one API, rule, record or role that may call it.',
        },
      ];
    }),
};

function functionOf(
  { properties }: ResolvedResource,
  { assembly }: ProofInput,
): ResolvedResource | undefined {
  const named = stringOf(properties.FunctionName);
  return resourcesOfType(assembly, 'AWS::Lambda::Function').find(
    ({ arn, physicalId }) => named === arn || named === physicalId,
  );
}

/** What a service's source must be, by principal. */
const SOURCES: Readonly<
  Record<
    string,
    (source: string, permission: ResolvedResource, target: ResolvedResource, input: ProofInput) => boolean
  >
> = {
  'apigateway.amazonaws.com': (source, _, { stack, region, account }, { assembly }) =>
    resourcesOfType(assembly, 'AWS::ApiGateway::RestApi').some(
      (api) =>
        api.stack === stack &&
        source.startsWith(`arn:aws:execute-api:${region}:${account}:${api.physicalId}/`),
    ),
  'events.amazonaws.com': (source, _, { stack }, { assembly }) =>
    resourcesOfType(assembly, 'AWS::Events::Rule').some(
      (rule) => rule.stack === stack && rule.arn === source,
    ),
  'secretsmanager.amazonaws.com': (source, { properties }, target, input) =>
    recordArns(input).includes(source) &&
    properties.SourceAccount === target.account &&
    isRotation(target, input),
};

function problemOf(
  permission: ResolvedResource,
  target: ResolvedResource,
  input: ProofInput,
): string | undefined {
  const { Principal, Action, SourceArn, FunctionUrlAuthType, InvokedViaFunctionUrl } = permission.properties;
  const principal = String(Principal);
  if (FunctionUrlAuthType !== undefined || InvokedViaFunctionUrl !== undefined) return 'opens a function URL';
  if (Action !== 'lambda:InvokeFunction') return `is for ${String(Action)}`;
  const fits = SOURCES[principal];
  if (fits !== undefined)
    return fits(String(SourceArn), permission, target, input)
      ? undefined
      : 'names no source of the function’s own zone, so that others can have it called';
  return foreignAskers(target, input).includes(principal)
    ? undefined
    : 'lets in somebody whom the declaration does not';
}

function isRotation({ physicalId }: ResolvedResource, { declaration }: ProofInput): boolean {
  return Object.entries(declaration.zones).some(
    ([zone, { admin }]) => admin === true && physicalId === functionName(declaration.name, zone, 'rotation'),
  );
}

/** The roles in other accounts that may ask a signer. */
function foreignAskers({ arn }: ResolvedResource, input: ProofInput): string[] {
  const { declaration } = input;
  return Object.entries(declaration.zones).flatMap(([zone, declared]) =>
    declared.account !== undefined && signersOfZone(input, zone).includes(arn ?? '')
      ? askingFunctions(declared).map(
          (name) => `arn:aws:iam::${declared.account}:role/${functionName(declaration.name, zone, name)}`,
        )
      : [],
  );
}
