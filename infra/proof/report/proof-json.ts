import { digestOf, readAsset } from '../assembly/contents/read-asset.ts';
import { matrixOf, type Proof } from '../prove.ts';
import { readSignable } from './signable.ts';

/** What `npm run zones -- --json` prints; docs/proof.md documents it. Exceptions are printed beside it. */
export function proofAsJson(proof: Proof) {
  const { ok, verdict, assumptions, violations, input } = proof;
  return {
    ok,
    verdict,
    assumptions: assumptions.map(({ kind, name, field, assumes }) => ({ kind, name, field, assumes })),
    // What is there beside what the declaration yields.
    additions:
      input.comparison?.additions.map(({ resource, type, stack }) => ({ resource, type, stack })) ?? [],
    // What was read of each function's code: physical name, and the digest of its files.
    assets: input.assembly.resources.flatMap(({ physicalId, assetPath }) =>
      assetPath === undefined ? [] : [{ function: physicalId, sha256: digestOf(readAsset(assetPath)) }],
    ),
    violations: violations.map(({ rule, invariant, resource, about, message, remedy, request }) => ({
      rule,
      invariant,
      resource,
      about,
      message,
      remedy,
      request: request?.(),
    })),
    signable: readSignable(input),
    matrix: matrixOf(proof).map(({ principal, zone, action, resource, verdict, when, layers, request }) => ({
      principal,
      zone,
      action,
      resource,
      verdict,
      when,
      layers,
      request: request?.(),
    })),
  };
}
