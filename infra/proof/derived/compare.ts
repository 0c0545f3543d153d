import { isDeepStrictEqual } from 'node:util';
import { readAsset, zipDigestOf } from '../assembly/contents/read-asset.ts';
import { isObject, type JsonObject, listOf, objectOf } from '../assembly/json.ts';
import type { Assembly, AssemblyStack } from '../assembly/read-assembly.ts';
import type { Violation } from '../rules/rule.ts';
import { problemsOfDeployment, problemsOfUpload } from './deployment.ts';
import { isHarmless, OWN_TAGS } from './harmless.ts';

/** Something that the declaration did not yield: a resource, or a statement in a role's policies. */
export interface Addition {
  stack: string;
  logicalId: string;
  /** Construct path of the resource, or of the role that has more. */
  resource: string;
  /** CloudFormation's type; of a role that has more, the type of the role. */
  type: string;
  /** Whether it is statements of a role that the declaration yields with fewer. */
  statements: boolean;
}

/** How an assembly differs from the derived one. */
export interface Comparison {
  violations: readonly Violation[];
  additions: readonly Addition[];
}

/** What of a template is equal beside its resources: outputs, since other stacks refer to them. */
const SECTIONS = ['Conditions', 'Mappings', 'Outputs', 'Parameters', 'Rules'];

/**
 * Compares what was synthesized with what the declaration yields, template by template: everything that the derived one has is there,
 * under no condition, and equal but for {@link isHarmless} differences. What is there beside it is an addition, for rules to judge.
 * Reads templates as they are written, so nothing is made up; of code it sees that it is an asset of the CDK's own bucket, named by its
 * content, and which one only where the derived assembly was compiled anew. Of `otherStacks` it sees that nothing of theirs takes the
 * place of the system's.
 */
export function compareWithDerived(
  written: Assembly,
  derived: Assembly,
  otherStacks: readonly string[] = [],
): Comparison {
  const given = { stacks: written.stacks.map((stack) => withDerivedIds(stack, derived)) };
  const differences = derived.stacks.flatMap((expected) => {
    const [found, twin] = given.stacks.filter(({ name }) => name === expected.name);
    if (twin) return [violation(expected.name, 'is in the assembly twice')];
    return found ? differencesOfStack(found, expected) : [violation(expected.name, 'is not in the assembly')];
  });
  const own = given.stacks.filter(({ name }) => !otherStacks.includes(name));
  const more = own.filter(({ name }) => !derived.stacks.some((one) => one.name === name));
  const deployments = more.flatMap((stack) =>
    problemsOfDeployment(stack, derived).map((problem) => violation(stack.name, problem)),
  );
  const keys = new Set(own.flatMap(({ uploads = [] }) => uploads.map(({ key }) => key)));
  const uploads = given.stacks.flatMap(({ name, publishesTemplate, uploads = [] }) =>
    [
      ...(publishesTemplate === false ? ['uploads another template than the one that was read'] : []),
      // Others upload what they like, but nothing under the name of what the system runs.
      ...uploads.filter(({ key }) => keys.has(key)).flatMap((upload) => problemsOfUpload(upload, derived)),
    ].map((problem) => violation(name, problem)),
  );
  const additions = given.stacks.flatMap((stack) => {
    const expected = objectOf(derived.stacks.find(({ name }) => name === stack.name)?.template.Resources);
    return Object.entries(objectOf(stack.template.Resources)).flatMap(([id, resource]) => {
      const statements = Object.hasOwn(expected, id);
      if (statements && !hasMoreStatements(objectOf(resource), objectOf(expected[id]))) return [];
      const type = String(objectOf(resource).Type);
      return [{ stack: stack.name, logicalId: id, resource: pathOf(stack, id), type, statements }];
    });
  });
  return { violations: [...differences, ...deployments, ...uploads], additions };
}

/** A deployment's id ends in a hash of all methods of its API, so with one more it has another: the only one that is left is that one. */
function withDerivedIds(stack: AssemblyStack, derived: Assembly): AssemblyStack {
  const expected = objectOf(derived.stacks.find(({ name }) => name === stack.name)?.template.Resources);
  const ids = (has: JsonObject, other: JsonObject) =>
    Object.keys(has).filter((id) => !Object.hasOwn(other, id) && objectOf(has[id]).Type === DEPLOYMENT);
  const resources = objectOf(stack.template.Resources);
  const [[found, ...more], [wanted]] = [ids(resources, expected), ids(expected, resources)];
  if (found === undefined || wanted === undefined || more.length > 0) return stack;
  const template = JSON.parse(JSON.stringify(stack.template).replaceAll(`"${found}"`, `"${wanted}"`));
  return { ...stack, template };
}

const DEPLOYMENT = 'AWS::ApiGateway::Deployment';

function differencesOfStack(found: AssemblyStack, expected: AssemblyStack): Violation[] {
  const places = (['account', 'region'] as const).filter((member) => found[member] !== expected[member]);
  const deployed = [
    ...places.map((one) => `is for ${one} ${found[one] ?? 'unknown'}, not ${expected[one] ?? 'any'}`),
    ...describe('deployment', withoutOtherTags(found.deployment), expected.deployment),
    // The CDK's name of a folder is the same for some that differ: ends of lines, bytes that are no UTF-8, modes.
    ...[...(expected.digests ?? [])].flatMap(([key, digest]) => {
      const path = found.assets.get(key);
      const isOther = path !== undefined && zipDigestOf(readAsset(path)) !== digest;
      return isOther
        ? [`has ${key} with other files, or files of another mode, than its source compiles to`]
        : [];
    }),
    ...SECTIONS.flatMap((section) => {
      const [has, wants] = [objectOf(found.template[section]), objectOf(expected.template[section])];
      return Object.keys(wants).flatMap((id) => describe(`${section}.${id}`, has[id], wants[id]));
    }),
  ].map((problem) => violation(found.name, problem));
  const resources = objectOf(found.template.Resources);
  const differences = Object.entries(objectOf(expected.template.Resources)).flatMap(([id, wanted]) =>
    Object.hasOwn(resources, id)
      ? differencesOfResource(objectOf(resources[id]), objectOf(wanted), expected.bucket).map(
          ([property, text]) => violation(pathOf(found, id), text, property),
        )
      : [violation(pathOf(expected, id), 'is not in the templates')],
  );
  return [...deployed, ...differences];
}

/** CloudFormation puts a stack's tags on all that is in it; others than the system's mark nothing. */
function withoutOtherTags({ tags, stackTags, ...deployment }: JsonObject = {}): JsonObject {
  const inMetadata = listOf(stackTags).map(objectOf);
  const keys = [...Object.keys(objectOf(tags)), ...inMetadata.map(({ key, Key = key }) => Key)];
  const isMarked = keys.some((key) => typeof key !== 'string' || OWN_TAGS.test(key));
  return isMarked ? { ...deployment, tags, stackTags } : deployment;
}

/** What of one resource differs, by property or other member, in words; nothing where all is as derived. Code comes from `bucket`. */
export function differencesOfResource(
  found: JsonObject,
  expected: JsonObject,
  bucket?: string,
): (readonly [about: string, text: string])[] {
  const type = String(expected.Type);
  return (isDeepStrictEqual(found, expected) ? [] : namesOf(found, expected)).flatMap((member) => {
    // It says nothing of what is deployed.
    if (member === 'Metadata') return [];
    if (member !== 'Properties') {
      if (member === 'DependsOn' && waitsFor(found[member], expected[member])) return [];
      return describe(member, found[member], expected[member]).map((text) => [member, text] as const);
    }
    const [has, wants] = [objectOf(found.Properties), objectOf(expected.Properties)];
    return namesOf(has, wants).flatMap((property) =>
      differencesOfProperty(type, property, has[property], wants[property], bucket).map(
        (text) => [property, text] as const,
      ),
    );
  });
}

/** Whether a resource waits for all that it must: for more changes an order only. */
function waitsFor(found: unknown, expected: unknown): boolean {
  return expected !== undefined && listOf(expected).every((id) => listOf(found).includes(id));
}

function differencesOfProperty(
  type: string,
  property: string,
  found: unknown,
  expected: unknown,
  bucket: string | undefined,
): string[] {
  if (isHarmless(type, property, found, expected)) return [];
  if (type === 'AWS::Lambda::Function' && property === 'Code')
    return !isOwnAsset(found, bucket)
      ? ['takes its code from elsewhere than an asset of this assembly']
      : isOwnAsset(expected, bucket) && !isDeepStrictEqual(found, expected)
        ? ['runs other code than its source compiles to']
        : [];
  if (type === 'AWS::IAM::Role' && property === 'Policies') return lackingPolicies(found, expected);
  // More of them are an addition.
  if (type === 'AWS::IAM::Role' && property === 'ManagedPolicyArns' && Array.isArray(found))
    return listOf(expected).flatMap((one) =>
      found.some((arn) => isDeepStrictEqual(arn, one)) ? [] : [`lacks one of its ${property}`],
    );
  return describe(property, found, expected);
}

/** Where two values differ, the deepest place by name; statements of a policy are a set. */
function describe(path: string, found: unknown, expected: unknown): string[] {
  if (isDeepStrictEqual(found, expected)) return [];
  if (path.endsWith('.Statement') && isDeepStrictEqual(sorted(found), sorted(expected))) return [];
  if (isObject(found) && isObject(expected) && !isIntrinsic(found) && !isIntrinsic(expected))
    return namesOf(found, expected).flatMap((name) =>
      describe(`${path}.${name}`, found[name], expected[name]),
    );
  if (found === undefined) return [`lacks ${path}`];
  if (expected === undefined) return [`has ${path}, which the declaration does not yield`];
  const values =
    typeof found === 'object' || typeof expected === 'object' ? '' : ` (${found}, not ${expected})`;
  return [`has another ${path} than the declaration yields${values}`];
}

/** A role keeps every statement that it is given; more of them are an addition. */
function lackingPolicies(found: unknown, expected: unknown): string[] {
  const has = statementsOf(found);
  const names = listOf(found).map((policy) => objectOf(policy).PolicyName);
  const written = names.filter((name) => typeof name === 'string' && !name.includes('{{'));
  const documents = listOf(found).map((policy) => objectOf(policy).PolicyDocument);
  const parts = [found, ...listOf(found), ...documents, ...has];
  if (written.length < names.length || parts.some((part) => isObject(part) && isIntrinsic(part)))
    return ['has policies that only the deploy decides'];
  // IAM keeps the last one of a name.
  if (new Set(names.map((name) => String(name).toLowerCase())).size < names.length)
    return ['has two policies of one name'];
  // Of another version, variables are no variables; what stands beside statements nobody has read.
  if (
    !listOf(found).every((policy) =>
      isDeepStrictEqual(emptied(policy), { document: { Version: '2012-10-17' } }),
    )
  )
    return ['has policies with more than names and statements, or of another version'];
  return statementsOf(expected)
    .filter((statement) => !has.some((one) => isDeepStrictEqual(one, statement)))
    .map(
      (statement) =>
        `lacks or changes the statement ${String(objectOf(statement).Sid ?? 'without a Sid')} of its policies`,
    );
}

/** A policy of a role without its name and statements. */
function emptied(policy: unknown): unknown {
  const { PolicyName: _, PolicyDocument, ...more } = objectOf(policy);
  const { Statement: __, ...document } = objectOf(PolicyDocument);
  return { ...more, document };
}

function hasMoreStatements(found: JsonObject, expected: JsonObject): boolean {
  const [has = 0, wants = 0] = [found, expected].map(({ Properties }) => {
    const { Policies, ManagedPolicyArns } = objectOf(Properties);
    return statementsOf(Policies).length + listOf(ManagedPolicyArns).length;
  });
  return expected.Type === 'AWS::IAM::Role' && has > wants;
}

function statementsOf(policies: unknown): readonly unknown[] {
  return listOf(policies).flatMap((policy) => listOf(objectOf(objectOf(policy).PolicyDocument).Statement));
}

/** As the derived stack would upload it: no version, no other bucket, no inline code. Which asset it is, other rules look at. */
function isOwnAsset(code: unknown, bucket: string | undefined): boolean {
  const { S3Bucket, S3Key, ...more } = objectOf(code);
  const named = typeof S3Bucket === 'string' ? S3Bucket : objectOf(S3Bucket)['Fn::Sub'];
  return (
    Object.keys(more).length === 0 &&
    bucket !== undefined &&
    named === bucket &&
    /^[0-9a-f]{64}\.zip$/.test(String(S3Key))
  );
}

function isIntrinsic(value: JsonObject): boolean {
  return Object.keys(value).some((name) => name === 'Ref' || name.startsWith('Fn::'));
}

function sorted(statements: unknown): readonly string[] {
  return listOf(statements)
    .map((statement) => JSON.stringify(statement))
    .sort();
}

function namesOf(...objects: JsonObject[]): string[] {
  return [...new Set(objects.flatMap((object) => Object.keys(object)))];
}

/** The construct path of a resource, or its stack and logical id. */
export function pathOf(stack: AssemblyStack, id: string): string {
  return stack.constructPaths.get(id) ?? `${stack.name}/${id}`;
}

function violation(resource: string, problem: string, about?: string): Violation {
  return {
    resource,
    ...(about === undefined ? {} : { about: [about] }),
    message: `${resource} ${problem}.`,
    path: ['the declaration', resource, problem],
    remedy:
      'Say it in zones.ts and synthesize again with this version; what the declaration yields is not edited. A synthesizer of your own (another qualifier, roles or bucket) is not understood: take the CDK’s own for the stacks of the system.',
  };
}
