import { ZonesError } from '@helseid-zones/protocol/errors';
import { objectOf, stringOf } from '../../../infra/proof/assembly/json.ts';
import {
  type ResolvedAssembly,
  type ResolvedResource,
  resourcesOfType,
} from '../../../infra/proof/assembly/resolve.ts';
import type { Logging } from '../runtime/log-level.ts';
import { subnetsOf } from './network.ts';
import { zoneOf } from './zone-of.ts';

/** A function of the template. */
export interface TemplateFunction {
  name: string;
  arn: string;
  account: string;
  roleArn: string;
  zone: string | undefined;
  subnets: readonly string[];
  codeDirectory: string;
  handler: string;
  /** Milliseconds. */
  timeout: number;
  /** MiB. */
  memory: number;
  reservedConcurrency?: number;
  environment: Readonly<Record<string, string>>;
  logGroup: string;
  logging: Logging;
}

/** Reads every Lambda function. Throws `assembly_invalid` for one that the local system can't run. */
export function readFunctions(assembly: ResolvedAssembly): TemplateFunction[] {
  return resourcesOfType(assembly, 'AWS::Lambda::Function').map(readFunction);
}

function readFunction(resource: ResolvedResource): TemplateFunction {
  const { physicalId: name, properties, assetPath, arn, account, stack } = resource;
  const runtime = String(properties['Runtime']);
  if (!/^nodejs/.test(runtime) || assetPath === undefined || arn === undefined) {
    throw new ZonesError(
      'assembly_invalid',
      `Function ${name} (${runtime}) can't run locally; only Node.js functions with an asset can.`,
    );
  }
  const variables = objectOf(objectOf(properties['Environment'])['Variables']);
  const logging = objectOf(properties['LoggingConfig']);
  const reserved = properties['ReservedConcurrentExecutions'];
  return {
    name,
    arn,
    account,
    roleArn: String(properties['Role']),
    zone: zoneOf(stack),
    subnets: subnetsOf(properties),
    codeDirectory: assetPath,
    handler: String(properties['Handler']),
    timeout: Number(properties['Timeout'] ?? 3) * 1000,
    memory: Number(properties['MemorySize'] ?? 128),
    ...(typeof reserved === 'number' ? { reservedConcurrency: reserved } : {}),
    environment: Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)])),
    logGroup: stringOf(logging['LogGroup']) ?? `/aws/lambda/${name}`,
    logging: {
      format: logging['LogFormat'] === 'JSON' ? 'JSON' : 'Text',
      level: stringOf(logging['ApplicationLogLevel']) ?? 'INFO',
    },
  };
}
