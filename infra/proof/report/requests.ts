import { matrixOf, type Proof } from '../prove.ts';

/** For each violation and each line of the matrix the request that shows it, of a *never* the nearest: what it shows, and below it JSON. */
export function reportRequests(proof: Proof): string {
  const violations = proof.violations.map(({ message, request }) => ({ what: [message], request }));
  const lines = matrixOf(proof).map(({ principal, action, resource, verdict, when, request }) => ({
    ...{ what: [principal, action, resource, verdict, when], request },
  }));
  return [...violations, ...lines]
    .map(({ what, request }) => ({ what: what.filter(Boolean).join(' '), found: request?.() }))
    .flatMap(({ what, found }) => (found ? [`  ${what}`, `    ${JSON.stringify(found)}`] : []))
    .join('\n');
}
