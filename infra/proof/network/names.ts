import { listOf, objectOf, stringsOf } from '../assembly/json.ts';
import { type ResolvedAssembly, resourcesOfType } from '../assembly/resolve.ts';

/** What a VPC's resolver answers: a list of names, or everything. */
interface AnsweredNames {
  names: 'every name' | readonly string[];
  /** Whether something makes it answer everything when the firewall itself fails; AWS's default is to answer nothing then. */
  failsOpen: boolean;
}

/**
 * What the resolver of each VPC answers under its DNS Firewall (Route 53 Resolver; rules by priority, the first
 * that matches decides). A VPC without a rule that blocks `*` is answered everything.
 * Limits names asked of the resolver only: a connection to an address passes it (docs/decisions/egress.md).
 */
export function readAnsweredNames(assembly: ResolvedAssembly, vpc: string): AnsweredNames {
  const groups = resourcesOfType(assembly, 'AWS::Route53Resolver::FirewallRuleGroupAssociation')
    .filter(({ properties }) => properties.VpcId === vpc)
    .sort((a, b) => Number(a.properties.Priority) - Number(b.properties.Priority))
    .map(({ properties }) => properties.FirewallRuleGroupId);
  const rules = groups.flatMap((id) =>
    resourcesOfType(assembly, 'AWS::Route53Resolver::FirewallRuleGroup')
      .filter((group) => group.physicalId === id)
      .flatMap(({ properties }) => listOf(properties.FirewallRules).map(objectOf))
      .sort((a, b) => Number(a.Priority) - Number(b.Priority)),
  );
  const others = resourcesOfType(assembly, 'AWS::EC2::VPC').filter(({ physicalId }) => physicalId !== vpc);
  // A configuration of a VPC that is not in the templates may be this one's.
  const failsOpen = resourcesOfType(assembly, 'AWS::Route53Resolver::FirewallConfig').some(
    ({ properties }) =>
      properties.FirewallFailOpen !== 'DISABLED' &&
      !others.some(({ physicalId }) => physicalId === properties.ResourceId),
  );
  const allowed: string[] = [];
  for (const rule of rules) {
    const domains = domainsOf(assembly, rule.FirewallDomainListId);
    // A rule for some record types only leaves the others as they were.
    if (rule.Action === 'BLOCK' && domains.includes('*') && rule.Qtype === undefined)
      return { names: allowed, failsOpen };
    if (rule.Action !== 'BLOCK') allowed.push(...domains);
  }
  return { names: 'every name', failsOpen };
}

function domainsOf(assembly: ResolvedAssembly, list: unknown): string[] {
  return resourcesOfType(assembly, 'AWS::Route53Resolver::FirewallDomainList')
    .filter((resource) => resource.physicalId === list)
    .flatMap(({ properties }) =>
      properties.Domains === undefined
        ? ['*']
        : stringsOf(properties.Domains).map((name) => name.replace(/\.$/, '')),
    );
}
