import type { Context } from '../../infra/proof/policy/index.ts';
import type { Case, Document } from '../infra/proof/policy/arbitrary.ts';

/**
 * Where the two implementations differ for a reason that docs/decisions/differential.md gives, with AWS's
 * documentation as judge. Each says when the difference may show; such a case is left out of the comparison.
 */
export const KNOWN_DIFFERENCES: Readonly<Record<string, (given: Case, context: Context) => boolean>> = {
  'set-operator-with-if-exists': (given, context) =>
    documentsOf(given).some((document) => hasAbsentAnyValueIfExists(document, context)),
};

function documentsOf({ identity, boundary, resourcePolicy, endpointPolicy }: Case): Document[] {
  return [...identity, boundary, resourcePolicy, endpointPolicy].filter((document) => document !== undefined);
}

function hasAbsentAnyValueIfExists({ Statement }: Document, context: Context): boolean {
  return Statement.some(({ Condition }) =>
    Object.entries(Condition ?? {}).some(
      ([operator, keys]) =>
        /^ForAnyValue:.*IfExists$/.test(operator) &&
        Object.keys(keys as object).some((key) => !(key in context)),
    ),
  );
}
