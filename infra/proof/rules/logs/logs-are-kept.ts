import { objectOf } from '../../assembly/json.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { SIGNING } from '../../network/model.ts';
import { isKept, type ProofInput, type Rule } from '../rule.ts';

/**
 * Every function writes to a log group of its own stack, unfiltered; every log group is encrypted with a key of its stack and
 * has an end; the audit of signatures outlives the stack.
 */
export const logsAreKept: Rule = {
  name: 'logs-are-kept',
  invariant: 'I7',
  title:
    'Logs go whole to encrypted log groups of their own zone, with an end; the audit of signatures outlives its stack.',
  check: (input) => {
    const groups = resourcesOfType(input.assembly, 'AWS::Logs::LogGroup');
    const writers = input.assembly.resources.flatMap((resource) =>
      destinationsOf(resource)
        .filter((name) => !groups.some((group) => group.stack === resource.stack && isNamed(group, name)))
        .map((name) =>
          violation(
            resource,
            `writes its log to ${name ?? 'a group that Lambda makes'}, not to a log group of its own stack`,
          ),
        ),
    );
    const filtered = resourcesOfType(input.assembly, 'AWS::Lambda::Function')
      .filter(({ properties }) => isFiltered(objectOf(properties.LoggingConfig)))
      .map((resource) =>
        violation(resource, 'may drop lines of its log by their level: its LogFormat is not Text'),
      );
    return [...groups.flatMap((group) => problemsOf(group, input)), ...writers, ...filtered];
  },
};

function problemsOf(group: ResolvedResource, { assembly }: ProofInput) {
  const { properties, stack, zone, physicalId } = group;
  const key = resourcesOfType(assembly, 'AWS::KMS::Key').find(({ arn }) => arn === properties.KmsKeyId);
  const audit = zone === SIGNING && physicalId.includes('-signer-');
  const problems = [
    ...(key?.stack === stack ? [] : ['is not encrypted with a key of its own zone']),
    ...(properties.RetentionInDays === undefined ? ['keeps its lines for ever'] : []),
    ...(audit && !isKept(group) ? ['holds the audit of signatures and goes with its stack'] : []),
    ...(audit && key && !isKept(key)
      ? ['holds the audit of signatures, and its key goes with the stack']
      : []),
  ];
  return problems.map((problem) => violation(group, `(log group ${physicalId}) ${problem}`));
}

/** Names or ARNs of the log groups that a resource writes to; undefined for one that nobody named. */
function destinationsOf({ type, properties }: ResolvedResource): (string | undefined)[] {
  if (type === 'AWS::Lambda::Function') {
    const group = objectOf(properties.LoggingConfig).LogGroup;
    return [group === undefined ? undefined : String(group)];
  }
  if (type === 'AWS::EC2::FlowLog')
    return properties.LogGroupName === undefined ? [] : [String(properties.LogGroupName)];
  const access = objectOf(properties.AccessLogSetting).DestinationArn;
  return type === 'AWS::ApiGateway::Stage' && access !== undefined ? [String(access)] : [];
}

/** Lambda filters by level what has the format JSON, which may become the default one day. */
function isFiltered({ LogFormat, ApplicationLogLevel, SystemLogLevel }: Readonly<Record<string, unknown>>) {
  return LogFormat !== 'Text' || ApplicationLogLevel !== undefined || SystemLogLevel !== undefined;
}

function isNamed({ physicalId, arn = '' }: ResolvedResource, name: string | undefined): boolean {
  return name === physicalId || name === arn || name === arn.replace(/:\*$/, '');
}

function violation({ constructPath }: ResolvedResource, problem: string) {
  return {
    resource: constructPath,
    message: `${constructPath} ${problem}.`,
    path: [constructPath, problem],
    remedy:
      'Give it a log group with the zone’s key and a retention in days, and LogFormat Text without levels; keep the group of a signer and its key (DeletionPolicy RetainExceptOnCreate).',
  };
}
