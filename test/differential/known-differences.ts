import type { Context } from '../../infra/proof/policy/index.ts';
import type { Case, Document } from '../infra/proof/policy/arbitrary.ts';

/**
 * Where the two implementations differ for a reason that docs/decisions/differential.md gives, with AWS's
 * documentation as judge. Each says when the difference may show; such a case is left out of the comparison.
 */
export const KNOWN_DIFFERENCES: Readonly<Record<string, (given: Case, context: Context) => boolean>> = {
  'session-policy-and-direct-grant': ({ principal, session, resourcePolicy }) =>
    principal === 'session' && session !== undefined && namesSession(resourcePolicy),
  'not-resource-with-a-variable-without-value': (given, context) =>
    !('aws:PrincipalTag/folder' in context) &&
    documentsOf(given).some(({ Statement }) =>
      Statement.some(({ NotResource }) => JSON.stringify(NotResource ?? '').includes('${')),
    ),
  'set-operator-with-if-exists': (given, context) =>
    documentsOf(given).some((document) => hasAbsentAnyValueIfExists(document, context)),
};

/** Whether a statement of a resource policy grants to the session itself or to everybody. */
function namesSession(policy: Document | undefined): boolean {
  return (policy?.Statement ?? []).some(
    ({ Effect, Principal }) =>
      Effect === 'Allow' && (Principal === '*' || JSON.stringify(Principal).includes(':assumed-role/')),
  );
}

function documentsOf(given: Case): Document[] {
  const { identity, boundary, session, resourcePolicy, endpointPolicy, serviceControls, resourceControls } =
    given;
  return [
    ...identity,
    boundary,
    session,
    resourcePolicy,
    endpointPolicy,
    ...serviceControls,
    ...resourceControls,
  ].filter((document) => document !== undefined);
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
