import { ZonesError } from '@helseid-zones/protocol/errors';
import { listOf, objectOf, stringOf, stringsOf } from '../../../infra/proof/assembly/json.ts';
import {
  type ResolvedAssembly,
  type ResolvedResource,
  resourcesOfType,
} from '../../../infra/proof/assembly/resolve.ts';
import type { Rule } from '../events/delivery.ts';
import type { Bus } from '../events/service.ts';
import type { QueueSettings } from '../sqs/queues.ts';

/** An event source mapping of the template. */
export interface TemplateEventSource {
  queueArn: string;
  functionName: string;
  batchSize: number;
  concurrency: number;
  reportsFailures: boolean;
}

/** Queues of the template. Throws `assembly_invalid` for FIFO queues. */
export function readQueues(assembly: ResolvedAssembly): QueueSettings[] {
  return resourcesOfType(assembly, 'AWS::SQS::Queue').map(({ physicalId, arn, properties }) => {
    if (properties['FifoQueue'] === true) throw unsupported(`the FIFO queue ${physicalId}`);
    const kmsKeyId = stringOf(properties['KmsMasterKeyId']);
    const redrive = objectOf(properties['RedrivePolicy']);
    const deadLetterArn = stringOf(redrive['deadLetterTargetArn']);
    return {
      name: physicalId.split('/').at(-1) ?? physicalId,
      arn: arn ?? physicalId,
      url: physicalId,
      visibilityTimeout: Number(properties['VisibilityTimeout'] ?? 30),
      retention: Number(properties['MessageRetentionPeriod'] ?? 345_600),
      ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
      ...(deadLetterArn === undefined
        ? {}
        : { redrive: { deadLetterArn, maxReceiveCount: Number(redrive['maxReceiveCount']) } }),
    };
  });
}

/** Event buses of the template, and the default bus of the account. */
export function readBuses(assembly: ResolvedAssembly): Bus[] {
  const { account, region } = assembly;
  const declared = resourcesOfType(assembly, 'AWS::Events::EventBus').map(
    ({ physicalId, arn, properties }) => {
      const kmsKeyId = stringOf(properties['KmsKeyIdentifier']);
      return { name: physicalId, arn: arn ?? physicalId, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) };
    },
  );
  return [...declared, { name: 'default', arn: `arn:aws:events:${region}:${account}:event-bus/default` }];
}

/** Enabled rules of the template. Throws `assembly_invalid` for a target that is transformed or neither queue nor function. */
export function readRules(assembly: ResolvedAssembly): Rule[] {
  return resourcesOfType(assembly, 'AWS::Events::Rule')
    .filter(({ properties }) => properties['State'] !== 'DISABLED')
    .map((resource) => {
      const { physicalId, arn, properties } = resource;
      const schedule = stringOf(properties['ScheduleExpression']);
      const pattern = properties['EventPattern'];
      return {
        name: physicalId.split('|').at(-1) ?? physicalId,
        arn: arn ?? physicalId,
        bus: stringOf(properties['EventBusName'])?.split('/').at(-1) ?? 'default',
        ...(pattern === undefined ? {} : { pattern }),
        ...(schedule === undefined ? {} : { schedule }),
        targets: listOf(properties['Targets']).map((target) => readTarget(resource, objectOf(target))),
      };
    });
}

function readTarget({ physicalId }: ResolvedResource, target: Readonly<Record<string, unknown>>) {
  const arn = String(target['Arn']);
  if (target['InputTransformer'] !== undefined || target['InputPath'] !== undefined) {
    throw unsupported(`the input transformation of rule ${physicalId}`);
  }
  if (!/^arn:aws:(sqs|lambda):/.test(arn)) throw unsupported(`target ${arn} of rule ${physicalId}`);
  const input = stringOf(target['Input']);
  const deadLetterArn = stringOf(objectOf(target['DeadLetterConfig'])['Arn']);
  return {
    arn,
    ...(input === undefined ? {} : { input }),
    ...(deadLetterArn === undefined ? {} : { deadLetterArn }),
  };
}

/** Event source mappings from queues. Throws `assembly_invalid` for filters, batching windows and other sources. */
export function readEventSources(assembly: ResolvedAssembly): TemplateEventSource[] {
  return resourcesOfType(assembly, 'AWS::Lambda::EventSourceMapping').map(({ physicalId, properties }) => {
    const queueArn = String(properties['EventSourceArn']);
    const other = ['FilterCriteria', 'MaximumBatchingWindowInSeconds'].find(
      (name) => properties[name] !== undefined && properties[name] !== 0,
    );
    if (!queueArn.startsWith('arn:aws:sqs:') || other !== undefined) {
      throw unsupported(`event source mapping ${physicalId} (${other ?? queueArn})`);
    }
    return {
      queueArn,
      functionName: String(properties['FunctionName']),
      batchSize: Number(properties['BatchSize'] ?? 10),
      concurrency: Number(objectOf(properties['ScalingConfig'])['MaximumConcurrency'] ?? 5),
      reportsFailures: stringsOf(properties['FunctionResponseTypes']).includes('ReportBatchItemFailures'),
    };
  });
}

function unsupported(what: string): ZonesError {
  return new ZonesError('assembly_invalid', `The local system can't run ${what}.`);
}
