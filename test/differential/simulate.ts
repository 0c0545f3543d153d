import { runSimulation } from '@cloud-copilot/iam-simulate';
import type { Context } from '../../infra/proof/policy/request.ts';
import {
  ACCOUNT,
  type Case,
  type Document,
  ENDPOINT,
  ROLE,
  SESSION,
} from '../infra/proof/policy/arbitrary.ts';

/** What the other implementation makes of a case: whether it allows, and the keys it says AWS would not put into such a request. */
export interface Simulated {
  allowed: boolean;
  ignoredKeys: readonly string[];
}

const named = (prefix: string) => (policy: Document, index: number) => ({
  name: `${prefix} ${index}`,
  policy,
});

/** The case with one context, as the other implementation takes it. */
function simulationOf(given: Case, context: Context): Parameters<typeof runSimulation>[0] {
  const isSession = given.principal === 'session';
  const through = context['aws:SourceVpce'];
  return {
    request: {
      principal: isSession
        ? `arn:aws:sts::${ACCOUNT}:assumed-role/journal-signer/${SESSION}`
        : 'events.amazonaws.com',
      action: given.action,
      resource: { resource: given.resource, accountId: given.resource.split(':')[4] || ACCOUNT },
      contextVariables: { ...(isSession ? { 'aws:PrincipalArn': ROLE } : {}), ...present(context) },
    },
    identityPolicies: isSession ? given.identity.map(named('identity')) : [],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(given.resourcePolicy === undefined ? {} : { resourcePolicy: given.resourcePolicy }),
    ...(isSession && given.boundary !== undefined
      ? { permissionBoundaryPolicies: [{ name: 'boundary', policy: given.boundary }] }
      : {}),
    ...(through === ENDPOINT && given.endpointPolicy !== undefined
      ? { vpcEndpointPolicies: [{ name: 'endpoint', policy: given.endpointPolicy }] }
      : {}),
  };
}

/** Asks the other implementation. Throws with its message when it refuses the case itself. */
export async function simulate(given: Case, context: Context): Promise<Simulated> {
  const result = await runSimulation(simulationOf(given, context), {});
  if (result.resultType === 'error')
    throw new Error(`iam-simulate refuses the case: ${JSON.stringify(result.errors)}`);
  return {
    allowed: result.overallResult === 'Allowed',
    ignoredKeys: result.resultType === 'single' ? result.result.ignoredContextKeys : [],
  };
}

function present(context: Context): Record<string, string | string[]> {
  const entries = Object.entries(context).flatMap(([key, value]): [string, string | string[]][] =>
    value === null ? [] : [[key, typeof value === 'string' ? value : [...value]]],
  );
  return Object.fromEntries(entries);
}
