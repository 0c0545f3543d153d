import { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { functionOf, ownSecretName, ownVariable, zoneQueueName } from '../declaration/own.ts';
import type { ZoneDeclaration } from '../declaration/schema.ts';
import { type Place, serviceHost } from './arns.ts';
import { zoneTables } from './zone-table.ts';

/** ARNs of secrets: by function, then by the name in the declaration. */
export type OwnSecrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Makes the secrets of a zone's functions, each with a random value that nobody knows, so that what is checked against it fails
 * until the operator has put the true one. Kept when the stack or the declaration goes.
 */
export function addSecrets(
  scope: Construct,
  { system, zone, declared, key }: { system: string; zone: string; declared: ZoneDeclaration; key: IKey },
): OwnSecrets {
  const make = (owner: string, name: string) => {
    const secret = new CfnSecret(scope, `Secret-${owner}-${name}`, {
      name: ownSecretName(system, zone, owner, name),
      description: `Read by ${owner} of zone ${zone} alone. Its value is put by the operator.`,
      kmsKeyId: key.keyArn,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
    });
    secret.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    return secret.ref;
  };
  return Object.fromEntries(
    Object.entries(declared.functions).flatMap(([owner, { secrets }]) =>
      secrets.length > 0
        ? [[owner, Object.fromEntries(secrets.map((name) => [name, make(owner, name)]))]]
        : [],
    ),
  );
}

/** The variables of one function: its settings, names of its tables, URLs of the queues that it sends to, ARNs of its secrets. */
export function ownEnvironment(
  {
    system,
    zone,
    declared,
    place,
  }: { system: string; zone: string; declared: ZoneDeclaration; place: Place },
  secrets: OwnSecrets,
  name: string,
): Record<string, string> {
  const { environment = {}, queues = [] } = functionOf(declared, name) ?? {};
  const url = (queue: string) =>
    `https://${serviceHost(place, 'sqs')}/${place.account}/${zoneQueueName(system, zone, queue)}`;
  return Object.fromEntries([
    ...Object.entries(environment),
    ...zoneTables(system, zone, declared)
      .filter(({ actions }) => name in actions)
      .map((table) => [table.variable, table.name]),
    ...queues.map((queue) => [ownVariable('queue', queue), url(queue)]),
    ...Object.entries(secrets[name] ?? {}).map(([secret, arn]) => [ownVariable('secret', secret), arn]),
  ]);
}
