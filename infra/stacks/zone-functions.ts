import { STREAM_SECONDS } from '@helseid-zones/protocol/login-routes';
import { Duration, type Stack } from 'aws-cdk-lib';
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { functionArn, serviceHost } from '../constructs/arns.ts';
import { ZoneFunction } from '../constructs/zone-function.ts';
import { functionStatements, type ZoneFacts } from '../constructs/zone-policies.ts';
import { functionConcurrency } from '../declaration/concurrency.ts';
import { deriveZoneConfig, PROXY_CA, zoneProxy } from '../declaration/derive.ts';
import { AUTHORIZER_FUNCTION, LOGIN_FUNCTIONS, TOKENS_FUNCTION } from '../declaration/fields.ts';
import { functionOf, zoneQueues } from '../declaration/function-resources.ts';
import { EVENT_TIMEOUT_SECONDS, REQUEST_TIMEOUT_SECONDS } from '../declaration/function-schema.ts';
import { askingFunctions, functionName, takesWebhooks, zoneFunctions } from '../declaration/names.ts';
import { foreignCode, ownVariables } from '../declaration/runtimes.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../declaration/schema.ts';
import { keyPolicyTemplate } from '../render-key-policy.ts';

/** What a zone's functions are made from. */
interface ZoneFunctionsProps {
  facts: ZoneFacts;
  /** The permissions boundary of one function's role. */
  boundaryOf(name: string): IManagedPolicy;
  /** Id of the signing zone's VPC. */
  signingVpc: string;
  /** URL of the zone's entry, where it has one. */
  url: string | undefined;
}

/** Makes the functions of a zone, by their names in the declaration. */
export function addFunctions(stack: Stack, props: ZoneFunctionsProps): ReadonlyMap<string, LambdaFunction> {
  const { facts, boundaryOf } = props;
  const { system, zone, declared, network, key, logPrefix } = facts;
  return new Map(
    zoneFunctions(declared).map((name) => [
      name,
      new ZoneFunction(stack, name, {
        network,
        key,
        logPrefix,
        boundary: boundaryOf(name),
        name: functionName(system.name, zone, name),
        field: `zones.${zone}.functions.${name}`,
        entry: name,
        foreignCode: foreignCode(declared, name),
        files: functionFiles(system, zone, name),
        guarded: takesWebhooks(declared, name),
        environment: environmentOf(stack, props, name),
        statements: functionStatements(facts, name),
        retention: RetentionDays.THREE_MONTHS,
        timeout: timeoutOf(declared, name),
        memory: functionOf(declared, name)?.memory,
        concurrency: functionConcurrency(system, zone, name),
      }).handler,
    ]),
  );
}

/** The variables of a function: whom it asks, its settings, names of its tables, URLs of its queues, ARNs of its secrets. */
function environmentOf(stack: Stack, { facts, signingVpc, url }: ZoneFunctionsProps, name: string) {
  const { system, zone, declared, signers, records, secrets, place } = facts;
  const queuesAt = `https://${serviceHost(place, 'sqs')}/${place.account}`;
  const needsUrl = [...LOGIN_FUNCTIONS, AUTHORIZER_FUNCTION].some((candidate) => candidate === name);
  return {
    ...(askingFunctions(declared).includes(name) ? { SIGNERS: stack.toJsonString(signers) } : {}),
    ...(askingFunctions(declared, 'tokens').includes(name)
      ? { TOKENS_FUNCTION: functionArn(place, functionName(system.name, zone, TOKENS_FUNCTION)) }
      : {}),
    ...ownVariables(system, zone, declared, name, queuesAt),
    ...Object.fromEntries(
      secrets.filter(({ owner }) => owner === name).map(({ variable, arn }) => [variable, arn]),
    ),
    ...(needsUrl && url ? { GATEWAY_URL: url } : {}),
    ...zoneProxy(system, zone).variables,
    ...(declared.admin ? { RECORDS: stack.toJsonString(records), SIGNING_VPC: signingVpc } : {}),
  };
}

function functionFiles(system: SystemDeclaration, zone: string, name: string): Record<string, unknown> {
  const { ca } = zoneProxy(system, zone);
  const config = {
    'config.json': deriveZoneConfig(system, zone, name),
    ...(ca ? { [PROXY_CA]: ca } : {}),
  };
  if (!system.zones[zone]?.admin) return config;
  const policies = Object.entries(system.clients).map(([client, { algorithm }]) => [
    client,
    keyPolicyTemplate({ system: system.name, client, algorithm }),
  ]);
  return { ...config, 'key-policy.json': Object.fromEntries(policies) };
}

/** Functions whose time is not that of a request. */
const TIMEOUTS: Readonly<Record<string, Duration>> = {
  // A new key may take the issuer a good while to honour.
  rotation: Duration.minutes(15),
  'key-watch': Duration.minutes(5),
  api: Duration.seconds(STREAM_SECONDS - 2),
  [AUTHORIZER_FUNCTION]: Duration.seconds(10),
};

/** How long one function of a zone may run. */
function timeoutOf(declared: ZoneDeclaration, name: string): Duration {
  const seconds = functionOf(declared, name)?.timeout;
  if (seconds !== undefined) return Duration.seconds(seconds);
  const inBatches = zoneQueues('', '', declared).some(({ reader }) => reader === name);
  if (inBatches) return Duration.seconds(EVENT_TIMEOUT_SECONDS);
  return TIMEOUTS[name] ?? Duration.seconds(REQUEST_TIMEOUT_SECONDS);
}
