import { ZonesError } from '@helseid-zones/protocol/errors';
import { listOf, objectOf } from '../../../infra/proof/assembly/json.ts';
import { type ResolvedAssembly, resourcesOfType } from '../../../infra/proof/assembly/resolve.ts';

/** Types of resources that the local system reads, by service. */
const READ = {
  ApiGateway: ['Authorizer', 'GatewayResponse', 'Method', 'RestApi', 'Stage'],
  DynamoDB: ['Table'],
  EC2: ['NatGateway', 'Subnet'],
  Events: ['EventBus', 'Rule'],
  KMS: ['Key'],
  Lambda: ['EventSourceMapping', 'Function'],
  SecretsManager: ['RotationSchedule', 'Secret'],
  SQS: ['Queue'],
} as const;

type Service = keyof typeof READ;
type ReadType = { [S in Service]: `AWS::${S}::${(typeof READ)[S][number]}` }[Service];

/** Whether the local system does what a resource of the type does: those it reads, and the policies by which it decides. */
export function isRun(type: string): boolean {
  return (
    Object.entries(READ).some(([service, kinds]) =>
      kinds.some((kind) => type === `AWS::${service}::${kind}`),
    ) || /^AWS::(?:ApiGateway::RequestValidator|IAM::.*|SQS::QueuePolicy|CDK::Metadata)$/.test(type)
  );
}

/** The resources of a type that {@link isRun} knows. */
export const read = (assembly: ResolvedAssembly, type: ReadType) => resourcesOfType(assembly, type);

/**
 * A property that is a text; templates may have a number or a boolean in its place.
 * @throws {ZonesError} assembly_invalid: it is neither
 */
export function textOf(value: unknown): string {
  if (['string', 'number', 'boolean'].includes(typeof value)) return String(value);
  throw unsupported(`a property with ${JSON.stringify(value)} where a text is meant`);
}

/**
 * A property that is a number, or `otherwise` where there is none; templates may have it as text.
 * @throws {ZonesError} assembly_invalid: it is another thing
 */
export function numberOf<Otherwise>(value: unknown, otherwise: Otherwise): number | Otherwise {
  if (value === undefined) return otherwise;
  const number = Number(textOf(value));
  if (Number.isNaN(number))
    throw unsupported(`a property with ${JSON.stringify(value)} where a number is meant`);
  return number;
}

/** The tags of a resource, by name. */
export function tagsOf(tags: unknown): Record<string, string> {
  const all = listOf(tags).map(objectOf);
  return Object.fromEntries(all.map(({ Key, Value }) => [textOf(Key), textOf(Value)]));
}

/** The template has something that the local system can't run. */
export function unsupported(what: string): ZonesError {
  return new ZonesError('assembly_invalid', `The local system can't run ${what}.`);
}
