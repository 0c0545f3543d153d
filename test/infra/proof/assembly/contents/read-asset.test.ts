import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, type AppProps, DefaultStackSynthesizer, FileSystem } from 'aws-cdk-lib';
import { describe, expect, it, test } from 'vitest';
import { addSystem } from '../../../../../infra/build-app.ts';
import { WITHOUT_CODE } from '../../../../../infra/constructs/zone-function.ts';
import { defineSystem } from '../../../../../infra/declaration/define.ts';
import { cdkHashOf, digestOf, readAsset } from '../../../../../infra/proof/assembly/contents/read-asset.ts';
import { readAssembly } from '../../../../../infra/proof/assembly/read-assembly.ts';
import { compareWithDerived } from '../../../../../infra/proof/derived/compare.ts';
import { deriveAssembly } from '../../../../../infra/proof/derived/derive.ts';
import system from '../../../../one-client.zones.ts';
import { newFolder } from '../../../../temporary.ts';
import { synthesizedFolder } from '../../../synthesize.ts';
import { STACKS } from '../../mutate.ts';

/** An asset manifest, as a test changes it. */
interface Manifest {
  files: Record<
    string,
    { source: Record<string, string>; destinations: Record<string, Record<string, string>> }
  >;
  dockerImages: Record<string, unknown>;
}

const folder = synthesizedFolder();
const derived = deriveAssembly(system, readAssembly(folder));
const MANIFEST = `${STACKS.internal}.assets.json`;

/** What is found in a copy of the assembly that `change` has been made to; its assets are links until then. */
function found(change: (directory: string) => void, compared = derived): string[] {
  const directory = newFolder();
  for (const name of readdirSync(folder))
    if (name.startsWith('asset.')) symlinkSync(join(folder, name), join(directory, name));
    else if (name !== 'bundles') cpSync(join(folder, name), join(directory, name));
  change(directory);
  return compareWithDerived(readAssembly(directory), compared).violations.map(({ message }) => message);
}

/** Changes a JSON file of the assembly. */
const inFile =
  <File>(name: string, change: (file: File, directory: string) => void) =>
  (directory: string) => {
    const path = join(directory, name);
    const file: File = JSON.parse(readFileSync(path, 'utf8'));
    change(file, directory);
    writeFileSync(path, JSON.stringify(file));
  };

const inManifest = (change: (manifest: Manifest, directory: string) => void) => inFile(MANIFEST, change);

const [code, template] = ((): [Manifest['files'][string], Manifest['files'][string]] => {
  const { files }: Manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'));
  const [first, second] = Object.values(files).sort((a, b) =>
    String(b.source.packaging).localeCompare(String(a.source.packaging)),
  );
  if (!first || !second) throw new Error('no code and template');
  return [first, second];
})();
const idOf = (file: typeof code) => Object.values(file.destinations)[0]?.objectKey?.replace(/\..*/, '') ?? '';
const ofCode = ({ files }: Manifest) => files[idOf(code)] ?? code;
const destinationOf = (file: typeof code) => Object.values(file.destinations)[0] ?? {};

describe('what is deployed is what was read', () => {
  it('as the CDK wrote it', () => {
    expect(found(() => undefined)).toEqual([]);
  });

  const HASH = /whose name is not the hash of its content/;
  const ZIPS_HASH = /\.zip, whose name is not the hash of its content/;
  const MADE = /made while it is deployed/;
  const PLACE = /to another bucket, or by another role/;
  const wrote = (file: string, content: string) =>
    inManifest((manifest, directory) => {
      cpSync(join(folder, String(code.source.path)), join(directory, 'edited'), { recursive: true });
      writeFileSync(join(directory, 'edited', file), content);
      ofCode(manifest).source.path = 'edited';
    });
  const sends = (more: object) =>
    inManifest((manifest) => void Object.assign(destinationOf(ofCode(manifest)), more));
  const made = { executable: 'make' };
  const image = { source: { directory: '.' }, destinations: { a: { repositoryName: 'a', imageTag: 'b' } } };

  it.each<[string, RegExp, (directory: string) => void]>([
    ['code that was edited afterwards', ZIPS_HASH, wrote('index.mjs', 'export const handler = () => {};')],
    ['a file that was put beside the code', ZIPS_HASH, wrote('.hidden.mjs', '')],
    [
      'another template under the name of the one that is here',
      /\.json, whose name is not the hash|uploads another template/,
      inManifest(({ files }) => {
        const { source } = files[idOf(template)] ?? template;
        source.path = `${STACKS.public}.template.json`;
      }),
    ],
    ['what a command makes', MADE, inManifest((m) => void Object.assign(ofCode(m), { source: made }))],
    [
      'what a command makes, with a path beside it',
      MADE,
      inManifest((m) => void Object.assign(ofCode(m).source, made)),
    ],
    ['a container image', MADE, inManifest((m) => void Object.assign(m.dockerImages, { image }))],
    [
      'a container image as the CDK’s first version named it',
      MADE,
      inFile<Record<string, object[]>>(`${STACKS.internal}.metadata.json`, (metadata) => {
        metadata['/more'] = [{ type: 'aws:cdk:asset', data: { id: 'a', packaging: 'container-image' } }];
      }),
    ],
    ['another bucket', PLACE, sends({ bucketName: 'elsewhere' })],
    ['another role', PLACE, sends({ assumeRoleArn: 'arn:aws:iam::111122223333:role/x' })],
    [
      'a second copy of the code, elsewhere',
      PLACE,
      inManifest((manifest) => {
        const file = ofCode(manifest);
        file.destinations.more = { ...destinationOf(file), bucketName: 'elsewhere' };
      }),
    ],
    [
      'an archive',
      HASH,
      inManifest((manifest, directory) => {
        writeFileSync(join(directory, 'code.zip'), 'PK');
        ofCode(manifest).source = { path: 'code.zip', packaging: 'file' };
      }),
    ],
    [
      'a file that has no name',
      HASH,
      inManifest((manifest, directory) => {
        writeFileSync(join(directory, 'code.zip'), 'PK');
        const destinations = { here: { ...destinationOf(ofCode(manifest)), objectKey: '' } };
        manifest.files.more = { source: { path: 'code.zip', packaging: 'zip' }, destinations };
      }),
    ],
    [
      'code that a manifest beside the stack’s own uploads',
      HASH,
      (directory) => {
        inFile<Manifest>(MANIFEST, ({ files }) => {
          writeFileSync(join(directory, 'code.zip'), 'PK');
          for (const id of Object.keys(files)) if (id !== idOf(code)) delete files[id];
          Object.assign(files[idOf(code)] ?? {}, { source: { path: 'code.zip', packaging: 'file' } });
          writeFileSync(join(directory, 'more.json'), JSON.stringify({ files }));
        })(directory);
        cpSync(join(folder, MANIFEST), join(directory, MANIFEST));
        inFile<{ artifacts: Record<string, { properties: Record<string, unknown> }> }>(
          'manifest.json',
          ({ artifacts }) => {
            Object.assign(artifacts, {
              more: { type: 'cdk:asset-manifest', properties: { file: 'more.json' } },
            });
            const { additionalDependencies } = artifacts[STACKS.internal]?.properties ?? {};
            if (Array.isArray(additionalDependencies)) additionalDependencies.push('more');
          },
        )(directory);
      },
    ],
    [
      'a second stack of a name',
      /is in the assembly twice/,
      inFile<{ artifacts: Record<string, { properties: object }> }>('manifest.json', ({ artifacts }) => {
        const own = artifacts[STACKS.internal];
        artifacts.again = { ...own, properties: { ...own?.properties, stackName: STACKS.internal } };
      }),
    ],
  ])('not %s', (_name, message, change) => {
    const messages = found(change);
    expect(messages).not.toEqual([]);
    expect(messages.join('\n')).toMatch(message);
  });

  it('nor an output that another stack refers to, changed', () => {
    const changed = readAssembly(folder).stacks.map((stack) => {
      const outputs = Object.entries((stack.template.Outputs ?? {}) as Record<string, object>);
      const Outputs = outputs.map(([id, output]) => [id, { ...output, Value: 'another' }]);
      return { ...stack, template: { ...stack.template, Outputs: Object.fromEntries(Outputs) } };
    });
    const { violations } = compareWithDerived({ stacks: changed }, derived);
    expect(violations.map(({ message }) => message)).toContain(
      `${STACKS.public} has another Outputs.GatewayUrl.Value than the declaration yields.`,
    );
  });
});

describe('an assembly whose code is compiled anew', () => {
  const rebuilt = deriveAssembly(system, readAssembly(folder), true);
  const swapped = inFile<{ Resources: Record<string, { Properties: Record<string, unknown> }> }>(
    `${STACKS.public}.template.json`,
    ({ Resources }) => {
      const of = (name: string) =>
        Object.values(Resources).find(({ Properties }) => Properties?.FunctionName === name)?.Properties ??
        {};
      of('journal-public-api').Code = of('journal-public-summary').Code;
    },
  );

  it('is what the sources compile to', () => {
    expect(found(() => undefined, rebuilt)).toEqual([]);
  });

  it('or is not, though it is named by its content', () => {
    expect(found(swapped, rebuilt)).toContain(
      'journal-zone-public/api/Function/Resource runs other code than its source compiles to.',
    );
  });
});

test('code in another language is compared with what lies where it is declared', () => {
  const code = newFolder();
  writeFileSync(join(code, 'handler.py'), 'def handler(event, context): return 1');
  writeFileSync(join(code, 'table'), Uint8Array.of(255));
  const labels = { runtime: 'python3.14', code, schedules: { daily: 'rate(1 day)' } } as const;
  const declared = () =>
    defineSystem({
      ...system,
      zones: { admin: system.zones.admin, internal: { ...system.zones.internal, functions: { labels } } },
    });
  const given = readAssembly(synthesizedFolder(declared(), { checkTemplates: false }));
  // Of another declaration each time: what was derived of one is remembered.
  const differences = () => compareWithDerived(given, deriveAssembly(declared(), given, true)).violations;
  expect(differences()).toEqual([]);
  // By the same name, since neither is UTF-8.
  writeFileSync(join(code, 'table'), Uint8Array.of(254));
  expect(differences().map(({ message }) => message)).toEqual([
    expect.stringMatching(
      /^journal-zone-internal has [0-9a-f]{64}\.zip with other files, or files of another/,
    ),
  ]);
  // The zip has neither: a link's file is in it as any other, and a folder as part of names.
  writeFileSync(join(code, 'table'), Uint8Array.of(255));
  mkdirSync(join(code, 'nothing'));
  expect(differences()).toEqual([]);
  chmodSync(join(code, 'handler.py'), 0o755);
  expect(differences().map(({ message }) => message)).toEqual([
    expect.stringMatching(/, or files of another mode, than its source/),
  ]);
  writeFileSync(join(code, 'handler.py'), 'def handler(event, context): return 2');
  expect(differences().map(({ message }) => message)).toEqual([
    'journal-zone-internal/labels/Function/Resource runs other code than its source compiles to.',
  ]);
});

describe('the hashes of a folder', () => {
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'a/b.txt': 'one\r\ntwo\r\n',
    'a/é/z.json': 'å'.repeat(9000),
    'a-c': `${'x'.repeat(8191)}ø`,
    'with blanks': 'x',
    binary: Uint8Array.of(0, 13, 10, 255),
    empty: '',
  };
  const asset = newFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(asset, name, '..'), { recursive: true });
    writeFileSync(join(asset, name), content);
  }

  it('are the CDK’s own', () => {
    expect(cdkHashOf(readAsset(asset))).toBe(FileSystem.fingerprint(asset));
  });

  it('are the CDK’s own of a link within it, and not where it leads out', () => {
    const linked = newFolder();
    cpSync(asset, linked, { recursive: true });
    symlinkSync('with blanks', join(linked, 'link'));
    expect(cdkHashOf(readAsset(linked))).toBe(FileSystem.fingerprint(linked));
    symlinkSync(join(asset, 'binary'), join(linked, 'out'));
    expect(cdkHashOf(readAsset(linked))).not.toBe(FileSystem.fingerprint(linked));
  });

  it.runIf(process.platform === 'linux')('and what sha256sum says', () => {
    const command = `find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`;
    const said = execFileSync('sh', ['-c', command], { cwd: asset, encoding: 'utf8' });
    expect(digestOf(readAsset(asset))).toBe(said.split(' ')[0]);
  });

  it('change with every byte', () => {
    const before = digestOf(readAsset(asset));
    writeFileSync(join(asset, 'a/b.txt'), 'one\ntwo\n');
    expect(digestOf(readAsset(asset))).not.toBe(before);
  });
});

test('an app with another qualifier is not understood, and told so for each stack and upload', () => {
  const outdir = newFolder();
  const context = { [WITHOUT_CODE]: 'none' };
  const defaultStackSynthesizer = new DefaultStackSynthesizer({ qualifier: 'elsewhere' });
  const app = new App({
    outdir,
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
    context,
    ...({ defaultStackSynthesizer } as unknown as AppProps),
  });
  addSystem(app, system);
  app.synth();
  const { violations } = compareWithDerived(readAssembly(outdir), derived);
  for (const stack of Object.values(STACKS))
    for (const what of [
      /has another deployment\.cloudFormationExecutionRoleArn/,
      /by another role, than the CDK's own/,
    ])
      expect(
        violations.filter(({ resource, message }) => resource === stack && what.test(message)),
        `${stack} ${what}`,
      ).not.toEqual([]);
  for (const { remedy } of violations) expect(remedy).toContain('A synthesizer of your own');
});
