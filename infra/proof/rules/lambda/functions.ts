import { listOf, objectOf, stringOf } from '../../assembly/json.ts';
import { resourcesOfType } from '../../assembly/resolve.ts';
import { NO_ZONE } from '../actors.ts';
import { actionsOf, type CapabilityRule, capabilityRule, requirement } from '../capability.ts';
import { type Rule, resourceRule } from '../rule.ts';
import { variablesOf } from '../targets.ts';

const FUNCTIONS = ['AWS::Lambda::Function'];

/** Every function has a role of its own, of its own name, in its own stack: IAM tells functions apart by nothing else. */
export const functionsHaveOwnRoles: Rule = resourceRule({
  name: 'functions-have-own-roles',
  invariant: 'I2',
  title: 'Every function has a role of its own, with its own name, from its own stack.',
  of: FUNCTIONS,
  problems: ({ constructPath, physicalId, stack, properties: { Role } }, { assembly, actors }) => {
    const role = actors.find((actor) => actor.role.arn === Role);
    const sharers = resourcesOfType(assembly, 'AWS::Lambda::Function').filter(
      (other) => other.properties.Role === Role && other.constructPath !== constructPath,
    );
    return [
      role === undefined && 'has a role that is not in the templates',
      role !== undefined && role.stack !== stack && `has the role ${role.name} of ${role.stack}`,
      role !== undefined && role.name !== physicalId && `has the role ${role.name}, which is not of its name`,
      ...sharers.map((other) => `shares its role with ${other.physicalId}`),
    ];
  },
  subject: ({ physicalId }) => `Function ${physicalId}`,
  path: ({ constructPath, properties: { Role } }, { world }) => [
    constructPath,
    world.roles.get(String(Role))?.constructPath ?? String(Role),
    'whatever that role may do',
  ],
  remedy: 'Give the function a role of its own, with the function’s name.',
});

/** Every function runs in subnets of its own zone's VPC, and nowhere else. */
export const functionsInOwnZone: Rule = resourceRule({
  name: 'functions-in-own-zone',
  invariant: 'I4',
  title: "Every function runs in its own zone's VPC, and nowhere else.",
  of: FUNCTIONS,
  problems: (fn, { reach }) => {
    const { zone = NO_ZONE } = fn;
    const zones = reach.find(({ resource }) => resource === fn)?.zones ?? [];
    return [zones.join() !== zone && `belongs to ${zone} and runs in ${zones.join(' and ')}`];
  },
  subject: ({ physicalId }) => physicalId,
  path: (fn, { reach }) => [
    ...[fn.physicalId, 'its network interfaces'],
    ...(reach.find(({ resource }) => resource === fn)?.zones ?? []),
  ],
  remedy: "Place it in subnets of its own zone's VPC. A function in no VPC reaches the whole internet.",
});

/** Properties that put code or files beside what is in a function's asset, or send what it answers elsewhere. */
const PROPERTIES: Readonly<Record<string, string>> = {
  Layers: 'has layers, which are code that the proof does not read',
  FileSystemConfigs: 'mounts a file system',
  DeadLetterConfig: 'sends its failures to a place of its own',
  ImageConfig: 'runs a container image',
  DurableConfig: 'keeps its steps in a store of Lambda’s',
  CapacityProviderConfig: 'runs on managed instances, where one process serves several requests at a time',
};

/** Variables by which other code runs in a function, its calls go elsewhere, or what it tells or remembers is switched off. */
const VARIABLES = [
  /^AWS_ENDPOINT_URL/,
  /^AWS_LAMBDA_EXEC_WRAPPER$/,
  /^AWS_LAMBDA_LOG_/,
  /^POWERTOOLS_/,
  /^NODE_/,
  /^LD_/,
  /^(HTTPS?|ALL|NO)_PROXY$/i,
  /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|ROLE_ARN|WEB_IDENTITY_TOKEN_FILE|CONFIG_FILE|CA_BUNDLE|PROFILE)$/,
];

/** Values of such variables that change neither: the source map is a file of the asset, and only read when something is thrown. */
const HARMLESS: Readonly<Record<string, string>> = { NODE_OPTIONS: '--enable-source-maps' };

/** Every function runs the code of its own asset on a managed runtime: no layer, wrapper, mounted file, other endpoint or inline code. */
export const functionsRunPlainly: Rule = resourceRule({
  name: 'functions-run-plainly',
  invariant: 'I3',
  title: 'Every function runs the code of its own asset, on a managed runtime, and nothing beside it.',
  of: FUNCTIONS,
  problems: (fn) => {
    const { properties, assetPath } = fn;
    const runtime = stringOf(properties.Runtime) ?? 'no runtime';
    const managed = /^nodejs\d+\.x$/.test(runtime) && properties.PackageType !== 'Image';
    const { ZipFile: inline, S3ObjectStorageMode: mode = 'COPY' } = objectOf(properties.Code);
    const inAsset = assetPath !== undefined && inline === undefined;
    const strange = Object.entries(variablesOf(fn)).filter(
      ([name, value]) => VARIABLES.some((pattern) => pattern.test(name)) && HARMLESS[name] !== value,
    );
    return [
      ...Object.entries(PROPERTIES).map(
        ([name, does]) => listOf(properties[name]).length > 0 && ([name, does] as const),
      ),
      !managed && `runs on ${runtime}`,
      !inAsset && 'runs code that is not in the assembly',
      mode !== 'COPY' && 'reads its code from the bucket whenever it starts, whatever lies there by then',
      ...strange.map(
        ([name]) =>
          [
            name,
            `has ${name} in its environment, which changes what it runs, whom it calls or what it tells`,
          ] as const,
      ),
    ];
  },
  subject: ({ physicalId }) => `Function ${physicalId}`,
  path: ({ constructPath }) => [
    constructPath,
    'code or calls beside its own asset',
    'whatever its role may do',
  ],
  remedy: 'Bundle all code into the function’s asset, and leave its runtime and endpoints to AWS.',
});

/**
 * What Lambda does to place a function in its VPC, the function's own code can't do: an interface in a subnet of another zone
 * would join the two.
 */
export const interfacesAreLambdas: CapabilityRule = capabilityRule({
  name: 'interfaces-are-lambdas',
  invariant: 'I4',
  title: 'Network interfaces are made by Lambda itself, never by a function’s code.',
  actions: actionsOf({
    ec2: `
      AssignIpv6Addresses AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface
      DescribeNetworkInterfaces DescribeSubnets DetachNetworkInterface UnassignPrivateIpAddresses
    `,
  }),
  allows: ({ kind, role, name, region }, input) => {
    if (kind === 'service') return [];
    const code = input.network.functions
      .filter(({ resource }) => resource.properties.Role === role.arn)
      .flatMap(({ resource }) => resource.arn ?? []);
    const own = code.length > 0 ? code : [`arn:aws:lambda:${region}:${role.account}:function:${name}`];
    return [
      {
        resources: ['*'],
        requires: [
          requirement({ ArnNotEqualsIfExists: { 'lambda:SourceFunctionArn': own } }, [
            'identity policy',
            'permissions boundary',
          ]),
        ],
      },
    ];
  },
  remedy:
    'Deny these actions to the function’s code: ArnEquals lambda:SourceFunctionArn in the role, Null in the boundary.',
});
