import { ownVariable } from '@helseid-zones/protocol/names';
import { required } from '@helseid-zones/protocol/values';
import { functionOf, zoneTables } from './function-resources.ts';
import { zoneFunctions, zoneQueueName } from './names.ts';
import type { SystemDeclaration, ZoneDeclaration } from './schema.ts';

/**
 * Lambda's managed runtimes that the declaration knows for functions in other languages, with the handler where none is declared;
 * empty where the name depends on the code (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html).
 */
export const RUNTIMES = {
  'python3.14': 'handler.handler',
  'python3.13': 'handler.handler',
  'python3.12': 'handler.handler',
  java25: '',
  java21: '',
  java17: '',
  dotnet10: '',
  dotnet8: '',
  'provided.al2023': 'bootstrap',
} as const;

/** Code that is deployed as it lies, in another language than this system's. */
export type ForeignCode = NonNullable<ReturnType<typeof foreignCode>>;

/**
 * The code of a function in another language, where `path` is a folder or zip, from where the system is synthesized; undefined of one
 * whose `handler.ts` is compiled.
 */
export function foreignCode(zone: ZoneDeclaration, name: string) {
  const { runtime, code = `functions/${name}`, handler } = functionOf(zone, name) ?? {};
  return runtime && { runtime, handler: handler ?? RUNTIMES[runtime], path: code };
}

/** The functions of a zone whose `handler.ts` is compiled. */
export const compiledFunctions = (zone: ZoneDeclaration): string[] =>
  zoneFunctions(zone).filter((name) => foreignCode(zone, name) === undefined);

/** Where the code of a zone's functions in other languages lies. */
export const foreignPaths = (zone: ZoneDeclaration): string[] =>
  zoneFunctions(zone).flatMap((name) => foreignCode(zone, name)?.path ?? []);

/** Variables of a function in another language, which has no `config.json`: the base URL of each API that its zone is granted. */
export function apiVariables({ apis }: Pick<SystemDeclaration, 'apis'>, zone: ZoneDeclaration, name: string) {
  if (foreignCode(zone, name) === undefined) return {};
  const granted = zone.grants.flatMap((grant) => grant.apis.map(({ api }) => api));
  return Object.fromEntries(
    granted.map((api) => [ownVariable('api', api), required(apis[api], `The API ${api}`).baseUrl]),
  );
}

/** What a function has of its own in its environment, but for secrets: settings, names of tables, URLs of queues below `queuesAt`, {@link apiVariables}. */
export function ownVariables(
  system: SystemDeclaration,
  zone: string,
  declared: ZoneDeclaration,
  name: string,
  queuesAt: string,
): Record<string, string> {
  const { environment = {}, queues = [] } = functionOf(declared, name) ?? {};
  const tables = zoneTables(system.name, zone, declared).filter(({ actions }) => name in actions);
  return {
    ...environment,
    ...Object.fromEntries(tables.map((table) => [table.variable, table.name])),
    ...Object.fromEntries(
      queues.map((one) => [
        ownVariable('queue', one),
        `${queuesAt}/${zoneQueueName(system.name, zone, one)}`,
      ]),
    ),
    ...apiVariables(system, declared, name),
  };
}
