import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadSystem, refuseRepeatedNames } from '../../../infra/declaration/load.ts';
import { requireStage } from '../../../infra/declaration/options.ts';
import { coded } from '../../coded.ts';
import { newFolder } from '../../temporary.ts';
import shipped from '../../two-clients.zones.ts';

const folder = newFolder();

const load = (file?: string, stage?: string) => loadSystem(file, stage);

const write = (name: string, source: string): string => {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
};

test('the shipped declarations load', async () => {
  // Whatever zones.ts declares, an object or a function of the stage: it has no such stage.
  const message = expect.stringMatching(/^zones\.ts: .*no-such-stage/);
  await expect(load(undefined, 'no-such-stage')).rejects.toMatchObject({
    code: 'declaration_invalid',
    message,
  });
  expect(await load('test/two-clients.zones.ts')).toEqual(shipped);
  expect((await load('examples/multi-tenant.zones.ts')).name).toBe('vendor');
});

test('refused: two zones with one name', async () => {
  const zones = `{ public: { cidr: '10.1.0.0/20', grants: [] }, public: { cidr: '10.2.0.0/20', grants: [] } }`;
  const file = write('twice.ts', `export default {\n  name: 'journal',\n  zones: ${zones} };`);
  await expect(load(file)).rejects.toThrow(
    coded('declaration_invalid', /twice\.ts:3: .*"public".*rename one/),
  );
});

test('not refused: one name in two places', () => {
  expect(() => refuseRepeatedNames(`export default { a: { name: 1 }, b: { name: 2 } }`, 'x')).not.toThrow();
});

test('refused: what is no TypeScript, by file, line and column', async () => {
  const file = write('syntax.ts', `export default {\n  name: 'journal,\n};`);
  await expect(load(file)).rejects.toThrow(
    coded('declaration_invalid', /syntax\.ts:2:\d+: .*Mend this line: {3}name: 'journal,/),
  );
});

test.each([
  ['throws', `throw new Error('no way');`, /throws\.ts: It can't be run: no way/],
  [
    'imports what is not there',
    `import './nowhere.ts'; export default {};`,
    /ts: It can't be run: .*nowhere/,
  ],
  ['exports nothing', 'export const system = {};', /nothing\.ts: It exports no system: write export default/],
  [
    'declares what is not right',
    `export default { name: 'J' };`,
    /right\.ts: The declaration is not right:\n {2}\w/,
  ],
])('refused, by the file’s name: one that %s', async (what, source, message) => {
  await expect(load(write(`${what.split(' ').at(-1)}.ts`, source))).rejects.toThrow(
    coded('declaration_invalid', message),
  );
});

test('refused: a declaration that never went through defineSystem and is wrong', async () => {
  await expect(load(write('wrong.ts', `export default { name: 'J' };`))).rejects.toThrow(
    coded('declaration_invalid'),
  );
});

test('refused: a file that exports nothing, and one that is not there', async () => {
  await expect(load(write('empty.ts', 'export {};'))).rejects.toThrow(coded('declaration_invalid'));
  await expect(load(join(folder, 'nowhere.ts'))).rejects.toThrow(coded('declaration_invalid'));
});

const STAGED = 'examples/stages.zones.ts';

/** The example with its own account for a stage, or what else is to differ. */
const staged = (name: string, from: string, to: string): string =>
  write(
    name,
    readFileSync(STAGED, 'utf8')
      .replace('../infra/declaration/define.ts', resolve('infra/declaration/define.ts'))
      .replace("from '@helseid-zones/protocol/profile'", `from '${resolve('protocol/profile.ts')}'`)
      .replace(from, to),
  );

describe('a declaration that is a function of the stage', () => {
  test('declares each, with what differs', async () => {
    const [one, other] = [await load(STAGED, 'test'), await load(STAGED, 'production')];
    expect(one).toMatchObject({ account: '111111111111', availabilityZones: 1 });
    expect(other).toMatchObject({ account: '222222222222', availabilityZones: 3 });
    expect([one.clients['reader']?.issuer, other.clients['reader']?.issuer]).toEqual([
      'https://helseid-sts.test.nhn.no',
      'https://helseid-sts.nhn.no',
    ]);
  });

  test('may know its stages itself', async () => {
    const shippedFile = JSON.stringify(resolve('test/two-clients.zones.ts'));
    const file = write(
      'plain.ts',
      `import system from ${shippedFile}; export default (stage) => stage === 'test' ? system : undefined;`,
    );
    expect(await load(file, 'test')).toEqual(shipped);
    await expect(load(file, 'live')).rejects.toThrow(
      coded('declaration_invalid', /plain\.ts: The stage live: It declares no system for it/),
    );
    await expect(load(file)).rejects.toMatchObject({ message: expect.stringContaining('--stage NAME') });
  });

  test.each([
    ['no stage is given', STAGED, undefined, /stages\.zones\.ts: .*say --stage one of test, production/],
    ['it is empty', STAGED, '', /say --stage one of test, production/],
    ['the function does not know it', STAGED, 'prod', /no stage prod; say one of test, production/],
    ['it is what every object has', STAGED, 'constructor', /no stage constructor/],
    [
      'none is named',
      write('none.ts', 'export const stages = {}; export default () => {};'),
      'test',
      /name none/,
    ],
    ['it is for an object', 'test/two-clients.zones.ts', 'test', /zones\.ts: It declares one.*--stage test/],
  ])('refused: %s', async (_, file, stage, message) => {
    await expect(load(file, stage)).rejects.toThrow(coded('declaration_invalid', message));
  });

  test.each([
    [
      'what another stage declares is not right',
      staged('wrong-stage.ts', "account: '222222222222'", "account: 'prod'"),
      /The stage production: .*\n {2}account must be an AWS account id/,
    ],
    [
      'two stages of one name in one account',
      staged('one-account.ts', '222222222222', '111111111111'),
      /The stages test and production are both named summaries and may lie in one account/,
    ],
    [
      'two stages of one name wherever they are deployed',
      staged('anywhere.ts', '    account: own.account,\n', ''),
      /are both named summaries and may lie in one account/,
    ],
    [
      'a zone of one stage in the account of another',
      staged('visiting.ts', 'public: {', "public: { account: '222222222222',"),
      /are both named summaries/,
    ],
    [
      'two names in one account, and one role of API Gateway',
      staged('one-role.ts', "name: 'summaries',\n    account: own.account", 'name: stage'),
      /may both set the role that API Gateway writes logs with/,
    ],
  ])('refused, whichever stage is asked for: %s', async (_, file, message) => {
    for (const stage of ['test', 'production'])
      await expect(load(file, stage)).rejects.toThrow(coded('declaration_invalid', message));
  });

  test.each([
    ['two accounts', STAGED],
    [
      'two names in one account, where one sets the role of API Gateway',
      staged(
        'both.ts',
        "name: 'summaries',\n    account: own.account",
        "name: stage,\n    apiGatewayAccount: stage === 'production'",
      ),
    ],
    [
      'two names in two regions of one account',
      staged(
        'regions.ts',
        "name: 'summaries',\n    account: own.account,\n    region: 'eu-north-1'",
        "name: stage,\n    account: '111111111111',\n    region: stage === 'test' ? 'eu-west-1' : 'eu-north-1'",
      ),
    ],
  ])('not refused: %s', async (_, file) => {
    for (const stage of ['test', 'production']) expect(await load(file, stage)).toHaveProperty('zones');
  });
});

test('a local system that runs is of the stage that was asked for', () => {
  expect(() => requireStage(undefined, 'test')).not.toThrow();
  expect(() => requireStage('test', 'test')).not.toThrow();
  for (const running of ['production', undefined])
    expect(() => requireStage('test', running)).toThrow(coded('declaration_invalid', '--stage test'));
});

test('every command that loads a declaration, and each that asks a local system, takes --stage', () => {
  const sources = ['infra', 'local'].flatMap((room) =>
    readdirSync(room, { recursive: true })
      .map((file) => join(room, String(file)))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => ({ file, text: readFileSync(file, 'utf8') })),
  );
  const parsing = sources.filter(({ text }) => /\b(?:parseArgs|readArguments)\(\{/.test(text));
  expect(parsing.length).toBeGreaterThanOrEqual(4);
  expect(
    parsing
      .filter(({ text }) => !/DECLARATION_OPTIONS|\bstage: \{ type: 'string' \}/.test(text))
      .map(({ file }) => file),
  ).toEqual([]);
});
