import { type ResolvedAssembly, resourcesOfType } from './resolve.ts';

const INTEGRATION =
  /^arn:[^:]+:apigateway:[^:]+:lambda:path\/[^/]+\/functions\/(arn:[^/]+)\/(response-streaming-)?invocations$/;

/** The function behind the URI of an API Gateway integration or authorizer; undefined where it leads to anything else. */
export function integratedFunction(uri: unknown): { arn: string; streams: boolean } | undefined {
  const [, arn, streaming] = INTEGRATION.exec(String(uri)) ?? [];
  return arn === undefined ? undefined : { arn, streams: streaming !== undefined };
}

/** The path of each `AWS::ApiGateway::Resource` by its id, e.g. `/summaries/{id}`. The root resource, `/`, is none of the template's. */
export function pathsOf(assembly: ResolvedAssembly): ReadonlyMap<string, string> {
  const parts = new Map(
    resourcesOfType(assembly, 'AWS::ApiGateway::Resource').map((part) => [part.physicalId, part.properties]),
  );
  const pathOf = (id: string): string => {
    const part = parts.get(id);
    return part === undefined ? '' : `${pathOf(String(part.ParentId))}/${String(part.PathPart)}`;
  };
  return new Map([...parts.keys()].map((id) => [id, pathOf(id)]));
}
