import { join } from 'node:path';
import { required } from '@helseid-zones/protocol/values';
import { type Duration, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundleFunction } from '../bundling.ts';
import type { ForeignCode } from '../declaration/runtimes.ts';
import { copyCode } from '../foreign-code.ts';
import { functionArn, logStreamsArn } from './arns.ts';
import { refuseForeignGrants } from './grants.ts';
import { allowRunning, deny, INTERFACE_ACTIONS } from './statements.ts';
import type { ZoneNetwork } from './zone-network.ts';

/** What all functions of one zone have in common. */
export interface ZoneRuntime {
  network: ZoneNetwork;
  boundary: iam.IManagedPolicy;
  /** Encrypts the logs. */
  key: IKey;
  /** Prefix of the zone's log groups. */
  logPrefix: string;
}

/** What its zone has, and what one function has of its own. */
export interface ZoneFunctionProps extends ZoneRuntime {
  /** Physical name, of the role too. */
  name: string;
  /** Where the declaration says of it what it has; its name for those that the system places. */
  field?: string;
  /** Folder below `functions/`. */
  entry: string;
  /** Its code, where it is in another language: then neither `entry` nor `files` are deployed. */
  foreignCode?: ForeignCode | undefined;
  /** JSON files beside the bundle. */
  files: Readonly<Record<string, unknown>>;
  /** Whether webhooks lead to it, whose guard runs first. */
  guarded?: boolean;
  /** Ids of AWS resources; everything else lies in the files. */
  environment: Readonly<Record<string, string>>;
  /** What its role may do beyond running. */
  statements: readonly iam.PolicyStatement[];
  timeout: Duration;
  /** MB (default 512). */
  memory?: number | undefined;
  /** Reserved concurrency; absent: what the account has left. */
  concurrency?: number | undefined;
  retention: RetentionDays;
  /** Whether its logs outlive the stack (the audit of signatures does). */
  keepLogs?: boolean;
}

/** Context value under which functions are made without their code: with `none`, or with the `files` beside it. */
export const WITHOUT_CODE = 'helseid-zones:without-code';

/** A function in its zone's VPC with a role of its own under the zone's boundary, and a log group with an end and a key. */
export class ZoneFunction extends Construct {
  /** What Lambda runs. */
  readonly handler: lambda.Function;

  constructor(scope: Construct, id: string, props: ZoneFunctionProps) {
    super(scope, id);
    const { network, name, foreignCode: foreign } = props;
    const place = Stack.of(this);
    const logGroupName = `${props.logPrefix}/${name}`;
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName,
      retention: props.retention,
      encryptionKey: props.key,
      removalPolicy: props.keepLogs ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    // Its own code could otherwise reach into another zone's subnets.
    const ofCode = deny('NoInterfacesForCode', INTERFACE_ACTIONS, '*', {
      ArnEquals: { 'lambda:SourceFunctionArn': functionArn(place, name) },
    });
    const statements = [...allowRunning(logStreamsArn(place, logGroupName)), ofCode, ...props.statements];
    const role = new iam.Role(this, 'Role', {
      roleName: name,
      description: `Role of ${name} and of nothing else.`,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      permissionsBoundary: props.boundary,
      inlinePolicies: { own: new iam.PolicyDocument({ statements }) },
    });
    // Within the cloud assembly, which is one synth's own: no other writes there at the same time.
    const bundles = join(required(Stage.of(this), 'The app of a function').outdir, 'bundles');
    const left: unknown = this.node.tryGetContext(WITHOUT_CODE);
    const entry = left === 'files' ? undefined : props.entry;
    const bundle = () =>
      foreign
        ? copyCode(bundles, name, foreign)
        : bundleFunction(bundles, name, entry, props.files, props.guarded);
    this.handler = new lambda.Function(this, 'Function', {
      functionName: name,
      // Inline code stands for what is left out, in any language.
      runtime: foreign
        ? new lambda.Runtime(foreign.runtime, undefined, { supportsInlineCode: true })
        : lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: foreign?.handler ?? 'index.handler',
      code:
        left === 'none' || (foreign && left === 'files')
          ? lambda.Code.fromInline('none')
          : lambda.Code.fromAsset(bundle()),
      role: refuseForeignGrants(role, statements, props.field ?? name),
      vpc: network.vpc,
      vpcSubnets: { subnetType: network.subnetType },
      securityGroups: [network.functionGroup],
      // Traces name our files and lines, by the map in the asset.
      environment: { ...(foreign ? {} : { NODE_OPTIONS: '--enable-source-maps' }), ...props.environment },
      timeout: props.timeout,
      memorySize: props.memory ?? 512,
      ...(props.concurrency === undefined ? {} : { reservedConcurrentExecutions: props.concurrency }),
      tracing: lambda.Tracing.ACTIVE,
      logGroup,
      // Text is shipped as it is; of JSON Lambda drops what is below a level that anybody may set.
      loggingFormat: lambda.LoggingFormat.TEXT,
    });
  }
}
