import type { CredentialTable } from './credentials.ts';
import type { LocalEndpoints } from './endpoints.ts';
import { makeEnvironment } from './runtime/environment.ts';
import type { RunnableFunction } from './runtime/pool.ts';
import type { TemplateFunction } from './template/functions.ts';

/** What functions are made runnable with. */
export interface FunctionFacts {
  region: string;
  credentials: CredentialTable;
  endpoints: LocalEndpoints;
  caFile: string | undefined;
  /** What the functions of a zone call beside AWS. */
  calledUrls(zone: string | undefined): readonly string[];
  /** See `EnvironmentFacts`. */
  replacements: ReadonlyMap<string, string>;
}

/** The functions of the template as the pool runs them: each with its own role's credentials and its own network's endpoints. */
export function makeFunctions(
  templates: readonly TemplateFunction[],
  facts: FunctionFacts,
): RunnableFunction[] {
  return templates.map((of) => {
    const {
      name,
      arn,
      zone,
      account,
      roleArn,
      codeDirectory,
      timeout,
      memory,
      reservedConcurrency,
      logging,
    } = of;
    const environment = makeEnvironment(of, {
      region: facts.region,
      credentials: facts.credentials.issue({ arn: roleArn, account, functionArn: arn }, name),
      ...facts.endpoints.reachableFrom(of.subnets),
      calledUrls: of.subnets.length === 0 ? undefined : facts.calledUrls(zone),
      caFile: facts.caFile,
      replacements: facts.replacements,
    });
    return {
      ...{ name, arn, codeDirectory, environment, timeout, memory, logging },
      ...(zone === undefined ? {} : { zone }),
      ...(reservedConcurrency === undefined ? {} : { reservedConcurrency }),
    };
  });
}
