import { digestOf, readAsset } from '../assembly/contents/read-asset.ts';
import { matrixOf, type Proof } from '../prove.ts';

/** What `npm run zones -- --json` prints; docs/proof.md documents it. Exceptions are printed beside it. */
interface ProofJson {
  ok: boolean;
  /** What is there beside what the declaration yields. */
  additions: { resource: string; type: string; stack: string }[];
  /** What was read of each function's code: physical name, and the digest of its files. */
  assets: { function: string; sha256: string }[];
  violations: { rule: string; invariant: string; resource: string; message: string; remedy: string }[];
  matrix: {
    principal: string;
    zone: string;
    action: string;
    resource: string;
    verdict: 'never' | 'always' | 'when';
    when: string;
    layers: string[];
  }[];
}

/** The proof as JSON for other programs. */
export function proofAsJson(proof: Proof): ProofJson {
  const { ok, violations, input } = proof;
  return {
    ok,
    additions: [...(input.comparison?.additions ?? [])].map(({ resource, type, stack }) => ({
      resource,
      type,
      stack,
    })),
    assets: input.assembly.resources.flatMap(({ physicalId, assetPath }) =>
      assetPath === undefined ? [] : [{ function: physicalId, sha256: digestOf(readAsset(assetPath)) }],
    ),
    violations: violations.map(({ rule, invariant, resource, message, remedy }) => ({
      ...{ rule, invariant, resource, message, remedy },
    })),
    matrix: matrixOf(proof).map(({ principal, zone, action, resource, verdict, when, layers }) => ({
      ...{ principal, zone, action, resource, verdict, when, layers: [...layers] },
    })),
  };
}
