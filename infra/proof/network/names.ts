import { type JsonObject, listOf, objectOf, stringsOf } from '../assembly/json.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../assembly/resolve.ts';

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
  const ofType = (type: string) => resourcesOfType(assembly, `AWS::Route53Resolver::${type}`);
  const found = (type: string, id: unknown) => ofType(type).filter(({ physicalId }) => physicalId === id);
  const associations = ofType('FirewallRuleGroupAssociation').map(({ properties }) => properties);
  const rules = associations
    .filter(({ VpcId }) => VpcId === vpc)
    .sort(byPriority)
    .flatMap(({ FirewallRuleGroupId: id }) => found('FirewallRuleGroup', id))
    .flatMap(({ properties }) => listOf(properties.FirewallRules).map(objectOf).sort(byPriority));
  const others = resourcesOfType(assembly, 'AWS::EC2::VPC').map(({ physicalId }) => physicalId);
  // A configuration of a VPC that is not in the templates may be this one's.
  const failsOpen = ofType('FirewallConfig').some(
    ({ properties: { FirewallFailOpen, ResourceId: of } }) =>
      FirewallFailOpen !== 'DISABLED' && !others.some((other) => other !== vpc && other === of),
  );
  const allowed: string[] = [];
  for (const { Action, FirewallDomainListId, Qtype } of rules) {
    const domains = found('FirewallDomainList', FirewallDomainListId).flatMap(domainsOf);
    // A rule for some record types only leaves the others as they were.
    if (Action === 'BLOCK' && domains.includes('*') && Qtype === undefined)
      return { names: allowed, failsOpen };
    if (Action !== 'BLOCK') allowed.push(...domains);
  }
  return { names: 'every name', failsOpen };
}

function byPriority(a: JsonObject, b: JsonObject): number {
  return Number(a.Priority) - Number(b.Priority);
}

function domainsOf({ properties: { Domains } }: ResolvedResource): string[] {
  return Domains === undefined ? ['*'] : stringsOf(Domains).map((name) => name.replace(/\.$/, ''));
}
