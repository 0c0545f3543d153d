import {
  addResource,
  authorize,
  comesThrough,
  decide,
  emptyWorld,
  parsePolicy,
  type Role,
  rolePrincipal,
  type World,
} from '../infra/proof/policy/index.ts';
import { type BenchResult, fastest } from './result.ts';

const ACCOUNT = '111122223333';
const ZONES = [3, 10, 30];
const ROUNDS = 7;

/** The policy engine: one request, and the questions of a whole system, for systems of several sizes. */
export function benchPolicy(): BenchResult[] {
  return ZONES.flatMap((zones) => {
    const world = systemOf(zones);
    const request = {
      principal: rolePrincipal(roleArn('signer-1'), 's'),
      action: 'kms:Sign',
      resource: keyArn,
      context: signing,
    };
    const authorizing = fastest(ROUNDS, () => {
      for (let call = 0; call < 1000; call++) authorize(request, world);
    });
    const perZone = fastest(ROUNDS, () => askAll(world));
    return [
      { name: `authorize, ${zones} zones`, value: authorizing / 1000, unit: 'µs' },
      {
        name: `who may sign and who may invoke which signer, ${zones} zones`,
        value: perZone / 1000,
        unit: 'ms',
      },
    ];
  });
}

const keyArn = `arn:aws:kms:eu-north-1:${ACCOUNT}:key/journal-virtual`;
const roleArn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const functionArn = (zone: number) => `arn:aws:lambda:eu-north-1:${ACCOUNT}:function:signer-${zone}`;
const signing = {
  'aws:SourceVpce': 'vpce-0signing',
  'aws:SourceVpc': 'vpc-0signing',
  'kms:MessageType': 'DIGEST',
  'kms:SigningAlgorithm': 'ECDSA_SHA_256',
};

/** Every role about the key and about every signer. */
function askAll(world: World): void {
  for (const arn of world.roles.keys()) {
    for (const resource of world.resources.keys()) {
      decide(
        {
          principal: rolePrincipal(arn),
          action: resource === keyArn ? 'kms:Sign' : 'lambda:InvokeFunction',
          resource,
        },
        world,
      );
    }
  }
}

/** As many zones, each with a worker, a signer, a boundary and an endpoint, shaped as the shipped system's are. */
function systemOf(zones: number): World {
  const numbers = Array.from({ length: zones }, (_, index) => index + 1);
  const signers = numbers.map((zone) =>
    role(`signer-${zone}`, allow('kms:Sign', keyArn, 'vpce-0signing'), deny('kms:Sign', 'vpce-0signing')),
  );
  const workers = numbers.map((zone) =>
    role(
      `worker-${zone}`,
      allow('lambda:InvokeFunction', functionArn(zone), `vpce-0${zone}`),
      deny('lambda:*', `vpce-0${zone}`),
    ),
  );
  const endpoints = numbers.map((zone) =>
    endpoint(`vpce-0${zone}`, `vpc-0${zone}`, 'lambda', allow('lambda:InvokeFunction', functionArn(zone))),
  );
  const all = [...endpoints, endpoint('vpce-0signing', 'vpc-0signing', 'kms', allow('kms:Sign', keyArn))];
  const world = emptyWorld({
    account: ACCOUNT,
    roles: new Map([...signers, ...workers].map((one) => [one.arn, one])),
    endpoints: new Map(all.map((one) => [one.id, one])),
  });
  const condition = {
    StringEquals: { 'aws:SourceVpc': 'vpc-0signing', 'kms:MessageType': 'DIGEST' },
    ArnLike: { 'aws:PrincipalArn': roleArn('signer-*') },
  };
  addResource(world, {
    arn: keyArn,
    policy: documentOf({
      Effect: 'Allow',
      Principal: '*',
      Action: 'kms:Sign',
      Resource: '*',
      Condition: condition,
    }),
  });
  for (const zone of numbers) addResource(world, { arn: functionArn(zone) });
  return world;
}

const documentOf = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });

function allow(Action: string, Resource: string, endpointId?: string): object {
  const Condition = endpointId === undefined ? {} : { StringEquals: { 'aws:SourceVpce': endpointId } };
  return { Effect: 'Allow', Principal: '*', Action, Resource, Condition };
}

function deny(Action: string, endpointId: string): object {
  return {
    Effect: 'Deny',
    Action,
    Resource: '*',
    Condition: { StringNotEquals: { 'aws:SourceVpce': endpointId } },
  };
}

function role(name: string, ...statements: object[]): Role {
  return {
    arn: roleArn(name),
    account: ACCOUNT,
    identity: [parsePolicy(name, documentOf(...statements))],
    boundary: parsePolicy(`${name} boundary`, documentOf(...statements)),
    trust: parsePolicy(`${name} trust`, documentOf()),
    tags: new Map(),
    constructPath: name,
  };
}

function endpoint(id: string, vpc: string, service: string, statement: object) {
  return {
    id,
    vpc,
    service,
    kind: 'Interface' as const,
    policy: parsePolicy(id, documentOf(statement)),
    through: comesThrough(id),
    constructPath: id,
  };
}
