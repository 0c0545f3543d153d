import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { allowedHosts, resolvedHosts } from '../../declaration/derive.ts';
import { recordName, ZONE_TAG } from '../../declaration/names.ts';
import { isObject, listOf, objectOf, parseJson, stringsOf } from '../assembly/json.ts';
import { type ResolvedResource, tagsOf } from '../assembly/resolve.ts';
import { namedActions } from '../assembly/roles.ts';
import { hasUnknown, UNKNOWN } from '../assembly/unknown.ts';
import { globOf, matchGlob } from '../policy/pattern.ts';
import { parsePolicy, statementsAbout } from '../policy/statement.ts';
import type { Actor } from '../rules/actors.ts';
import { type Problems, type ProofInput, type Rule, violationsOf, wordsOf } from '../rules/rule.ts';
import { isAddable, problemsOfProperties } from '../rules/templates/places.ts';
import { notUnderstood } from '../rules/templates/types.ts';
import type { Addition } from './compare.ts';
import { OWN_TAGS } from './harmless.ts';

type Limit = (value: unknown, input: ProofInput, added: ResolvedResource) => string | false;

/** What else a property of an addition must not be, by type. */
const LIMITS: Readonly<Record<string, Readonly<Record<string, Limit>>>> = {
  'AWS::IAM::Policy': { PolicyDocument: takesAway, PolicyName: overwritesPolicy },
  'AWS::IAM::ManagedPolicy': { PolicyDocument: takesAway },
  'AWS::Route53::RecordSet': { Name: answersForHost },
  'AWS::EC2::VPCEndpoint': {
    PolicyDocument: (value) => namedActions(value).length > 0 && 'lets something through',
  },
  'AWS::CloudWatch::Dashboard': { DashboardBody: callsFunctions },
  'AWS::Logs::MetricFilter': { MetricTransformations: feedsAlarms },
};

/**
 * What a denial takes away opens nothing, but for the lines of the audit, which Lambda writes with the function's role, and for whatever
 * rotation and the key watch do: who keeps them from it stops what calls somebody.
 */
function takesAway(document: unknown, { actors }: ProofInput, added: ResolvedResource): string | false {
  const { properties, arn } = added;
  const policy = parsePolicy('what is added', document);
  const denies = (action: string) => statementsAbout(policy, action).some(({ effect }) => effect === 'Deny');
  if (WRITES_LOGS.some(denies))
    return 'denies a function its log, or may, for all that is known before the deploy';
  const isFor = ({ name, role }: Actor) =>
    role.arn === arn || stringsOf(properties.Roles).some((one) => one === name || hasUnknown(one));
  const denied = policy.statements.some(({ effect }) => effect === 'Deny');
  return (
    denied &&
    actors.some((actor) => actor.admin && isFor(actor)) &&
    'denies the admin zone something, which may stop rotation or the key watch'
  );
}

/** What writing a log takes, for Lambda, API Gateway and flow logs. */
const WRITES_LOGS = wordsOf(
  'logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogGroups logs:DescribeLogStreams logs:PutLogEvents',
);

/**
 * A name that functions call, answered otherwise, leads what they send elsewhere; it would be their zone's hosted zone that answers.
 * Route 53 takes a character by its octal number too, and servers (NS) that a record names answer for all that is below it.
 */
function answersForHost(value: unknown, { declaration }: ProofInput, of: ResolvedResource): string | false {
  const type = String(of.properties.Type);
  const name = String(value)
    .replace(/\\([0-7]{3})/g, (_escaped, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    .toLowerCase()
    .replace(/\.$/, '');
  const names = type === 'NS' || hasUnknown(type) ? [name, `*${name && '.'}${name}`] : [name];
  const hosts = Object.keys(declaration.zones)
    .flatMap((zone) => allowedHosts(declaration, zone).concat(resolvedHosts(declaration, zone)))
    .concat('service.region.amazonaws.com');
  const taken =
    /amazonaws\.com$/.test(name) ||
    names.some((one) => hosts.some((host) => matchGlob(globOf(one), host) !== false));
  return taken && 'is, or may be, a name that functions of a zone call';
}

/** A figure of the signers, or of AWS, that does not come from them would still an alarm. */
function feedsAlarms(transformations: unknown): string | false {
  const namespaces = listOf(transformations).map((one) => String(objectOf(one).MetricNamespace));
  const fed = namespaces.some(
    (name) => name === METRICS_NAMESPACE || name.startsWith('AWS/') || hasUnknown(name),
  );
  return fed && 'writes, or may write, the figures that alarms of the system watch';
}

/** A widget of one's own is what a function answers, called with the rights of whoever looks at it. */
function callsFunctions(body: unknown): string | false {
  const { widgets = [] } = objectOf(parseJson(String(body)) ?? { widgets: '' });
  const isPlain = (widget: unknown) => WIDGETS.includes(String(objectOf(widget).type));
  return (
    !(Array.isArray(widgets) && widgets.every(isPlain) && !hasUnknown(String(body))) &&
    'holds more than figures, logs, alarms and text, or may'
  );
}

const WIDGETS = wordsOf('alarm explorer log metric text');

/** Many services put what has a name that there is in its place. */
function takenPlace({ arn }: ResolvedResource, { assembly, comparison }: ProofInput): Problems[number] {
  const own = assembly.resources.filter(
    (one) => !comparison?.additions.some((addition) => !addition.statements && isOf(addition, one)),
  );
  const taken =
    arn !== undefined && own.find((one) => one.arn !== undefined && matchGlob(arn, one.arn) !== false);
  return taken && `has, or may have, the name of ${taken.constructPath}, and would be put in its place`;
}

/** IAM keeps one inline policy of a name, so a second one would take the first, with what it denies, away. */
function overwritesPolicy(value: unknown, { assembly }: ProofInput): string | false {
  const names = assembly.resources.flatMap(({ type, properties: { Policies, PolicyName } }) => [
    ...(type === 'AWS::IAM::Policy' ? [PolicyName] : []),
    ...(type === 'AWS::IAM::Role' ? listOf(Policies).map((one) => objectOf(one).PolicyName) : []),
  ]);
  const name = String(value).toLowerCase();
  const isShared = names.filter((one) => String(one).toLowerCase() === name).length > 1;
  return (isShared || hasUnknown(name)) && 'has the name of a policy in a role, which it would replace';
}

/** What is added to a system is of a type that the proof understands, and so is each of its properties. */
export const additionsAreUnderstood: Rule = {
  name: 'additions-are-understood',
  invariant: 'I10',
  title: 'Whatever is there beside what the declaration yields is understood, by type and by property.',
  check: (input) =>
    (input.comparison?.additions ?? []).flatMap((addition) => {
      const { resource, statements } = addition;
      // Two, where two stacks have one name.
      const named = input.assembly.resources.filter((one) => isOf(addition, one));
      return named.flatMap((added) => {
        // More statements of a role are for the rules about who may do what; of denials only one is for none of them.
        const policies = listOf(added.properties.Policies).map((policy) => objectOf(policy).PolicyDocument);
        const problems = statements
          ? policies.map((policy) => takesAway(policy, input, added))
          : problemsOf(added, input);
        const owner =
          added.zone === undefined ? `Where ${added.stack} is another team's, name it in otherStacks. ` : '';
        return violationsOf(problems, {
          resource,
          remedy: `${owner}Declare it in zones.ts if that can say it; else leave it out, or declare an exception with its reason. A type or property that gives nobody a permission and leads nowhere belongs into infra/proof/rules/templates/types.ts.`,
        });
      });
    }),
};

/** By logical id: construct paths are what the manifest says, and two may be the same. */
function isOf({ stack, logicalId }: Addition, resource: ResolvedResource): boolean {
  return resource.stack === stack && resource.logicalId === logicalId;
}

function problemsOf(added: ResolvedResource, input: ProofInput): Problems {
  const { type, properties, definition } = added;
  if (!isAddable(type)) return [notUnderstood(type)];
  const written = definition.Properties ?? {};
  if (!isObject(written) || Object.keys(written).some((name) => name.startsWith('Fn::') || name === 'Ref'))
    return ['has properties that only the deploy decides'];
  const more = Object.entries(properties).map(([property, value]) => {
    const taken = takenName(property, value, added, input);
    const problem = isDecidedAtDeploy(value)
      ? `has a ${property} that only the deploy decides`
      : taken
        ? `takes a name that is ${taken} (${property})`
        : LIMITS[type]?.[property]?.(value, input, added);
    return problem ? ([property, problem] as const) : undefined;
  });
  return [takenPlace(added, input), ...problemsOfProperties(added, input), ...more];
}

/** Whether a condition that only the deploy knows chooses the value, or a part of it: both would have to be looked at. */
function isDecidedAtDeploy(value: unknown): boolean {
  const text = JSON.stringify(value) ?? '';
  return hasUnknown(text) && /"Fn::(If|FindInMap|Select|Transform)/.test(text.replaceAll('\\', ''));
}

/** Whose a physical name or a tag is that is kept for others: their roles may use whatever is called so. */
function takenName(property: string, value: unknown, { zone }: ResolvedResource, input: ProofInput) {
  const { name, zones } = input.declaration;
  const others = Object.keys(zones).filter((other) => other !== zone);
  const tags = property === 'Tags' ? tagsOf(value) : new Map<string, string>();
  const tagged = tags.get(ZONE_TAG) ?? zone;
  if (tagged !== zone || [...tags.keys()].some(hasUnknown)) return `zone ${tagged ?? 'unknown'}'s`;
  if ([...tags.keys()].some((key) => key !== ZONE_TAG && OWN_TAGS.test(key))) return "a client key's";
  if (!/(?<!Domain|Zone)Name$/.test(property) || typeof value !== 'string') return undefined;
  // What the deploy decides may be how it goes on.
  const [known = ''] = value.split(UNKNOWN);
  const begins = (taken: string) => known.startsWith(taken) || (known !== value && taken.startsWith(known));
  if (begins(recordName(name, ''))) return "a client record's";
  if (begins('cdk-')) return "the CDK's";
  const other = others.find((one) => begins(`${name}-${one}-`));
  return other && `zone ${other}'s`;
}
