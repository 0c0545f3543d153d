import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { describe, expect, test } from 'vitest';
import { namesOfFunctions } from '../../../infra/declaration/load.ts';
import {
  readArguments,
  requireKnown,
  requireOwn,
  requireWritable,
} from '../../../infra/declaration/options.ts';
import { readKeyOptions } from '../../../infra/keys/options.ts';
import { readOptions } from '../../../local/app/options.ts';
import { coded } from '../../coded.ts';
import system from '../../one-client.zones.ts';
import { newFolder } from '../../temporary.ts';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/** `npm run zones`, as far as options go. */
const readZones = (args: string[]) =>
  readArguments({
    args,
    options: {
      assembly: text,
      rebuild: flag,
      declaration: { ...text, default: 'zones.ts' },
      against: text,
      all: flag,
      zone: text,
      role: text,
      requests: flag,
      json: flag,
    },
  });
const readVerify = (args: string[]) =>
  readArguments({ args, options: { assembly: text, region: text, local: text, json: flag } });

describe('options that say nothing beside others', () => {
  test.each([
    ['keys', readKeyOptions, '--local --region eu-west-1', '--region says nothing beside --local: a local'],
    [
      'keys',
      readKeyOptions,
      'list --declaration x.ts --local=x',
      '--declaration says nothing beside --local',
    ],
    ['keys', readKeyOptions, 'audit x.log --trace a --local', 'reads no files'],
    ['keys', readKeyOptions, 'audit --trace a --reconcile x.log --local', 'reads no files'],
    ['keys', readKeyOptions, 'audit --trace a', '--trace goes with --local; on AWS'],
    ['verify', readVerify, '--local x --region eu-west-1', '--region says nothing'],
    ['verify', readVerify, '--local x --assembly cdk.out', '--assembly says nothing'],
    ['zones', readZones, '--json --zone public', '--zone says nothing beside --json: JSON has every zone'],
    ['zones', readZones, '--role a --json', '--role says nothing'],
    ['zones', readZones, '--against HEAD --all', '--all says nothing beside --against'],
    ['zones', readZones, '--against HEAD --zone public', '--zone says nothing'],
    ['zones', readZones, '--against HEAD --role a', '--role says nothing'],
    ['zones', readZones, '--against HEAD --requests', '--requests says nothing'],
    ['zones', readZones, '--rebuild', '--rebuild goes with --assembly'],
    ['start', readOptions, '--once --watch', '--watch says nothing beside --once: it goes on'],
    ['start', readOptions, '--once --page-port 4000', '--page-port says nothing'],
    ['start', readOptions, '--no-stand-in --stand-in-port 4000', '--stand-in-port says nothing'],
    ['start', readOptions, '--no-stand-in --challenge-keeps-assertion', '--challenge-keeps-assertion says'],
    ['start', readOptions, '--json', '--json goes with --once'],
    ['start', readOptions, '--port 4000 --port 4001', '--port is said twice'],
    ['start', readOptions, '--directory=', '--directory takes a value'],
  ])('%s refuses them: %#', (_, read: (args: string[]) => unknown, line, what) => {
    expect(() => read(line.split(' '))).toThrow(
      expect.objectContaining({ message: expect.stringContaining(what) }),
    );
  });

  test.each([
    ['keys', readKeyOptions, 'rotate a --local --stage test'],
    ['keys', readKeyOptions, 'list --declaration x.ts --region eu-west-1'],
    ['keys', readKeyOptions, 'audit --trace a --local'],
    ['keys', readKeyOptions, 'audit --reconcile a --reconcile b c'],
    ['verify', readVerify, '--assembly cdk.out --region eu-west-1 --json'],
    ['zones', readZones, '--json --requests --assembly cdk.out --rebuild'],
    ['zones', readZones, '--zone public --role a --all --requests'],
    ['zones', readZones, '--against HEAD --json'],
    ['start', readOptions, '--once --json --stand-in-port 4000 --challenge-keeps-assertion'],
    ['start', readOptions, '--watch --page-port 4000 --no-stand-in'],
    ['start', readOptions, '--port 4000 --port 4000'],
  ])('%s takes those that go together: %#', (_, read: (args: string[]) => unknown, line) => {
    expect(read(line.split(' '))).toBeTruthy();
  });

  test('defaults are not said', () => {
    expect([...readZones(['--all']).given]).toEqual(['all']);
  });
});

test('options of other commands are refused, and those of every command taken', () => {
  const wrong = (what: string) => new ZonesError('config_invalid', what);
  const own = (command: string, ...given: string[]) =>
    requireOwn(new Set(given), { days: ['delete'] }, command, wrong);
  expect(() => own('retire', 'yes', 'days')).toThrow('--days says nothing to retire');
  own('delete', 'yes', 'days');
});

test('what there is none of is refused with what there is; nothing that is left out, or that nobody knows yet', () => {
  const refused = coded('config_invalid', 'There is no zone publik; there are public, internal.');
  expect(() => requireKnown('zone', 'publik', ['public', 'internal'])).toThrow(refused);
  requireKnown('zone', 'public', ['public', 'internal']);
  requireKnown('zone', undefined, []);
  const extended = join(newFolder(), 'zones.ts');
  writeFileSync(extended.replace(/ts$/, 'cdk.ts'), '');
  requireKnown('role', 'of-an-extension', namesOfFunctions(system, extended));
  expect(() => requireKnown('role', 'x', namesOfFunctions(system, 'zones.ts'))).toThrow('journal-public-api');
});

test('a file that can’t be written is refused before there is anything to write, and none is made', () => {
  const folder = newFolder();
  const own = join(folder, 'map.svg');
  requireWritable('svg', undefined);
  requireWritable('svg', own);
  expect(existsSync(own)).toBe(false);
  for (const [file, why] of [
    [join(folder, 'none', 'map.svg'), 'ENOENT'],
    [folder, 'EISDIR'],
  ] as const)
    expect(() => requireWritable('svg', file)).toThrow(coded('config_invalid', why));
});

test('what no command takes is refused with a code', () => {
  expect(() => readZones(['--zon', 'public'])).toThrow(coded('config_invalid', "Unknown option '--zon'"));
});
