import {
  CfnFirewallConfig,
  CfnFirewallDomainList,
  CfnFirewallRuleGroup,
  CfnFirewallRuleGroupAssociation,
} from 'aws-cdk-lib/aws-route53resolver';
import type { Construct } from 'constructs';

/**
 * Makes the VPC's resolver answer for `names` only, and for nothing when the firewall itself fails.
 * Limits names asked of the resolver; a connection to an address is another matter (docs/decisions/egress.md).
 */
export function restrictNames(scope: Construct, vpcId: string, names: readonly string[]): void {
  const allowed = new CfnFirewallDomainList(scope, 'AllowedNames', { domains: [...names] });
  const everything = new CfnFirewallDomainList(scope, 'EveryName', { domains: ['*'] });
  const rules = new CfnFirewallRuleGroup(scope, 'NameRules', {
    firewallRules: [
      {
        priority: 100,
        action: 'ALLOW',
        firewallDomainListId: allowed.attrId,
        // Hosts of others sit behind CNAMEs that change; without this, each hop would have to be on the list.
        firewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
      },
      { priority: 200, action: 'BLOCK', blockResponse: 'NXDOMAIN', firewallDomainListId: everything.attrId },
    ],
  });
  new CfnFirewallRuleGroupAssociation(scope, 'NameRulesOfVpc', {
    firewallRuleGroupId: rules.attrId,
    vpcId,
    priority: 101,
  });
  new CfnFirewallConfig(scope, 'NamesFailClosed', { resourceId: vpcId, firewallFailOpen: 'DISABLED' });
}
