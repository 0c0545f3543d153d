import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { sharedStackNames, zoneStackName } from '../declaration/names.ts';
import { type JsonObject, objectOf, parseJson } from '../proof/assembly/json.ts';
import type { ResolvedAssembly, ResolvedResource, ResolvedStack } from '../proof/assembly/resolve.ts';
import { awsError, ifThere, items } from './answers.ts';
import { deviations } from './compare.ts';
import { type Expected, expectedResources, liveNames, onlyAdds } from './expected.ts';
import { FORMS } from './forms.ts';
import type { Live } from './live.ts';
import { IN_VPC } from './read-network.ts';

/** Something that is live otherwise than it was synthesized. */
export interface Difference {
  /** Construct path, or stack and logical id. */
  resource: string;
  type: string;
  /** Path of the property; empty for the resource as a whole. */
  property: string;
  /** Undefined where nothing should be, or is. */
  expected?: unknown;
  found?: unknown;
  /** What it means, in a sentence. */
  means: string;
}

/** What a comparison came to: everything is as it should be where both lists are empty. */
export interface Comparison {
  differences: Difference[];
  /** What could not be asked, so that nothing is known of it. */
  unread: { resource: string; type: string; reason: string }[];
  /** How many resources were read. */
  read: number;
  /** Puts the ids of the deploy in place of those that the assembly was resolved with. */
  liveName: (text: string) => string;
}

/** Resources that are asked about at a time: few enough that AWS does not throttle. */
const AT_ONCE = 8;

/**
 * Compares the stacks of an assembly that are in its account and region with what is there, resource by resource: what
 * CloudFormation made, and what stands beside it in the same role, function, network or API. What can't be read is said, and is
 * no "equal". `onProgress` is told how many of how many are done. Says nothing of a resource that is in no stack and in nothing
 * of theirs.
 * @throws {ZonesError} assembly_invalid: it has no stacks
 */
export async function compareLive(
  assembly: ResolvedAssembly,
  live: Live,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Comparison> {
  if (assembly.stacks.length === 0)
    throw new ZonesError('assembly_invalid', 'The assembly has no stacks: there is nothing to compare.');
  const ids = new Map<string, ReadonlyMap<string, string>>();
  const deployedAt = new Map<string, unknown>();
  const idOf = ({ stack, logicalId }: ResolvedResource) => ids.get(stack)?.get(logicalId);
  const result: Comparison = { differences: [], unread: [], read: 0, liveName: (text) => text };
  for (const stack of assembly.stacks)
    if (stack.account === assembly.account)
      ids.set(stack.name, await readStack(stack, live, { result, deployedAt }));
    else {
      const reason = `it is in account ${stack.account}: verify there, with its credentials`;
      result.unread.push({ resource: stack.name, type: 'stack', reason });
    }
  await findOrphans(assembly, live, result);
  result.liveName = liveNames(assembly, idOf);
  const all = expectedResources(assembly, idOf, result.liveName);
  const rest = all
    .filter(({ stack }) => (ids.get(stack)?.size ?? 0) > 0)
    .map((of) => withBeside(of, all, deployedAt));
  const total = rest.length;
  const worker = async () => {
    for (let of = rest.pop(); of !== undefined; of = rest.pop()) {
      await compareOne(of, live, result);
      onProgress(total - rest.length, total);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return result;
}

/** The ids of what a stack has, by logical id. What is there and not in the template, or of another bundle, is a difference. */
async function readStack(
  { name, template }: ResolvedStack,
  live: Live,
  { result, deployedAt }: { result: Comparison; deployedAt: Map<string, unknown> },
) {
  const differs = (of: Omit<Difference, 'means'>, means: string) => result.differences.push({ ...of, means });
  // CloudFormation's word for a stack that is not there.
  const answer = await live('cloudformation', 'ListStackResources', { StackName: name }).catch((error) => {
    if (awsError(error) === 'ValidationError') return undefined;
    throw error;
  });
  if (answer === undefined)
    differs({ resource: name, type: 'stack', property: '', expected: name }, 'This stack is not deployed.');
  const found = items(answer?.StackResourceSummaries).filter(({ LogicalResourceId }) => LogicalResourceId);
  const { TemplateBody } = answer
    ? await live('cloudformation', 'GetTemplate', { StackName: name, TemplateStage: 'Original' })
    : {};
  const deployed = objectOf(objectOf(parseJson(TemplateBody)).Resources);
  for (const { LogicalResourceId: logicalId, ResourceType: type } of found.map(
    (of) => of as Record<string, string>,
  )) {
    const place = { resource: `${name}/${logicalId}`, type: String(type) };
    const synthesized = objectOf(template.Resources)[String(logicalId)];
    if (synthesized === undefined)
      differs(
        { ...place, property: '', found: logicalId },
        'Another version of the declaration, or of the templates, is deployed.',
      );
    const code = (of: unknown) => objectOf(objectOf(objectOf(of).Properties).Code).S3Key;
    const [expected, bundle] = [code(synthesized), code(deployed[String(logicalId)])];
    if (expected !== bundle)
      differs(
        { ...place, property: 'Code.S3Key', expected, found: bundle },
        'Another bundle is deployed than was synthesized.',
      );
  }
  for (const of of found)
    if (of.ResourceType === 'AWS::Lambda::Function')
      deployedAt.set(String(of.PhysicalResourceId), of.LastUpdatedTimestamp);
  return new Map(found.map((of) => [String(of.LogicalResourceId), String(of.PhysicalResourceId)]));
}

/** Stacks of zones that were removed or renamed: a deploy knows nothing of them, so they stand and run until somebody deletes them. */
async function findOrphans({ stacks }: ResolvedAssembly, live: Live, result: Comparison): Promise<void> {
  const declared = stacks.map(({ name }) => name);
  // A system's own name may have hyphens.
  const [system = ''] = declared.flatMap((name) => /^(.+)-signing$/.exec(name)?.[1] ?? []);
  const ours = [zoneStackName(system, ''), sharedStackNames(system).gateway];
  for (const { StackName } of items((await live('cloudformation', 'DescribeStacks')).Stacks)) {
    const name = String(StackName);
    if (ours.some((start) => name.startsWith(start)) && !declared.includes(name))
      result.differences.push({
        ...{ resource: name, type: 'stack', property: '', found: name },
        means: 'No declaration has this stack any more: delete it (docs/changing.md).',
      });
  }
}

/**
 * A VPC with the ids of everything of its stack that stands in it, a bus with its rules, an API with its stages, and a function with
 * what feeds it and when CloudFormation was done with it.
 */
function withBeside(
  of: Expected,
  all: readonly Expected[],
  deployedAt: ReadonlyMap<string, unknown>,
): Expected {
  const idsOf = (type: string, chosen: (other: Expected) => boolean = () => true) =>
    all
      .filter((other) => other.type === type && other.stack === of.stack && chosen(other))
      .map(({ id }) => id);
  const added: Record<string, unknown> = {};
  if (of.type === 'AWS::EC2::VPC') {
    for (const [property, [, , type]] of Object.entries(IN_VPC)) added[property] = idsOf(type);
    added.VpnGateways = all.flatMap(({ stack, properties: { VpnGatewayId } }) =>
      stack === of.stack && VpnGatewayId ? [VpnGatewayId] : [],
    );
    added.Functions = idsOf('AWS::Lambda::Function', ({ properties }) => properties.VpcConfig !== undefined);
  }
  if (of.type === 'AWS::Events::EventBus')
    added.Rules = idsOf('AWS::Events::Rule', ({ properties }) => properties.EventBusName === of.id).map(
      (id) => id?.split('|').at(-1),
    );
  if (of.type === 'AWS::ApiGateway::RestApi')
    added.Stages = idsOf('AWS::ApiGateway::Stage', ({ properties }) => properties.RestApiId === of.id);
  if (of.type === 'AWS::Lambda::Function') {
    added.DeployedAt = deployedAt.get(of.id ?? '');
    added.OwnPolicy = all.some(
      ({ type, properties }) =>
        type === 'AWS::Lambda::ResourcePolicy' &&
        String(properties.ResourceArn).endsWith(`:function:${of.id}`),
    );
    added.EventSourceMappings = idsOf(
      'AWS::Lambda::EventSourceMapping',
      ({ properties }) => properties.FunctionName === of.id,
    );
  }
  return { ...of, properties: { ...of.properties, ...added } };
}

/** Types that decide nothing: pictures and questions for people. docs/deploying.md says that they are not compared. */
export const FOR_PEOPLE: readonly string[] = ['AWS::CloudWatch::Dashboard', 'AWS::Logs::QueryDefinition'];

async function compareOne({ type, id, constructPath, properties }: Expected, live: Live, result: Comparison) {
  const place = { resource: constructPath, type };
  const form = FORMS[type];
  const means = form?.means ?? 'Something is missing in what this adds to.';
  if (id === undefined) {
    result.differences.push({ ...place, property: '', expected: type, means });
    return;
  }
  if (onlyAdds(type) || FOR_PEOPLE.includes(type)) return;
  if (form === undefined) {
    result.unread.push({ ...place, reason: 'there is no way to read its type here' });
    return;
  }
  try {
    const found = await ifThere(form.read(id, live, properties));
    result.read += 1;
    if (found === undefined) result.differences.push({ ...place, property: '', expected: id, means });
    else
      result.differences.push(
        ...compareProperties(properties, found, form).map((one) => ({ ...place, ...one, means })),
      );
  } catch (error) {
    if (!isZonesError(error)) throw error;
    result.unread.push({ ...place, reason: error.message });
  }
}

function compareProperties(
  properties: JsonObject,
  found: JsonObject,
  { also = [], unread = [] }: (typeof FORMS)[string],
) {
  return [...new Set([...Object.keys(properties), ...also])]
    .filter((name) => name !== 'Description' && !unread.includes(name))
    .flatMap((name) => deviations(properties[name], found[name], name));
}
