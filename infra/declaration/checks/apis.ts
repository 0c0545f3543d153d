import { baseUrlProblem, collect, type Problem } from '../problem.ts';
import type { SystemDeclaration } from '../types.ts';

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Each API is at one https host, and its scopes and resource are what RFC 6749 3.3 and RFC 8707 2 let them be. */
export function checkApis(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    for (const [name, api] of Object.entries(system.apis)) {
      const field = `apis.${name}`;
      const problem = baseUrlProblem(api.baseUrl);
      unless(problem === undefined, `${field}.baseUrl`, problem ?? '');
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
