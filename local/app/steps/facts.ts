import { required } from '@helseid-zones/protocol/required';
import { functionName, signerName } from '../../../infra/declaration/names.ts';
import type { ZoneDeclaration } from '../../../infra/declaration/schema.ts';
import type { AwsAccess } from '../../aws/aws-client.ts';
import { readSample } from '../events.ts';
import type { LocalSystem } from '../system.ts';

/** A zone of the running system with what most steps ask of it. */
type ZoneFacts = ReturnType<typeof zoneWhere>;

/** The zone entered by events. Throws a `TypeError` where there is none: a step's `unfit` says so before. */
export function eventZone(system: LocalSystem): ZoneFacts {
  return zoneWhere(system, 'is entered by events', ({ events }) => events?.function);
}

/** The zone that takes the sample event. Throws as {@link eventZone}. */
export function sampleZone(system: LocalSystem): ZoneFacts {
  const { source, 'detail-type': detailType } = readSample();
  return zoneWhere(system, `takes ${detailType} events of ${source}`, ({ events }) =>
    events?.sources.includes(source) && events.detailTypes.includes(detailType) ? events.function : undefined,
  );
}

/** The zone with a route that IAM authorises. Throws as {@link eventZone}. */
export function gatewayZone(system: LocalSystem): ZoneFacts {
  return zoneWhere(
    system,
    'has a route that IAM authorises',
    ({ gateway }) => gateway?.routes.find(({ authorize }) => authorize === 'iam')?.function,
  );
}

/** Says what the declaration lacks for a step: what its facts throw. */
export function needsEntries(...facts: readonly ((system: LocalSystem) => unknown)[]) {
  return (system: LocalSystem): string | undefined => {
    try {
      for (const read of facts) read(system);
      return undefined;
    } catch (cause) {
      return (cause as Error).message;
    }
  };
}

function zoneWhere(system: LocalSystem, what: string, entry: (zone: ZoneDeclaration) => string | undefined) {
  const { declaration, aws } = system;
  for (const [zone, declared] of Object.entries(declaration.zones)) {
    const name = entry(declared);
    const [grant] = declared.grants;
    if (name === undefined || grant === undefined) continue;
    const signer = signerName(declaration.name, grant.client, zone);
    return {
      ...{ zone, declared, grant, signerName: signer },
      functionName: functionName(declaration.name, zone, name),
      client: required(declaration.clients[grant.client], `Client ${grant.client}`),
      /** ARN of the signer for its first grant. */
      get signerArn() {
        return required(aws.functions.find((of) => of.name === signer)?.arn, signer);
      },
    };
  }
  throw new TypeError(`no zone ${what}`);
}

/** AWS as a function's code would call it: with its role's credentials, by its VPC's endpoint where it has one for the service. */
export function accessOf({ aws }: LocalSystem, name: string, service: string): AwsAccess {
  const of = aws.functions.find((candidate) => candidate.name === name);
  const own = aws.endpoints.find((endpoint) => endpoint.zone === of?.zone && endpoint.service === service);
  return { url: own?.url ?? aws.publicUrl, region: aws.region, credentials: aws.credentialsOf(name) };
}

/** AWS's public endpoints with a function's credentials, as if they had been stolen. */
export function publicAccessOf(system: LocalSystem, name: string): AwsAccess {
  return { ...accessOf(system, name, ''), url: system.aws.publicUrl };
}

/** The operator at AWS's public endpoints. */
export function operatorAccess({ aws }: LocalSystem): AwsAccess {
  return { url: aws.publicUrl, region: aws.region, credentials: aws.operator };
}

/** The key that a client signs with. */
export function keyOf(system: LocalSystem, client: string) {
  const key = system.keys.find((candidate) => candidate.client === client);
  if (key === undefined) throw new TypeError(`client ${client} has no key`);
  return key;
}

/** A route's path as a request has it. */
export function samplePath(path: string): string {
  return path.replaceAll(/\{[^}]+\}/g, '17');
}
