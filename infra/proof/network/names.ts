import { type JsonObject, listOf, objectOf, stringsOf } from '../assembly/json.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../assembly/resolve.ts';

/**
 * What the resolver of each VPC answers under its DNS Firewall (Route 53 Resolver; rules by priority, the first
 * that matches decides). A VPC without a rule that blocks `*` is answered everything.
 * While the firewall itself fails, AWS's default is to answer nothing; what would change that is of a type that is not understood.
 * Limits names asked of the resolver only: a connection to an address passes it (docs/decisions/egress.md).
 */
export function readAnsweredNames(assembly: ResolvedAssembly, vpc: string): 'every name' | readonly string[] {
  const ofType = (type: string) => resourcesOfType(assembly, `AWS::Route53Resolver::${type}`);
  const found = (type: string, id: unknown) => ofType(type).filter(({ physicalId }) => physicalId === id);
  const associations = ofType('FirewallRuleGroupAssociation').map(({ properties }) => properties);
  const rules = associations
    .filter(({ VpcId }) => VpcId === vpc)
    .sort(byPriority)
    .flatMap(({ FirewallRuleGroupId: id }) => found('FirewallRuleGroup', id))
    .flatMap(({ properties }) => listOf(properties.FirewallRules).map(objectOf).sort(byPriority));
  const allowed: string[] = [];
  for (const { Action, FirewallDomainListId, Qtype } of rules) {
    const domains = found('FirewallDomainList', FirewallDomainListId).flatMap(domainsOf);
    // A rule for some record types only leaves the others as they were.
    if (Action === 'BLOCK' && domains.includes('*') && Qtype === undefined) return allowed;
    if (Action !== 'BLOCK') allowed.push(...domains);
  }
  return 'every name';
}

function byPriority(a: JsonObject, b: JsonObject): number {
  return Number(a.Priority) - Number(b.Priority);
}

function domainsOf({ properties: { Domains } }: ResolvedResource): string[] {
  return Domains === undefined ? ['*'] : stringsOf(Domains).map((name) => name.replace(/\.$/, ''));
}
