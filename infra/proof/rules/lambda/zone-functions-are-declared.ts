import { isDeepStrictEqual } from 'node:util';
import { deriveZoneConfig, PROXY_CA, zoneProxy } from '../../../declaration/derive.ts';
import { functionName, zoneClients, zoneFunctions } from '../../../declaration/names.ts';
import { apiVariables, foreignCode } from '../../../declaration/runtimes.ts';
import { keyPolicyTemplate } from '../../../key-policy.ts';
import { parseJson } from '../../assembly/json.ts';
import { SIGNING } from '../../assembly/network.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { type ProofInput, type Rule, resourceRule } from '../rule.ts';
import { askedOfZone, filesOf, plain, recordArn, signersOfZone, variablesOf } from '../targets.ts';

/** Variables that the constructs give functions; others may change what one runs, whom it calls or what it tells. */
const VARIABLES =
  /^(?:GATEWAY_URL|HTTPS_PROXY|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|NODE_USE_ENV_PROXY|NO_PROXY|RECORDS|RECORD_ARN|SIGNERS|SIGNING_VPC|TOKENS_FUNCTION|[A-Z0-9_]+_(?:QUEUE|SECRET|TABLE))$/;

/** Every function is declared and has exactly the configuration that the declaration gives it; rotation has the key policies that the proof has looked at. */
export const zoneFunctionsAreDeclared: Rule = resourceRule({
  name: 'zone-functions-are-declared',
  invariant: 'I3',
  title:
    'Every function of a zone is declared, and has the configuration, the environment, the gateway, the signers and the key policies that follow.',
  of: ['AWS::Lambda::Function'],
  problems: (fn, input) => {
    const expectations = expectationsOf(fn, input);
    const variables = variablesOf(fn);
    const { GATEWAY_URL: url, TOKENS_FUNCTION: tokens } = variables;
    const { zone = '', physicalId, properties } = fn;
    const declared = input.declaration.zones[zone];
    const [name = '', own] =
      Object.entries(declared?.functions ?? {}).find(
        ([name]) => functionName(input.declaration.name, zone, name) === physicalId,
      ) ?? [];
    const { runtime: Runtime = 'nodejs24.x', handler: Handler = 'index.handler' } =
      (declared && foreignCode(declared, name)) ?? {};
    const apis = declared ? apiVariables(input.declaration, declared, name) : {};
    return [
      ...Object.entries(apis).map(
        ([api, url]) =>
          variables[api] !== url && ([api, `has another ${api} in its environment than ${url}`] as const),
      ),
      ...Object.entries({ Runtime, Handler }).map(
        ([what, expected]) =>
          properties[what] !== expected &&
          ([what, `has the ${what} ${String(properties[what])}, not ${expected}`] as const),
      ),
      ...Object.keys(variables).map(
        (name) =>
          !VARIABLES.test(name) &&
          !(name in { ...own?.environment, ...apis }) &&
          ([name, `has ${name} in its environment, which the declaration does not give it`] as const),
      ),
      expectations.length === 0 && fn.zone !== SIGNING && 'is no function of the declaration',
      url !== undefined && !urlsOf(fn, input).includes(String(url)) && `takes ${String(url)} for its gateway`,
      tokens !== undefined &&
        !askedOfZone(input, zone, 'tokens').includes(String(tokens)) &&
        `asks ${String(tokens)} for tokens`,
      ...expectations.map(
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

/** Where the APIs of a function's own stack are. */
function urlsOf({ stack }: ResolvedResource, { assembly }: ProofInput): string[] {
  return resourcesOfType(assembly, 'AWS::ApiGateway::Stage')
    .filter((stage) => stage.stack === stack)
    .map(
      ({ region, properties: { RestApiId: api, StageName: stage } }) =>
        `https://${String(api)}.execute-api.${region}.amazonaws.com/${String(stage)}`,
    );
}

/** What a function of the declaration holds, as JSON, and what it should; nothing of any other function. */
function expectationsOf(
  fn: ResolvedResource,
  input: ProofInput,
): (readonly [what: string, found: unknown, expected: unknown])[] {
  const { declaration } = input;
  return Object.entries(declaration.zones).flatMap(([zone, declared]) => {
    const name = zoneFunctions(declared).find(
      (one) => functionName(declaration.name, zone, one) === fn.physicalId,
    );
    if (name === undefined) return [];
    const files = filesOf(fn);
    const variables = variablesOf(fn);
    const { SIGNERS, RECORDS } = variables;
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
      ['proxy', JSON.stringify(Object.fromEntries(found)), proxy.variables] as const,
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
            ['RECORDS', RECORDS, byClient((client) => recordArn(input, client))] as const,
            ['key-policy.json', files.get('key-policy.json'), Object.fromEntries(policies)] as const,
          ]
        : []),
    ];
  });
}
