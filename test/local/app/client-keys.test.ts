import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { calculateJwkThumbprint } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import type { OperatorDeps } from '../../../local/app/client-keys.ts';
import { bootstrapKeys, requireOwner } from '../../../local/app/client-keys.ts';
import { registrationHints } from '../../../local/app/welcome.ts';
import type { LocalAws } from '../../../local/aws/local-aws.ts';
import { coded } from '../../coded.ts';
import { createFakeKms } from '../../fakes/kms.ts';
import shipped from '../../two-clients.zones.ts';

const owner = { clientId: 'a', issuer: 'https://localhost:3443' };

test.each([
  ['a new state', {}],
  ['the state of an earlier start', { ...owner, client: 'journal' }],
])('%s is taken', (_, record) => {
  expect(() => requireOwner(record, owner)).not.toThrow();
});

test('the state of another declaration is taken while no key of it was registered', () => {
  const key = { kid: 'k', keyArn: 'a', algorithm: 'ES256', state: 'created', since: { created: 1 } } as const;
  const record = { ...owner, clientId: 'b', keys: [key] };
  expect(() => requireOwner(record, owner)).not.toThrow();
  const registered = { ...key, state: 'registered', since: { created: 1, registered: 2 } } as const;
  expect(() => requireOwner({ ...record, keys: [key, registered] }, owner)).toThrow(/for clientId b/);
});

test.each([
  ['other ports', { ...owner, issuer: 'https://localhost:4443' }, /for issuer https:\/\/localhost:4443/],
  ['another declaration', { ...owner, clientId: 'b' }, /for clientId b/],
])('the state of a start with %s is refused, saying what to do', (_, record, message) => {
  expect(() => requireOwner(record, owner)).toThrow(coded('local_failed', message));
  expect(() => requireOwner(record, owner)).toThrow(/--fresh.*--directory/);
});

describe('a rotation that fails after it has made the key', () => {
  const servers: (() => void)[] = [];
  afterEach(() => {
    for (const close of servers.splice(0)) close();
  });

  interface Stuck {
    deps: OperatorDeps;
    kid: string;
    /** What AWS answers, by operation. */
    answers: Record<string, object>;
    /** Operations in the order in which they were asked for. */
    asked: string[];
  }

  /** AWS as the operator sees it, with one client whose key is in state `created`, and a rotation that ends with `error`. */
  async function stuck(error: string): Promise<Stuck> {
    const kms = createFakeKms();
    const { kid, arn, publicKey } = kms.addKey('ES256');
    const asked: string[] = [];
    const [[client, declared] = []] = Object.entries(shipped.clients);
    if (!client || !declared) throw new Error('the shipped declaration has no client');
    const key = { kid, keyArn: arn, algorithm: 'ES256', state: 'created', since: { created: 1 } };
    const { clientId, issuer } = declared;
    const answers: Record<string, object> = {
      'secretsmanager.GetSecretValue': {
        SecretString: JSON.stringify({ version: 1, client, clientId, issuer, keys: [key] }),
      },
      'secretsmanager.DescribeSecret': {},
      'secretsmanager.RotateSecret': {},
      'TrentService.GetPublicKey': {
        PublicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      },
    };
    const server = createServer((request, response) => {
      const target = String(request.headers['x-amz-target']);
      asked.push(target);
      const answer: { __type?: string } = answers[target] ?? {};
      response.writeHead(answer.__type === undefined ? 200 : 400).end(JSON.stringify(answer));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    servers.push(() => server.close());
    const aws = {
      publicUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'eu-north-1',
      operator: { accessKeyId: 'a', secretAccessKey: 's' },
      secrets: { find: () => ({ stored: { arn: 'arn' } }) },
      rotations: { idle: async () => ({ ok: false, step: 'setSecret', error }) },
    } as unknown as LocalAws;
    const declaration = { ...shipped, clients: { [client]: declared } };
    return { deps: { declaration, aws, standIns: undefined }, kid, answers, asked };
  }

  test('as with an issuer that is down: the key is there to be registered, and the reason with it', async () => {
    const { deps, kid } = await stuck('the issuer does not answer');
    const keys = await bootstrapKeys(deps);
    expect(keys).toMatchObject([{ kid, state: 'created' }]);
    const [hint = ''] = registrationHints({ keys }, '/elsewhere');
    expect(hint).toContain('the issuer does not answer');
    expect(hint).toMatch(/keys -- verify \w+ --local \/elsewhere, /);
    expect(registrationHints({ keys }, resolve('.local'))[0]).toMatch(/keys -- verify \w+ --local, /);
    const jwk = JSON.parse(/^ *(\{.*\})$/m.exec(hint)?.[1] ?? '');
    expect(await calculateJwkThumbprint(jwk)).toBe(kid);
  });

  test('a key of the registration before is not offered, and a rotation that was about it is followed by another', async () => {
    const { deps, answers, asked } = await stuck('The planned key is retired; rotate once more.');
    const [client = ''] = Object.keys(deps.declaration.clients);
    const { SecretString } = answers['secretsmanager.GetSecretValue'] as { SecretString: string };
    const record = JSON.parse(SecretString);
    answers['secretsmanager.GetSecretValue'] = {
      SecretString: JSON.stringify({ ...record, clientId: 'the one before', client }),
    };
    // What was cut off ends, and what is begun then fails too.
    answers['secretsmanager.RotateSecret'] = { __type: 'InvalidRequestException', message: 'reattempted' };
    const idle = deps.aws.rotations.idle;
    deps.aws.rotations.idle = async (arn) => {
      answers['secretsmanager.RotateSecret'] = {};
      return idle(arn);
    };
    const keys = await bootstrapKeys(deps);
    expect(asked.filter((target) => target.endsWith('RotateSecret'))).toHaveLength(2);
    expect(keys).toMatchObject([{ state: 'retired' }]);
    expect(registrationHints({ keys }, '.local')).toEqual([]);
  });

  test('one that may go on is not begun anew', async () => {
    const { deps, answers, asked } = await stuck('the issuer does not answer');
    answers['secretsmanager.RotateSecret'] = { __type: 'InvalidRequestException', message: 'reattempted' };
    answers['secretsmanager.DescribeSecret'] = { ARN: 'arn', VersionIdsToStages: { a: ['AWSPENDING'] } };
    await expect(bootstrapKeys(deps)).resolves.toMatchObject([{ state: 'created' }]);
    expect(asked.filter((target) => target.endsWith('RotateSecret'))).toHaveLength(1);
  });

  test('a key that the state has lost is named with its file and what to do', async () => {
    const { deps, answers } = await stuck('no');
    answers['TrentService.GetPublicKey'] = { __type: 'NotFoundException', message: 'Key does not exist' };
    await expect(bootstrapKeys(deps)).rejects.toThrow(
      coded('local_failed', /kms\.json of the state lacks .*--fresh/),
    );
  });

  test('with stand-ins it is a failure', async () => {
    const { deps } = await stuck('no');
    const standIns = { helseIds: new Map() } as unknown as NonNullable<OperatorDeps['standIns']>;
    await expect(bootstrapKeys({ ...deps, standIns })).rejects.toThrow(coded('local_failed'));
  });
});
