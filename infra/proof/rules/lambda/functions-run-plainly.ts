import { objectOf, stringOf } from '../../assembly/json.ts';
import { resourcesOfType } from '../../assembly/resolve.ts';
import { type Rule, violationsOf } from '../rule.ts';

/** Properties that put code or files beside what is in a function's asset, or send what it answers elsewhere. */
const PROPERTIES: Readonly<Record<string, string>> = {
  Layers: 'has layers, which are code that the proof does not read',
  FileSystemConfigs: 'mounts a file system',
  DeadLetterConfig: 'sends its failures to a place of its own',
  ImageConfig: 'runs a container image',
  DurableConfig: 'keeps its steps in a store of Lambda’s',
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
export const functionsRunPlainly: Rule = {
  name: 'functions-run-plainly',
  invariant: 'I3',
  title: 'Every function runs the code of its own asset, on a managed runtime, and nothing beside it.',
  check: ({ assembly }) =>
    resourcesOfType(assembly, 'AWS::Lambda::Function').flatMap(
      ({ properties, assetPath, constructPath, physicalId }) => {
        const runtime = stringOf(properties.Runtime) ?? 'no runtime';
        const code = objectOf(properties.Code);
        const problems = [
          ...Object.entries(PROPERTIES).flatMap(([name, does]) => (isEmpty(properties[name]) ? [] : [does])),
          ...(/^nodejs\d+\.x$/.test(runtime) && properties.PackageType !== 'Image'
            ? []
            : [`runs on ${runtime}`]),
          ...(assetPath === undefined || code.ZipFile !== undefined
            ? ['runs code that is not in the assembly']
            : []),
          ...Object.entries(objectOf(objectOf(properties.Environment).Variables))
            .filter(
              ([name, value]) => VARIABLES.some((pattern) => pattern.test(name)) && HARMLESS[name] !== value,
            )
            .map(
              ([name]) =>
                `has ${name} in its environment, which changes what it runs, whom it calls or what it tells`,
            ),
        ];
        return violationsOf(problems, {
          resource: constructPath,
          subject: `Function ${physicalId}`,
          path: [constructPath, 'code or calls beside its own asset', 'whatever its role may do'],
          remedy: 'Bundle all code into the function’s asset, and leave its runtime and endpoints to AWS.',
        });
      },
    ),
};

function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}
