import { baseUrlProblem, collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../types.ts';

/** Each API is at one https host, and its resource is what RFC 8707 2 lets it be. */
export function checkApis(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    for (const [name, api] of Object.entries(system.apis)) {
      const field = `apis.${name}`;
      const problem = baseUrlProblem(api.baseUrl);
      unless(problem === undefined, `${field}.baseUrl`, problem ?? '');
      unless(
        api.resource === undefined || (URL.canParse(api.resource) && !api.resource.includes('#')),
        `${field}.resource`,
        'must be an absolute URI without a fragment (RFC 8707 2)',
      );
    }
  });
}
