import type { Credentials } from '../credentials.ts';
import type { TemplateFunction } from '../template/resources.ts';

/** `<SERVICE>` of `AWS_ENDPOINT_URL_<SERVICE>` by signing name. */
const ENDPOINT_VARIABLES: Readonly<Record<string, string>> = {
  kms: 'KMS',
  lambda: 'LAMBDA',
  dynamodb: 'DYNAMODB',
  sqs: 'SQS',
  secretsmanager: 'SECRETS_MANAGER',
  events: 'EVENTBRIDGE',
};

/** Nobody listens here: what an isolated network's way to a service without an endpoint is like. */
const NOWHERE = 'http://127.0.0.1:9';

/** What a function's environment is made of. */
interface EnvironmentFacts {
  region: string;
  credentials: Credentials;
  /** URL of each endpoint of the function's VPC, by signing name. */
  endpoints: ReadonlyMap<string, string>;
  /** AWS's public endpoints, where the network has a way there. */
  publicUrl: string | undefined;
  /** What the function calls beside AWS, as declared; undefined for one outside every VPC, which nothing restricts. */
  calledUrls: readonly string[] | undefined;
  /** File with the local certificate, and what else functions trust. */
  caFile: string | undefined;
  /** `PATH` of this machine. */
  path?: string | undefined;
  /** Texts in the template's environment that are elsewhere here: URL on AWS to local URL. */
  replacements: ReadonlyMap<string, string>;
}

/**
 * The whole environment of a function's process: the template's variables, what the Lambda runtime sets, and where AWS is
 * for its network. Nothing of this process's own environment is in it.
 */
export function makeEnvironment(of: TemplateFunction, facts: EnvironmentFacts): Record<string, string> {
  const { credentials, region } = facts;
  // The SDK calls the host of a queue's URL, whatever endpoint it is told of.
  const queues = facts.endpoints.get('sqs') ?? facts.publicUrl ?? NOWHERE;
  const replacements = [...facts.replacements, [`https://sqs.${region}.amazonaws.com`, queues] as const];
  const replaced = (value: string) =>
    replacements.reduce((text, [from, to]) => text.replaceAll(from, to), value);
  const variables = Object.entries(of.environment).map(([name, value]) => [name, replaced(value)]);
  return {
    ...Object.fromEntries(variables),
    _HANDLER: of.handler,
    LAMBDA_TASK_ROOT: of.codeDirectory,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    AWS_EXECUTION_ENV: `AWS_Lambda_${of.runtime}`,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_FUNCTION_NAME: of.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(of.memory),
    AWS_LAMBDA_LOG_GROUP_NAME: of.logGroup,
    ...(of.jsonLevel && { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: of.jsonLevel }),
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
    ...endpointVariables(facts),
    ...reachable(facts),
    ...(facts.caFile === undefined ? {} : trustVariables(of.runtime, facts.caFile)),
    // What runs other languages is found by it.
    ...(of.runtime.startsWith('nodejs') || !facts.path ? {} : { PATH: facts.path }),
  };
}

/** Where languages look for certificates: Node.js for more than its own, OpenSSL (Python) and Go for one file beside a folder. */
function trustVariables(runtime: string, caFile: string): Record<string, string> {
  return runtime.startsWith('nodejs')
    ? { NODE_EXTRA_CA_CERTS: caFile }
    : { SSL_CERT_FILE: caFile, REQUESTS_CA_BUNDLE: caFile };
}

/** `host:port` of everything that its network lets it reach; `egress.mjs` lets nothing else through. */
function reachable({ calledUrls, endpoints, publicUrl }: EnvironmentFacts): Record<string, string> {
  if (calledUrls === undefined) return {};
  const urls = [...calledUrls, ...endpoints.values(), ...(publicUrl === undefined ? [] : [publicUrl])];
  const places = urls.map((url) => new URL(url)).map(({ hostname, port }) => `${hostname}:${port || 443}`);
  return { LOCAL_REACHABLE: [...new Set(places)].join(',') };
}

function endpointVariables({ endpoints, publicUrl }: EnvironmentFacts): Record<string, string> {
  const elsewhere = publicUrl ?? NOWHERE;
  const each = Object.entries(ENDPOINT_VARIABLES).map(([service, variable]) => [
    `AWS_ENDPOINT_URL_${variable}`,
    endpoints.get(service) ?? elsewhere,
  ]);
  return { ...Object.fromEntries(each), AWS_ENDPOINT_URL: elsewhere };
}
