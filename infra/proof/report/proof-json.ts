import { digestOf, readAsset } from '../assembly/contents/read-asset.ts';
import { matrixOf, type Proof } from '../prove.ts';
import type { Finding } from '../rules/rule.ts';
import type { Witness } from '../rules/witness.ts';
import { readSignable, type Signable } from './signable.ts';

/** What `npm run zones -- --json` prints; docs/proof.md documents it. Exceptions are printed beside it. */
interface ProofJson {
  ok: boolean;
  verdict: Proof['verdict'];
  assumptions: { kind: string; name: string; field: string; assumes: string }[];
  /** What is there beside what the declaration yields. */
  additions: { resource: string; type: string; stack: string }[];
  /** What was read of each function's code: physical name, and the digest of its files. */
  assets: { function: string; sha256: string }[];
  violations: (Pick<Finding, 'rule' | 'invariant' | 'resource' | 'about' | 'message' | 'remedy'> & {
    request?: Witness;
  })[];
  /** Who can have what signed. */
  signable: Signable[];
  matrix: {
    principal: string;
    zone: string;
    action: string;
    resource: string;
    verdict: 'never' | 'always' | 'when';
    when: string;
    layers: string[];
    request?: Witness;
  }[];
}

/** The proof as JSON for other programs. */
export function proofAsJson(proof: Proof): ProofJson {
  const { ok, verdict, assumptions, violations, input } = proof;
  return {
    ...{ ok, verdict },
    assumptions: assumptions.map(({ kind, name, field, assumes }) => ({ kind, name, field, assumes })),
    additions: [...(input.comparison?.additions ?? [])].map(({ resource, type, stack }) => ({
      resource,
      type,
      stack,
    })),
    assets: input.assembly.resources.flatMap(({ physicalId, assetPath }) =>
      assetPath === undefined ? [] : [{ function: physicalId, sha256: digestOf(readAsset(assetPath)) }],
    ),
    violations: violations.map(({ rule, invariant, resource, about, message, remedy, request }) => ({
      ...{ rule, invariant, resource, about, message, remedy },
      ...shown(request),
    })),
    signable: readSignable(input),
    matrix: matrixOf(proof).map(({ principal, zone, action, resource, verdict, when, layers, request }) => ({
      ...{ principal, zone, action, resource, verdict, when, layers: [...layers] },
      ...shown(request),
    })),
  };
}

function shown(find: (() => Witness | undefined) | undefined): { request?: Witness } {
  const request = find?.();
  return request === undefined ? {} : { request };
}
