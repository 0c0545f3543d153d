import { ManagedPolicy, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { deny } from './statements.ts';

/**
 * The permissions boundary of the roles of a zone (or `signing`), or of a group of its functions (`boundaryGroup`): what any of them may
 * ever do, whatever is attached to it later. What it allows comes of the same list of uses as the roles' own policies, of all functions of
 * the group: it holds what is attached to a role by hand or by CDK, not a mistake in that list, which the proof's rules look for.
 */
export class PermissionsBoundary extends ManagedPolicy {
  constructor(scope: Construct, id: string, managedPolicyName: string, own: readonly PolicyStatement[]) {
    // Present on every call that a function's code makes, absent on Lambda's own.
    const onlyOfCode = { Null: { 'lambda:SourceFunctionArn': 'false' } };
    const statements = [...own, deny('NoInterfacesForCode', 'ec2:*', '*', onlyOfCode)];
    // No description: another one would replace the policy, whose name is taken.
    super(scope, id, { managedPolicyName, statements });
  }
}
