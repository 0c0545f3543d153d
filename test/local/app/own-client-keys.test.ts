import { required } from '@helseid-zones/protocol/values';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fireSchedule } from '../../../local/app/call-own.ts';
import { operatorAccess } from '../../../local/app/steps/facts.ts';
import { type LocalSystem, startSystem } from '../../../local/app/system.ts';
import { callJson } from '../../../local/aws/aws-client.ts';
import { FULL } from '../../full.ts';
import { freePorts } from '../../ports.ts';
import { newFolder } from '../../temporary.ts';

const KEYS = 'surgery/reports/report/reporting';
let system: LocalSystem;

beforeAll(async () => {
  system = await startSystem({
    directory: newFolder(),
    standIn: true,
    ports: await freePorts(),
    declarationFile: 'examples/distributed.zones.ts',
    fresh: true,
  });
}, 240_000);
afterAll(() => system?.close());

/** What the function answers to its schedule. */
async function start(schedule: 'rotate' | 'nightly') {
  const running = { ...operatorAccess(system), declaration: system.declaration };
  return (await fireSchedule(running, { zone: 'reports', name: `report/${schedule}` })).body;
}

/** Calls Secrets Manager with a role through the endpoint of a zone; resolves to the error's code, or `ok`. */
async function as(role: string, zone: string, operation: string, more: object = {}): Promise<string> {
  const endpoint = system.aws.endpoints.find((of) => of.zone === zone && of.service === 'secretsmanager');
  const access = {
    url: required(endpoint, zone).url,
    region: system.aws.region,
    credentials: system.aws.credentialsOf(`surgery-${role}`),
  };
  const input = { SecretId: KEYS, ...more };
  return (await callJson(access, 'secretsmanager', `secretsmanager.${operation}`, input)).error?.code ?? 'ok';
}

const kids = (keys: unknown) => (keys as { kid: string }[]).map(({ kid }) => kid);
const registered = () =>
  [...required(system.standIns, 'stand-ins').helseIds.values()][0]?.registry
    .keys('7e5f0b92-3c1d-4f68-9a34-2b8d6e1f7c03')
    .map(({ kid, origin }) => [kid, origin]);

// It starts the whole system. .ci/run runs this file in full.
test.runIf(FULL)(
  'a function makes a client’s key in its zone, calls with it, and replaces it on its schedule',
  async () => {
    expect(await start('nightly')).toMatchObject({ errorMessage: expect.stringMatching(/no key yet/) });

    const first = await start('rotate');
    expect(first).toEqual([expect.objectContaining({ kty: 'EC', alg: 'ES256', use: 'sig' })]);
    expect(JSON.stringify(first)).not.toContain('"d"');
    // By the portal's stand-in, as a person does with what the log says.
    await expect.poll(registered).toEqual([[kids(first)[0], 'Gui']]);
    expect(await start('nightly')).toEqual({ status: 200 });

    const second = await start('rotate');
    expect(kids(second)).toEqual([expect.not.stringContaining(kids(first)[0] ?? ''), kids(first)[0]]);
    expect(registered()).toContainEqual([kids(second)[0], 'Api']);
    expect(await start('nightly')).toEqual({ status: 200 });

    // As docs/operating.md has it of keys that others may know.
    const empty = { SecretId: KEYS, SecretString: '\n' };
    await callJson(operatorAccess(system), 'secretsmanager', 'secretsmanager.PutSecretValue', empty);
    const third = await start('rotate');
    expect(kids(third)).toEqual([expect.not.stringMatching(kids(second).join('|'))]);
    await expect.poll(registered).toContainEqual([kids(third)[0], 'Gui']);
    expect(await start('nightly')).toEqual({ status: 200 });
  },
  240_000,
);

test.runIf(FULL)('nobody else reads or replaces it', async () => {
  await expect(as('reports-report', 'reports', 'GetSecretValue')).resolves.toBe('ok');
  for (const [role, zone] of [
    ['records-worker', 'reports'],
    ['admin-rotation', 'admin'],
    ['admin-key-watch', 'admin'],
    // The function's own role, elsewhere.
    ['reports-report', 'admin'],
  ] as const) {
    await expect(as(role ?? '', zone ?? '', 'GetSecretValue')).resolves.toMatch(/AccessDenied/);
    const put = as(role ?? '', zone ?? '', 'PutSecretValue', { SecretString: 'x' });
    await expect(put).resolves.toMatch(/AccessDenied/);
  }
  await expect(as('reports-report', 'reports', 'UpdateSecretVersionStage', {})).resolves.not.toMatch(
    /Denied/,
  );
  await expect(as('reports-report', 'reports', 'DeleteSecret')).resolves.not.toBe('ok');
});
