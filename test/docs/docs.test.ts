import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileHandler } from '../../infra/bundling.ts';
import { YEARS } from '../full.ts';
import { pages, root } from './pages.ts';
import { PAGES } from './render-reference.ts';
import { readRows, wrongTests } from './shown.ts';
import { FOLLOWED, readSteps } from './tutorial.ts';

/** Names of all sources, without their folders. */
const sources = new Set(
  ['protocol', 'client', 'functions', 'infra', 'local', 'test', 'examples'].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true }).map((file) => basename(String(file))),
  ),
).add('zones.ts');

describe('documentation', () => {
  it.each(pages)('$name links to what exists', ({ name, text }) => {
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)].map(([, link = '']) => link);
    const missing = links.filter((link) => !existsSync(resolve(root, dirname(name), link)));
    expect(missing).toEqual([]);
  });

  it('lists every decision', () => {
    const index = readFileSync(join(root, 'docs/decisions/README.md'), 'utf8');
    const decisions = readdirSync(join(root, 'docs/decisions')).filter((file) => file !== 'README.md');
    expect(decisions.filter((file) => !index.includes(`(${file})`))).toEqual([]);
  });

  it.each(pages)('$name names commands and files that exist', ({ text }) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const commands = [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, command = '']) => command);
    expect(commands.filter((command) => !(command in scripts))).toEqual([]);
    const files = [
      ...text.matchAll(/`((?:protocol|client|functions|infra|local|test|docs|examples)\/[\w./-]*)`/g),
    ].map(([, file = '']) => file);
    const written = FOLLOWED.flatMap(readSteps).flatMap((step) => ('file' in step ? [step.file] : []));
    expect(files.filter((file) => !existsSync(join(root, file)) && !written.includes(file))).toEqual([]);
    const bare = [...text.matchAll(/`([\w*-]+\.ts)`/g)].map(([, file = '']) => file);
    expect(bare.filter((file) => !sources.has(file))).toEqual([]);
  });
});

describe('the unit test of docs/functions.md', async () => {
  const folder = join(root, '.build', 'unit-test');
  const page = readFileSync(join(root, 'docs/functions.md'), 'utf8');
  const write = (place: string, text: string) => {
    mkdirSync(dirname(join(folder, place)), { recursive: true });
    writeFileSync(join(folder, place), text);
    return join(folder, place);
  };
  const blocks = page.split('```ts\n').map((block) => block.split('```')[0] ?? '');
  const documented = (place: string) =>
    write(place, blocks.find((block) => block.startsWith(`// ${place}\n`)) ?? '');
  // What the page has its reader add to the declaration.
  write(
    'zones.ts',
    `import one from '../../test/one-client.zones.ts';
const { public: zone } = one.zones;
export default {
  ...one,
  apis: {
    ...one.apis,
    prescriptions: { baseUrl: 'https://prescriptions.example.no', audience: 'example:prescriptions', scopes: ['example:prescriptions/read'] },
  },
  zones: {
    public: {
      ...zone,
      gateway: { routes: [{ method: 'GET', path: '/prescriptions/{id}', function: 'prescriptions', authorize: 'iam' }] },
      grants: [{ client: 'journal', apis: [{ api: 'prescriptions', methods: ['GET'], paths: ['/v1/prescriptions/*'] }] }],
    },
    admin: one.zones.admin,
  },
};
`,
  );
  documented('functions/prescriptions/handler.ts');
  // It registers its own test here.
  await import(documented('test/functions/prescriptions/handler.test.ts'));
});

it('the root and the packages are of one version, also where they depend on each other', () => {
  const [{ version }, ...packages] = ['.', 'protocol', 'client', 'infra'].map((folder) =>
    JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
  );
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  const names = packages.map(({ name }) => name);
  const said = packages.flatMap((each) => [
    each.version,
    ...Object.entries(each.dependencies).flatMap(([name, range]) => (names.includes(name) ? [range] : [])),
  ]);
  expect(new Set(said)).toEqual(new Set([version]));
  expect(said.length).toBeGreaterThan(packages.length);
});

describe('what tests show', () => {
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const [requirements, promises] = ['docs/requirements.md', 'docs/reliability.md'].map(read) as [
    string,
    string,
  ];

  it('has a row by pattern for every requirement', () => {
    const idsOf = (rows: readonly string[]) =>
      rows.flatMap((ids) => ids.replace('SB1 to SB4', 'SB1, SB2, SB3, SB4').split(', '));
    const [, patterns = ''] = requirements.split('| --- | --- | --- | --- |\n').slice(-2);
    const known = patterns
      .trim()
      .split('\n')
      .map((row) => row.split(' | ')[0]?.slice(2) ?? '');
    const wanted = readRows(requirements).map(({ cells: [id = ''] }) => id);
    expect(wanted.length).toBeGreaterThan(20);
    expect(new Set(idsOf(known))).toEqual(new Set(idsOf(wanted)));
  });

  it.each(readRows(requirements))('$cells.0 is shown by tests that exist: $cells.1', ({ cells, shown }) => {
    expect(wrongTests(shown, read)).toEqual([]);
    if (shown.length === 0) expect(cells[2]).toContain('*Open:* ');
  });

  it.each(readRows(promises))('what is promised is shown by tests that exist: $cells.0', ({ shown }) => {
    expect(wrongTests(shown, read)).toEqual([]);
    expect(shown).not.toEqual([]);
  });

  it('misses a test that is gone, one that only a comment names, and one that runs when it is not said', () => {
    const page = (cell: string) => readRows(`a\n\n| | Shown by |\n| --- | --- |\n| x | ${cell} |\n`);
    const wrong = (title: string, text: string) =>
      page(`\`a.test.ts\`: ${title}`).flatMap(({ shown }) => wrongTests(shown, () => text));
    const text = `test('a token is kept', () => {});
test.runIf(FULL)('b', { timeout: 1 }, () => {
});
test('c %s', () => {});
describe.runIf(FULL)('of', () => {
  test('d', () => {});
});
describe('of', () => {
  it('e', () => {});
  it.runIf(FULL)(
    'f',
  );
});
// 'g'`;
    const right = ['a token is kept', 'c …', 'e', ...[...'bdf'].map((title) => `${title} *(at night)*`)];
    expect(right.flatMap((title) => wrong(title, text))).toEqual([]);
    for (const title of ['a token is lost', 'g', 'b', 'd', 'f', 'e *(at night)*'])
      expect(wrong(title, text)).toHaveLength(1);
    expect(page('nothing that is a test').flatMap(({ shown }) => wrongTests(shown, read))).toHaveLength(1);
  });

  it('says how many years of rotation are lived through, at night too', () => {
    const { quick, full, nightly } = YEARS;
    expect(promises).toContain(
      `${quick} schedules in \`npm test\`, the same ones each time; ${full} new ones with \`FULL=1\`, ${nightly.toLocaleString('en')} in \`.ci/nightly\``,
    );
    expect(read('.ci/nightly')).toMatch(new RegExp(`^FULL=1 YEARS=${nightly} .*/year\\.test\\.ts$`, 'm'));
  });
});

describe('the reference', () => {
  it.each(Object.entries(PAGES))('%s is as its sources have it (npm run docs writes it)', (file, render) => {
    expect(readFileSync(join(root, file), 'utf8')).toBe(render());
  });

  it('says of each field of the declaration what the schema says of it', () => {
    const page = readFileSync(join(root, 'docs/reference/declaration.md'), 'utf8');
    const said = ['schema', 'client-schema', 'function-schema', 'network-schema'].flatMap((name) => [
      ...readFileSync(join(root, `infra/declaration/${name}.ts`), 'utf8').matchAll(/^ +\/\*\* (.*) \*\/$/gm),
    ]);
    expect(said.length).toBeGreaterThan(40);
    expect(said.map(([, comment = '']) => comment).filter((comment) => !page.includes(comment))).toEqual([]);
  });
});

/** What a file imports to run: paths from the root for what is ours, names for packages. */
function importsOf(file: string): string[] {
  const imports = readFileSync(join(root, file), 'utf8').matchAll(
    /^(?:import(?! type)|\} from)\b.*'(.+)';$/gm,
  );
  return [...imports].map(([, from = '']) =>
    from.startsWith('.')
      ? join(dirname(file), from)
      : from.replace(/^@helseid-zones\/.*/, (name) => `${name.slice('@helseid-zones/'.length)}.ts`),
  );
}

/** A file of ours and what it imports to run, and what that imports. */
function reachedFrom(file: string, found = new Set<string>()): string[] {
  found.add(file);
  for (const next of importsOf(file)) if (next.endsWith('.ts') && !found.has(next)) reachedFrom(next, found);
  return [...found];
}

describe('what must be trusted, in SECURITY.md', () => {
  const security = readFileSync(join(root, 'SECURITY.md'), 'utf8');
  const number = (pattern: RegExp) => Number(pattern.exec(security)?.[1]?.replace(',', ''));
  const files = reachedFrom('functions/signer/handler.ts');

  it('is all that the signing function imports', () => {
    const code = files
      .flatMap((file) => readFileSync(join(root, file), 'utf8').split('\n'))
      .filter((line) => line.trim() !== '' && !/^\s*(\/\/|\/?\*)/.test(line)).length;
    expect(number(/lines of code in (\d+) files/)).toBe(files.length);
    expect(Math.abs(number(/([\d,]+) lines of code in/) / code - 1), `${code} lines`).toBeLessThan(0.05);
    // What lies beside them there, and decides nothing.
    const beside = readdirSync(join(root, 'protocol')).filter((file) => !files.includes(`protocol/${file}`));
    expect(beside.filter((file) => file.endsWith('.ts'))).toEqual([
      'config.ts',
      'custody.ts',
      'fill-key-policy.ts',
      'login-routes.ts',
      'token-request.ts',
    ]);
  });

  it('is the packages in its process, and no more of them than are named', () => {
    const packages = files.flatMap(importsOf).filter((name) => !/^node:|\.ts$/.test(name));
    const [, named = ''] = /\*\*Packages in the signer's process\*\*: (.*) and what/.exec(security) ?? [];
    expect(named.split(', ')).toEqual([...new Set(packages)].sort().map((name) => `\`${name}\``));
    const size = compileHandler('signer').code.byteLength / 1000;
    expect(Math.abs(number(/(\d+) KB, minified/) / size - 1), `${size} KB`).toBeLessThan(0.05);
  });

  it('is what writes the grant, and what the proof imports from outside its folder', () => {
    const outside = reachedFrom('infra/proof/prove.ts').filter((file) => !file.startsWith('infra/proof/'));
    expect(number(/(\d+) files outside it/)).toBe(outside.length);
    const writers = reachedFrom('infra/declaration/derive.ts').filter((file) => file.startsWith('infra/'));
    expect(writers.filter((file) => !security.includes(`${basename(file)}\``))).toEqual([]);
  });
});
