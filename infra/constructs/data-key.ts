import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, PolicyDocument, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { KEY_ADMINISTRATION } from '../render-key-policy.ts';
import { type Place, serviceHost } from './arns.ts';
import { allowTo, DATA_KEY_ACTIONS } from './statements.ts';

/** What administrators may do with a zone's data key beside what they may do with any: see to its yearly rotation. */
const ROTATION_ADMINISTRATION = [
  'kms:DisableKeyRotation',
  'kms:EnableKeyRotation',
  'kms:GetKeyRotationStatus',
] as const;

/** The one service here that takes a grant, from whoever makes a table. */
const GRANTEE = 'dynamodb';

/** What a data key is made for. */
export interface DataKeyProps {
  description: string;
  /** Whether what it encrypts outlives the stack, so that the key must too. */
  keep: boolean;
  /** Names of the log groups it encrypts; each may end in `*`. */
  logGroups?: readonly string[];
  /** Services that use it on behalf of their callers, e.g. `dynamodb`. */
  services: readonly string[];
  /** Statements for services that use it in their own name. */
  statements?: readonly PolicyStatement[];
}

/**
 * A zone's own key for its logs, queues, tables or records. Nobody can use it directly: only through the named services, for
 * callers whose identity policy says so, and CloudWatch Logs for the zone's log groups.
 */
export class DataKey extends Key {
  constructor(scope: Construct, id: string, props: DataKeyProps) {
    super(scope, id, {
      description: props.description,
      enableKeyRotation: true,
      removalPolicy: props.keep ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      policy: new PolicyDocument({ statements: dataKeyStatements(Stack.of(scope), props) }),
    });
  }
}

function dataKeyStatements(place: Place, { services, logGroups, statements = [] }: DataKeyProps) {
  const root = new AccountRootPrincipal();
  const { region, account } = place;
  const through = services.map((service) => serviceHost(place, service));
  const logs = logGroups?.map((name) => `arn:aws:logs:${region}:${account}:log-group:${name}`);
  const via = (service: string | string[]) => ({ StringEquals: { 'kms:ViaService': service } });
  const grant = { ...via(serviceHost(place, GRANTEE)), Bool: { 'kms:GrantIsForAWSResource': 'true' } };
  const ofLogs = { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': logs } };
  return [
    allowTo(root, 'Administration', [...KEY_ADMINISTRATION, ...ROTATION_ADMINISTRATION], '*'),
    ...(through.length > 0 ? [allowTo(root, 'ThroughServices', DATA_KEY_ACTIONS, '*', via(through))] : []),
    ...(services.includes(GRANTEE) ? [allowTo(root, 'GrantsForTables', 'kms:CreateGrant', '*', grant)] : []),
    ...(logs ? [allowTo(serviceHost(place, 'logs'), 'Logs', DATA_KEY_ACTIONS, '*', ofLogs)] : []),
    ...statements,
  ];
}
