import { ManagedPolicy, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { boundaryName } from '../declaration/names.ts';
import { deny } from './statements.ts';

/** Whose boundary it is, and what it allows. */
export interface PermissionsBoundaryProps {
  system: string;
  /** Zone, or `signing`. */
  zone: string;
  /** Group of functions that it is for (`boundaryGroup`); absent: the zone's roles that are of none. */
  group?: string;
  statements: readonly PolicyStatement[];
}

/**
 * The permissions boundary of the roles of a zone: what any of them may ever do, whatever is attached to it later.
 * Written apart from the roles' own policies on purpose, so that widening one does not widen the other.
 */
export class PermissionsBoundary extends ManagedPolicy {
  constructor(scope: Construct, id: string, { system, zone, group, statements }: PermissionsBoundaryProps) {
    super(scope, id, {
      managedPolicyName: boundaryName(system, zone, group),
      // No description: another one would replace the policy, whose name is taken.
      statements: [
        ...statements,
        // Present on every call that a function's code makes, absent on Lambda's own.
        deny('NoInterfacesForCode', 'ec2:*', '*', {
          Null: { 'lambda:SourceFunctionArn': 'false' },
        }),
      ],
    });
  }
}
