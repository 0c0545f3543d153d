import { ManagedPolicy, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { boundaryName } from '../declaration/names.ts';
import { deny, INTERFACE_ACTIONS } from './statements.ts';

/** Whose boundary it is, and what it allows. */
export interface PermissionsBoundaryProps {
  system: string;
  /** Zone, or `signing`. */
  zone: string;
  statements: readonly PolicyStatement[];
}

/**
 * The permissions boundary of every role of a zone: what any of them may ever do, whatever is attached to it later.
 * Written apart from the roles' own policies on purpose, so that widening one does not widen the other.
 */
export class PermissionsBoundary extends ManagedPolicy {
  constructor(scope: Construct, id: string, { system, zone, statements }: PermissionsBoundaryProps) {
    super(scope, id, {
      managedPolicyName: boundaryName(system, zone),
      description: `The most that a role of zone ${zone} of ${system} can be allowed.`,
      statements: [
        ...statements,
        // Present on every call that a function's code makes, absent on Lambda's own.
        deny('NoInterfacesForCode', INTERFACE_ACTIONS, '*', {
          Null: { 'lambda:SourceFunctionArn': 'false' },
        }),
      ],
    });
  }
}
