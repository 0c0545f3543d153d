import { baseUrlProblem, collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../types.ts';

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Each API is one https host, and none lies where only the admin zone may go (I3a). */
export function checkApis(system: SystemDeclaration): Problem[] {
  const selfService = new Set(
    Object.values(system.clients).flatMap((client) => originOf(client.selfService?.baseUrl ?? '') ?? []),
  );
  return collect((unless) => {
    for (const [name, api] of Object.entries(system.apis)) {
      const field = `apis.${name}`;
      const problem = baseUrlProblem(api.baseUrl);
      unless(problem === undefined, `${field}.baseUrl`, problem ?? '');
      unless(
        !selfService.has(originOf(api.baseUrl) ?? ''),
        `${field}.baseUrl`,
        'lies at the self-service API, where keys are registered; only the admin zone reaches it (I3a): leave it out',
      );
      for (const [index, scope] of api.scopes.entries())
        unless(SCOPE.test(scope), `${field}.scopes[${index}]`, 'must be one scope, without spaces');
      unless(
        api.resource === undefined || (URL.canParse(api.resource) && !api.resource.includes('#')),
        `${field}.resource`,
        'must be an absolute URI without a fragment (RFC 8707 2)',
      );
    }
  });
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}
