import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { sharedStackNames, zoneStackName } from '../declaration/names.ts';
import { type JsonObject, parseJson } from '../proof/assembly/json.ts';
import type { ResolvedAssembly, ResolvedStack } from '../proof/assembly/resolve.ts';
import { type Deviation, deviations } from './compare.ts';
import compared from './compared.json' with { type: 'json' };
import { ADD_ONLY, type Expected, expectedResources } from './expected.ts';
import { at, ifThere, items, type Live } from './live.ts';
import { READERS } from './readers.ts';

/** Something that is live otherwise than it was synthesized; its property is empty for the resource as a whole. */
export interface Difference extends Deviation {
  /** Construct path, or stack and logical id. */
  resource: string;
  type: string;
  /** What it means, in a sentence. */
  means: string;
}

/** What a comparison came to: everything is as it should be where both lists are empty. */
export interface Comparison {
  differences: Difference[];
  /** What could not be asked, so that nothing is known of it. */
  unread: { resource: string; type: string; reason: string }[];
  /** How many resources were read, entries called and questions asked. */
  read: number;
}

/** What of a type of resource is compared, as its reader finds it. */
interface Form {
  /** What it means where it is not as it was deployed. */
  means: string;
  /** Members that must be there only where the template has them: whatever else would let somebody in or something out. */
  also?: readonly string[];
  /**
   * Properties that decide nothing that was proved, or that AWS does not tell. The bundle (`Code`) is compared by its key in the template
   * that was deployed; a policy's name and path are in its ARN.
   */
  unread?: readonly string[];
}

/** What is compared, by type. */
export const FORMS: Readonly<Record<string, Form>> = compared;

/** Questions that are asked at a time: few enough that AWS does not throttle. */
const AT_ONCE = 8;

/** Has `ask` do each, {@link AT_ONCE} at a time. */
export async function askAll<T>(all: Iterable<T>, ask: (one: T) => Promise<void>): Promise<void> {
  const rest = Iterator.from(all);
  const worker = async () => {
    for (const one of rest) await ask(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * Compares the stacks of an assembly that are in its account and region with what is there, resource by resource: what
 * CloudFormation made, and what stands beside it in the same role, function, network or API. What can't be read is said, and is
 * no "equal". `onProgress` is told how many of how many are done; `liveName` of the result puts the ids of the deploy in place of those
 * that the assembly was resolved with. Says nothing of a resource that is in no stack and in nothing of theirs.
 * @throws {ZonesError} assembly_invalid: it has no stacks
 */
export async function compareLive(
  assembly: ResolvedAssembly,
  live: Live,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Comparison & { liveName: (text: string) => string }> {
  if (assembly.stacks.length === 0)
    throw new ZonesError('assembly_invalid', 'The assembly has no stacks: there is nothing to compare.');
  const made = new Map<string, Awaited<ReturnType<typeof readStack>>>();
  const result: Comparison = { differences: [], unread: [], read: 0 };
  for (const stack of assembly.stacks)
    if (stack.account === assembly.account) made.set(stack.name, await readStack(stack, live, result));
    else {
      const reason = `it is in account ${stack.account}: verify there, with its credentials`;
      result.unread.push({ resource: stack.name, type: 'stack', reason });
    }
  await findOrphans(assembly, live, result);
  const { all, liveName } = expectedResources(assembly, ({ stack, logicalId }) =>
    made.get(stack)?.get(logicalId),
  );
  const there = all.filter(({ stack }) => made.get(stack)?.size);
  await askAll(there.entries(), async ([index, of]) => {
    await compareOne(of, live, result);
    onProgress(index + 1, there.length);
  });
  return { ...result, liveName };
}

/** What CloudFormation says of a stack's resources, by logical id. What is there and not in the template, or of another bundle, is a difference. */
async function readStack({ name, template }: ResolvedStack, live: Live, { differences }: Comparison) {
  const asked = live('cloudformation', 'ListStackResources', { StackName: name });
  // CloudFormation's word for a stack that is not there.
  const answer = await ifThere(asked, /ValidationError/);
  if (answer === undefined) {
    const means = 'This stack is not deployed.';
    differences.push({ resource: name, type: 'stack', property: '', expected: name, means });
    return new Map<string, JsonObject>();
  }
  const original = { StackName: name, TemplateStage: 'Original' };
  const deployed = parseJson((await live('cloudformation', 'GetTemplate', original)).TemplateBody);
  const summaries = items(answer.StackResourceSummaries);
  const found = new Map(
    summaries.flatMap((of) => (of.LogicalResourceId ? [[String(of.LogicalResourceId), of] as const] : [])),
  );
  for (const [id, { ResourceType }] of found) {
    const place = { resource: `${name}/${id}`, type: String(ResourceType) };
    if (at(template, 'Resources', id) === undefined) {
      const means = 'Another version of the declaration, or of the templates, is deployed.';
      differences.push({ ...place, property: '', found: id, means });
    }
    const bundleOf = (of: unknown) => at(of, 'Resources', id, 'Properties', 'Code', 'S3Key');
    const [expected, bundle] = [bundleOf(template), bundleOf(deployed)];
    const means = 'Another bundle is deployed than was synthesized.';
    if (expected !== bundle)
      differences.push({ ...place, property: 'Code.S3Key', expected, found: bundle, means });
  }
  return found;
}

/** Stacks of zones that were removed or renamed: a deploy knows nothing of them, so they stand and run until somebody deletes them. */
async function findOrphans({ stacks }: ResolvedAssembly, live: Live, { differences }: Comparison) {
  const declared = stacks.map(({ name }) => name);
  // A system's own name may have hyphens.
  const [system = ''] = declared.flatMap((name) => /^(.+)-signing$/.exec(name)?.[1] ?? []);
  const ours = [zoneStackName(system, ''), sharedStackNames(system).gateway];
  const means = 'No declaration has this stack any more: delete it (docs/changing.md).';
  for (const { StackName } of items((await live('cloudformation', 'DescribeStacks')).Stacks)) {
    const name = String(StackName);
    if (ours.some((start) => name.startsWith(start)) && !declared.includes(name))
      differences.push({ resource: name, type: 'stack', property: '', found: name, means });
  }
}

async function compareOne(of: Expected, live: Live, result: Comparison): Promise<void> {
  const { type, id, properties } = of;
  const place = { resource: of.constructPath, type };
  const form = FORMS[type];
  const read = READERS[type];
  const means = form?.means ?? 'Something is missing in what this adds to.';
  const missing = { ...place, property: '', expected: id ?? type, means };
  if (id === undefined) result.differences.push(missing);
  else if (form && read)
    try {
      const found = await ifThere(read(id, live, properties));
      result.read += 1;
      const deviating = found ? compareProperties(properties, found, form) : [missing];
      result.differences.push(...deviating.map((one) => ({ ...one, ...place, means })));
    } catch (error) {
      if (!isZonesError(error)) throw error;
      result.unread.push({ ...place, reason: error.message });
    }
  else if (!Object.hasOwn(ADD_ONLY, type))
    result.unread.push({ ...place, reason: 'there is no way to read its type here' });
}

function compareProperties(properties: JsonObject, found: JsonObject, { also = [], unread = [] }: Form) {
  const left = ['Description', 'DeployedAt', ...unread];
  return [...new Set([...Object.keys(properties), ...also])]
    .filter((name) => !left.includes(name))
    .flatMap((name) => deviations(properties[name], found[name], name));
}
