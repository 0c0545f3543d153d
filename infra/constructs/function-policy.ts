import { DefaultStackSynthesizer, Fn, Stack } from 'aws-cdk-lib';
import { ArnPrincipal, CompositePrincipal, PolicyDocument } from 'aws-cdk-lib/aws-iam';
import { CfnResourcePolicy } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { askingRoles, type CallTarget } from '../declaration/names.ts';
import { allowTo, denyEverybody } from './statements.ts';
import type { ZoneFacts } from './zone-policies.ts';

/** Who may invoke a signer or a tokens function, from where, and who may change it. */
export interface FunctionPolicyProps {
  /** Its unqualified ARN. */
  asked: string;
  /** ARNs of the roles that ask it; none: nobody may. */
  askers: readonly string[];
  /** The zone's endpoint for Lambda; or its account, where that is another one, whose endpoints this stack can't refer to. */
  from: { 'aws:SourceVpce': string } | { 'aws:VpceAccount': string } | undefined;
  /** ARNs of the declared roles that may change it, beside the one that CloudFormation deploys with. */
  deployers: readonly string[];
}

/**
 * What changes a function, or leads to it by another way. Never what puts or deletes this policy, nor what deletes the function: nobody
 * shall lock himself out, and whoever may do these is not held by it.
 */
const CHANGES =
  `AddPermission CreateAlias CreateFunctionUrlConfig DeleteFunctionEventInvokeConfig DeleteFunctionUrlConfig
  PublishVersion PutFunctionEventInvokeConfig UpdateFunctionCode UpdateFunctionConfiguration
  UpdateFunctionEventInvokeConfig UpdateFunctionUrlConfig`
    .split(/\s+/)
    .map((name) => `lambda:${name}`);

/**
 * The own policy of a signer or a tokens function (invariant I2): whatever an account's other principals are allowed, it is invoked by the
 * roles of its zone that ask it, and only through its zone's endpoint, each Deny alone; versions and aliases too. Lambda does not ask it for event source mappings.
 * {@link https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html}
 */
export class FunctionPolicy extends CfnResourcePolicy {
  constructor(scope: Construct, id: string, { asked, askers, from, deployers }: FunctionPolicyProps) {
    const everywhere = [asked, `${asked}:*`];
    // Also by the old InvokeAsync, which is an action of its own.
    const invoke = 'lambda:Invoke*';
    const deployed = butFor([executionRole(scope), ...deployers]);
    const statements = [
      denyEverybody('OnlyItsZone', invoke, everywhere, butFor(askers)),
      denyEverybody('OnlyDeploysChangeIt', CHANGES, everywhere, deployed),
    ];
    if (from)
      statements.push(denyEverybody('OnlyFromItsZone', invoke, everywhere, { StringNotEquals: from }));
    // Callers of another account need an Allow on this side as well.
    if (from && 'aws:VpceAccount' in from && askers.length > 0) {
      const zone = new CompositePrincipal(...askers.map((role) => new ArnPrincipal(role)));
      statements.push(allowTo(zone, 'Zone', 'lambda:InvokeFunction', asked));
    }
    super(scope, id, { resourceArn: asked, policyDocument: new PolicyDocument({ statements }) });
  }
}

/**
 * The policy of a function that a zone asks, in the zone's stack, where its endpoint is; those of the signers of a zone in another
 * account lie with them.
 */
export function addFunctionPolicy(
  scope: Construct,
  id: string,
  facts: ZoneFacts,
  who: CallTarget,
  asked: string,
) {
  const { system, zone, declared, place, network } = facts;
  const from = network.has('lambda') ? { 'aws:SourceVpce': network.endpointId('lambda') } : undefined;
  const askers = askingRoles(system.name, zone, declared, place.account, who);
  new FunctionPolicy(scope, id, { asked, askers, from, deployers: system.signing.deployers });
}

const butFor = (roles: readonly string[]) =>
  roles.length === 0 ? {} : { ArnNotEquals: { 'aws:PrincipalArn': roles } };

/** The role that CloudFormation deploys the construct's stack with: every stack of a system has one like it. */
function executionRole(scope: Construct): string {
  const { synthesizer } = Stack.of(scope);
  if (!(synthesizer instanceof DefaultStackSynthesizer))
    throw new TypeError('a stack of another synthesizer names no role that CloudFormation deploys it with');
  return Fn.sub(synthesizer.cloudFormationExecutionRoleArn);
}
