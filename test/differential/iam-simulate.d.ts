/** What this test uses of the other implementation; its own types come only with its installation. */
declare module '@cloud-copilot/iam-simulate' {
  interface NamedPolicy {
    name: string;
    policy: unknown;
  }
  interface Simulation {
    request: {
      principal: string;
      action: string;
      resource: { resource: string; accountId: string };
      contextVariables: Record<string, string | string[]>;
    };
    identityPolicies: NamedPolicy[];
    serviceControlPolicies: { orgIdentifier: string; policies: NamedPolicy[] }[];
    resourceControlPolicies: { orgIdentifier: string; policies: NamedPolicy[] }[];
    resourcePolicy?: unknown;
    permissionBoundaryPolicies?: NamedPolicy[];
    vpcEndpointPolicies?: NamedPolicy[];
  }
  type SimulationResult =
    | { resultType: 'error'; errors: { message: string } }
    | { resultType: 'wildcard'; overallResult: string }
    | { resultType: 'single'; overallResult: string; result: { ignoredContextKeys: string[] } };
  export function runSimulation(
    simulation: Simulation,
    options: Record<string, never>,
  ): Promise<SimulationResult>;
}
