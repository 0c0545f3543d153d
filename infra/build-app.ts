import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { DISABLE_CREATION_STACK_TRACES } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import { compileHandlers } from './bundling.ts';
import type { Place } from './constructs/arns.ts';
import { WITHOUT_CODE } from './constructs/zone-function.ts';
import { sharedStackNames, zoneStackName } from './declaration/names.ts';
import { compiledFunctions } from './declaration/runtimes.ts';
import type { SystemDeclaration, ZoneDeclaration } from './declaration/schema.ts';
import { applyExtension, type Extension, type ZoneConstructs } from './extension.ts';
import { GatewayAccountStack } from './stacks/gateway-account.ts';
import { SigningStack } from './stacks/signing.ts';
import { type SystemProps, TEMPLATE_CONTEXT } from './stacks/system-stack.ts';
import { ZoneStack } from './stacks/zone.ts';

/** Where and how to synthesize. */
export interface BuildOptions {
  /** The signing zone's account, and of every zone that names none. Absent: the declared one, else whichever it is deployed to. */
  account?: string;
  /** The region of all zones. Absent: the declared one, else whichever it is deployed to. */
  region?: string;
  /** Where the cloud assembly is written. Absent: where the CDK command line says. */
  outdir?: string;
  /** Whether templates are checked against CloudFormation's schemas, and it is written down which line of code made what (default true); takes more than a second. */
  checkTemplates?: boolean;
  /** Ids of the constructs that the stacks lie below, for an assembly that is to be like an application's (default: none). */
  path?: readonly string[];
  /** Whether functions have their code (default true); the proof's own derivation goes without, or has the files beside the code alone. */
  withCode?: boolean | 'files';
  /** Constructs of one's own, beside the declaration's (`loadExtension`); `false`: the declaration's alone, as the proof compares with. */
  extension?: Extension | false | undefined;
  /** Told what the extension added: CloudFormation type by path. */
  onAdditions?(added: ReadonlyMap<string, string>): void;
}

/** The file of a cloud assembly that holds its declaration, validated, as JSON. */
export const DECLARATION_FILE = 'declaration.json';

/**
 * Makes an app of all stacks of a system; `app.synth()` writes them. Expects a declaration that `defineSystem` has validated.
 * @throws as {@link addSystem}
 */
export function buildApp(system: SystemDeclaration, options: BuildOptions = {}): App {
  const { checkTemplates = true, withCode = true, extension, onAdditions = () => {} } = options;
  const app = new App({
    analyticsReporting: false,
    builtinCloudFormationValidation: checkTemplates,
    treeMetadata: checkTemplates,
    context: {
      ...TEMPLATE_CONTEXT,
      ...(checkTemplates ? {} : { [DISABLE_CREATION_STACK_TRACES]: true }),
      ...(withCode === true ? {} : { [WITHOUT_CODE]: withCode || 'none' }),
    },
    postCliContext: TEMPLATE_CONTEXT,
    ...(options.outdir ? { outdir: options.outdir } : {}),
  });
  // A scope of an application has names of its own, which the path of a construct begins with.
  const scope = (options.path ?? []).reduce<Construct>((above, id) => new Construct(above, id), app);
  const zones = addSystem(scope, system, placeOf(options));
  if (extension !== false) onAdditions(applyExtension(app, system, zones, extension));
  // What the assembly was made from, for whoever compares it with another one.
  writeFileSync(join(app.outdir, DECLARATION_FILE), JSON.stringify(system));
  return app;
}

/**
 * Adds all stacks of a system to a scope: an app, a Stage of one, or any construct. Their templates are the same everywhere, since
 * they take nothing from the application's context; give it `boundaryPlugin` too. Names are the system's, so each Stage needs
 * a declaration of another name or account. Returns what each zone gives to constructs of the application's own. Account and region are those of the Stage, unless declared or given. Expects a
 * declaration that `defineSystem` has validated.
 * @throws {ZonesError} declaration_invalid: a zone names an account and none is given for the signing zone; config_invalid: a
 * function has no handler; `region_unsupported`: another partition than `aws`
 */
export function addSystem(
  scope: Construct,
  system: SystemDeclaration,
  given: Pick<BuildOptions, 'account' | 'region'> = {},
): Readonly<Record<string, ZoneConstructs>> {
  const options = { ...placeOf(Stage.of(scope) ?? {}), ...placeOf(system), ...given };
  refuseOtherPartitions(options.region);
  if (scope.node.tryGetContext(WITHOUT_CODE) === undefined)
    compileHandlers(['signer', ...Object.values(system.zones).flatMap(compiledFunctions)]);
  const ofSigning = { system, env: placeOf(options) };
  const signing = new SigningStack(scope, sharedStackNames(system.name).signing, ofSigning);
  const zones: Record<string, ZoneConstructs> = {};
  for (const [zone, declared] of Object.entries(system.zones)) {
    const own = zoneAccount(zone, declared, options);
    const props = { system, env: placeOf({ ...options, account: own }) };
    const ofZone = { ...props, zone, declared, signing };
    const stack = new ZoneStack(scope, zoneStackName(system.name, zone), ofZone);
    zones[zone] = stack.constructs;
    // Permissions of signers for another account name that account's roles, which must exist by then.
    if (own !== options.account) signing.addStackDependency(stack);
    if (declared.gateway && system.apiGatewayAccount)
      stack.addStackDependency(gatewayAccount(scope, stack.account === signing.account, props));
  }
  return zones;
}

/**
 * The stage that the CDK command line was told: `-c stage=NAME`, or `context` in cdk.json.
 * @throws {ZonesError} config_invalid: it is no text
 */
export function stageFromContext(): string | undefined {
  // The CDK's own reading: a large context comes in a file.
  const stage: unknown = new App({ autoSynth: false }).node.tryGetContext('stage');
  if (stage === undefined || typeof stage === 'string') return stage;
  const message = `The context value stage is ${JSON.stringify(stage)}: name a stage.`;
  throw new ZonesError('config_invalid', message);
}

/** What the CDK command line takes for a region where none is configured. */
const CDK_FALLBACK = 'us-east-1';

/**
 * The declared account and region, else as the CDK command line hands them on. Without credentials it knows no account, and
 * templates fit any. The command line itself refuses to deploy to an account that the credentials don't reach.
 * @throws {ZonesError} region_unsupported: an account is known, and the region is the command line's own guess
 */
export function placeFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  system: SystemDeclaration,
): Pick<BuildOptions, 'account' | 'region'> {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = environment;
  const declared = placeOf(system);
  if (!account || !region) return declared;
  const chosen = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (!declared.region && region === CDK_FALLBACK && chosen !== region)
    throw new ZonesError(
      'region_unsupported',
      `The region is ${region}, which the CDK command line takes where none is configured: set AWS_REGION, also if you mean ${region}.`,
      { facts: { region } },
    );
  return { account, region, ...declared };
}

/** What is known of an account and a region. */
export function placeOf({ account, region }: { [Part in keyof Place]?: string | undefined }): Partial<Place> {
  return { ...(account ? { account } : {}), ...(region ? { region } : {}) };
}

/** Regions of the partition `aws`: those of others have a word of their own (`cn-`, `us-gov-`, `eusc-`). */
const REGIONS = /^(?:af|ap|ca|eu|il|me|mx|sa|us)-(?:north|south|east|west|central){1,2}-\d$/;

function refuseOtherPartitions(region: string | undefined): void {
  if (region !== undefined && !REGIONS.test(region))
    throw new ZonesError(
      'region_unsupported',
      `${region} is no region of the partition aws. ARNs, endpoint names and the proof are written for that one: choose a region such as eu-north-1 (AWS_REGION, or the profile's).`,
      { facts: { region } },
    );
}

function zoneAccount(zone: string, declared: ZoneDeclaration, options: BuildOptions): string | undefined {
  if (declared.account && !options.account)
    throw new ZonesError(
      'declaration_invalid',
      `zones.${zone}.account is set, so the signing zone's account must be known: declare account, or synthesize with CDK_DEFAULT_ACCOUNT set or with --profile.`,
    );
  return declared.account ?? options.account;
}

/** One stack an account that has a gateway; its id names the account where that is not the signing zone's. */
function gatewayAccount(scope: Construct, isOfSigning: boolean, props: SystemProps): Stack {
  const name = sharedStackNames(props.system.name).gateway;
  const id = isOfSigning ? name : `${name}-${props.env?.account}`;
  const existing = scope.node.tryFindChild(id);
  return existing instanceof Stack ? existing : new GatewayAccountStack(scope, id, props);
}
