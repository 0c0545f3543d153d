import { isDeepStrictEqual } from 'node:util';
import { deriveZoneConfig, PROXY_CA, zoneProxy } from '../../../declaration/derive.ts';
import { ownSecrets } from '../../../declaration/function-resources.ts';
import { functionName, zoneClients, zoneFunctions } from '../../../declaration/names.ts';
import { foreignCode, ownVariables } from '../../../declaration/runtimes.ts';
import type { ZoneDeclaration } from '../../../declaration/schema.ts';
import { keyPolicyTemplate } from '../../../render-key-policy.ts';
import { parseJson } from '../../assembly/json.ts';
import { SIGNING } from '../../assembly/network.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { type ProofInput, type Rule, resourceRule } from '../rule.ts';
import {
  askedOfZone,
  filesOf,
  plain,
  recordArn,
  secretNamed,
  signersOfZone,
  variablesOf,
} from '../targets.ts';

/** Variables that the constructs give functions; others may change what one runs, whom it calls or what it tells. What is a function's own is not among them. */
const VARIABLES =
  /^(?:HTTPS_PROXY|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|NODE_USE_ENV_PROXY|NO_PROXY|RECORDS|RECORD_ARN|SIGNERS|SIGNING_VPC)$/;

/** Every function is declared and has exactly the configuration that the declaration gives it; rotation has the key policies that the proof has looked at. */
export const zoneFunctionsAreDeclared: Rule = resourceRule({
  name: 'zone-functions-are-declared',
  invariant: 'I3',
  title:
    'Every function of a zone is declared, and has the configuration, the environment, the gateway, the signers and the key policies that follow.',
  of: ['AWS::Lambda::Function'],
  problems: (fn, input) => {
    const variables = variablesOf(fn);
    const { zone = '', physicalId, properties } = fn;
    const { name: system, zones } = input.declaration;
    const declared = zones[zone];
    const name = (declared ? zoneFunctions(declared) : []).find(
      (one) => functionName(system, zone, one) === physicalId,
    );
    const own = declared && name !== undefined ? { zone, declared, name } : undefined;
    if (own === undefined && zone !== SIGNING) return ['is no function of the declaration'];
    const { runtime: Runtime = 'nodejs24.x', handler: Handler = 'index.handler' } =
      (own && foreignCode(own.declared, own.name)) ?? {};
    const environment = own ? environmentOf(fn, own, input) : {};
    return [
      fn.assetPath === undefined && [
        'Code',
        'runs code that its stack does not upload, which nobody has read',
      ],
      ...Object.entries(environment).map(
        ([variable, expected]) =>
          variables[variable] !== expected &&
          ([variable, `has another ${variable} in its environment than ${expected}`] as const),
      ),
      ...Object.entries({ Runtime, Handler }).map(
        ([what, expected]) =>
          properties[what] !== expected &&
          ([what, `has the ${what} ${String(properties[what])}, not ${expected}`] as const),
      ),
      ...Object.keys(variables).map(
        (name) =>
          !VARIABLES.test(name) &&
          !(name in environment) &&
          ([name, `has ${name} in its environment, which the declaration does not give it`] as const),
      ),
      ...(own ? expectationsOf(fn, own, input) : []).map(
        ([what, found, expected]) =>
          !isDeepStrictEqual(parseJson(found), plain(expected)) &&
          `has another ${what} than follows from the declaration`,
      ),
    ];
  },
  subject: ({ physicalId }) => `Function ${physicalId}`,
  path: ({ constructPath }) => [constructPath, 'its configuration', 'what it asks for'],
  remedy: 'Synthesize again from zones.ts; what functions know is written there and nowhere else.',
});

/** Where the API of a function's own stack is. */
function urlOf({ stack, region }: ResolvedResource, { assembly }: ProofInput): string {
  const stages = resourcesOfType(assembly, 'AWS::ApiGateway::Stage').filter((one) => one.stack === stack);
  const { RestApiId: api, StageName: stage } = stages[0]?.properties ?? {};
  return `https://${String(api)}.execute-api.${region}.amazonaws.com/${String(stage)}`;
}

/** A function of the declaration. */
type Declared = { zone: string; declared: ZoneDeclaration; name: string };

/** What a function has of its own in its environment, by variable, and gateway and tokens function of its zone if it has them. */
function environmentOf(
  fn: ResolvedResource,
  { zone, declared, name }: Declared,
  input: ProofInput,
): Readonly<Record<string, unknown>> {
  const { name: system } = input.declaration;
  const queuesAt = `https://sqs.${fn.region}.amazonaws.com/${fn.account}`;
  const ofZone = [
    ['GATEWAY_URL', urlOf(fn, input)] as const,
    ['TOKENS_FUNCTION', askedOfZone(input, zone, 'tokens')[0]] as const,
  ];
  const secrets = ownSecrets(system, zone, declared).filter(({ owner }) => owner === name);
  return {
    ...ownVariables(input.declaration, zone, declared, name, queuesAt),
    ...Object.fromEntries(ofZone.filter(([variable]) => variable in variablesOf(fn))),
    ...Object.fromEntries(secrets.map((of) => [of.variable, secretNamed(input, of.name)?.arn])),
  };
}

/** What a function of the declaration holds, as JSON, and what it should. */
function expectationsOf(
  fn: ResolvedResource,
  { zone, declared, name }: Declared,
  input: ProofInput,
): (readonly [what: string, found: unknown, expected: unknown])[] {
  const { declaration } = input;
  const files = filesOf(fn);
  const variables = variablesOf(fn);
  const { SIGNERS, RECORDS, SIGNING_VPC } = variables;
  const [vpc] = [...input.network.zones].find(([, of]) => of === SIGNING) ?? [];
  const proxy = zoneProxy(declaration, zone);
  const found = Object.entries(variables).filter(([variable]) => /PROXY|CA_CERTS/.test(variable));
  const clients = zoneClients(declaration, declared);
  const signers = signersOfZone(input, zone);
  const byClient = (value: (client: string, at: number) => unknown) =>
    Object.fromEntries(clients.map((client, at) => [client, value(client, at)]));
  const policies = Object.entries(declaration.clients).map(([client, { algorithm }]) => [
    client,
    keyPolicyTemplate({ system: declaration.name, client, algorithm }),
  ]);
  return [
    ['proxy', JSON.stringify(Object.fromEntries(found)), proxy.variables],
    // Code in another language is deployed as it lies.
    ...(foreignCode(declared, name)
      ? []
      : [
          ['config.json', files.get('config.json'), deriveZoneConfig(declaration, zone, name)] as const,
          [PROXY_CA, JSON.stringify([files.get(PROXY_CA)]), [proxy.ca]] as const,
        ]),
    ...(SIGNERS === undefined ? [] : [['SIGNERS', SIGNERS, byClient((_, at) => signers[at])] as const]),
    ...(declared.admin
      ? [
          ['SIGNING_VPC', JSON.stringify([SIGNING_VPC]), [vpc]] as const,
          ['RECORDS', RECORDS, byClient((client) => recordArn(input, client))] as const,
          ['key-policy.json', files.get('key-policy.json'), Object.fromEntries(policies)] as const,
        ]
      : []),
  ];
}
