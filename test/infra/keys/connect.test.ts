import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { requireEndpoints } from '../../../infra/keys/connect.ts';
import { coded } from '../../coded.ts';

describe('a question on the terminal', () => {
  const ask = `process.stdin.isTTY = process.stdout.isTTY = true;
    const { connect } = await import('./infra/keys/connect.ts');
    const { print, runCommand } = await import('./infra/terminal.ts');
    await runCommand(async () => {
      const { confirm } = await connect({ declaration: 'test/one-client.zones.ts', region: 'eu-north-1', yes: false });
      print(String(await confirm('Delete it?')));
      return 0;
    });`;
  const answered = (input: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', ask], {
      encoding: 'utf8',
      input,
      env: { ...process.env, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
    });

  test.each([
    ['yes\n', 'true'],
    ['Y\n', 'true'],
    ['yesterday\n', 'false'],
    ['\n', 'false'],
  ])('is answered by %j: %s', (input, said) => {
    expect(answered(input)).toMatchObject({ status: 0, stdout: expect.stringContaining(`${said}\n`) });
  });

  test.each([
    ['nothing, as the input ends', ''],
    ['an answer that the end of the input cuts off', 'yes'],
    ['Ctrl-D', '\x04'],
    ['Ctrl-C', '\x03'],
  ])('that meets %s is no yes, and ends with a code', (_, input) => {
    const { status, stderr, stdout } = answered(input);
    expect([status, stderr]).toEqual([1, 'request_aborted: Ended at a question: nothing was done.\n']);
    expect(stdout).not.toContain('true');
  });
});

test.each(['nourl', 'ftp://kms', '127.0.0.1:4566'])('the endpoint %s is refused by its variable', (url) => {
  expect(() => requireEndpoints({ AWS_ENDPOINT_URL_KMS: url })).toThrow(
    coded('config_invalid', /^AWS_ENDPOINT_URL_KMS is no URL/),
  );
});

test.each(['http://127.0.0.1:4566', 'https://kms.example.no', ''])('the endpoint "%s" is taken', (url) => {
  requireEndpoints({ AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_KMS: undefined, OTHER: 'nourl' });
});
