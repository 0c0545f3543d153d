import {
  AccountRootPrincipal,
  PolicyDocument,
  type PolicyStatement,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { KEY_ADMINISTRATION } from '../key-policy.ts';
import type { Place } from './arns.ts';
import { allow, DATA_KEY_ACTIONS } from './statements.ts';

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
  place: Place;
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
      policy: new PolicyDocument({ statements: dataKeyStatements(props) }),
    });
  }
}

function dataKeyStatements(props: DataKeyProps): PolicyStatement[] {
  const root = [new AccountRootPrincipal()];
  const viaServices = props.services.map((service) => viaService(props.place, service));
  return [
    allow({
      sid: 'Administration',
      principals: root,
      actions: [...KEY_ADMINISTRATION, ...ROTATION_ADMINISTRATION],
      resources: ['*'],
    }),
    ...(viaServices.length > 0
      ? [
          allow({
            sid: 'ThroughServices',
            principals: root,
            actions: [...DATA_KEY_ACTIONS],
            resources: ['*'],
            conditions: { StringEquals: { 'kms:ViaService': viaServices } },
          }),
        ]
      : []),
    ...(props.services.includes(GRANTEE)
      ? [
          allow({
            sid: 'GrantsForTables',
            principals: root,
            actions: ['kms:CreateGrant'],
            resources: ['*'],
            conditions: {
              StringEquals: { 'kms:ViaService': viaService(props.place, GRANTEE) },
              Bool: { 'kms:GrantIsForAWSResource': 'true' },
            },
          }),
        ]
      : []),
    ...(props.logGroups ? [logsStatement(props.place, props.logGroups)] : []),
    ...(props.statements ?? []),
  ];
}

/** `kms:ViaService` of calls that a service makes on behalf of its caller. */
export function viaService({ region }: Place, service: string): string {
  return `${service}.${region}.amazonaws.com`;
}

function logsStatement({ region, account }: Place, logGroups: readonly string[]): PolicyStatement {
  return allow({
    sid: 'Logs',
    principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
    actions: [...DATA_KEY_ACTIONS],
    resources: ['*'],
    conditions: {
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn': logGroups.map(
          (name) => `arn:aws:logs:${region}:${account}:log-group:${name}`,
        ),
      },
    },
  });
}
