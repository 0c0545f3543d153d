import { existsSync, globSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { type BuildOptions, buildApp, DECLARATION_FILE } from '../build-app.ts';
import { packageRoot } from '../bundling.ts';
import { defineSystem } from '../declaration/define.ts';
import { sharedStackNames } from '../declaration/names.ts';
import type { SystemDeclaration, SystemInput } from '../declaration/schema.ts';
import { objectOf } from '../proof/assembly/json.ts';
import { type Assembly, readAssembly } from '../proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../proof/assembly/resolve.ts';
import { compareWithDerived, differencesOfResource, pathOf } from '../proof/derived/compare.ts';
import { deriveAssembly } from '../proof/derived/derive.ts';
import { readInput } from '../proof/read-input.ts';
import type { ProofInput } from '../proof/rules/rule.ts';
import { inNewFolder } from '../with-assembly.ts';
import { type Change, type Changes, widenings } from './changes.ts';
import { type Base, run } from './find-base.ts';

/** Account and region that an assembly is for; absent: any. */
type Place = Pick<BuildOptions, 'account' | 'region'>;

/**
 * What `now` widens and narrows against a cloud assembly or a git revision. A widening is explained where the two declarations alone
 * make it: synthesized both by this version's constructs, the new one allows it too, and the old one does not. So what comes of
 * a construct, of an edited template or of an addition is not, nor anything where the base does not say what its declaration was. Of
 * settings, of which nobody can tell which way they go, those that are not explained are said, once.
 * @throws {ZonesError} config_invalid: the two are for different accounts or regions, or the revision can't be synthesized
 */
export function compareWith(
  base: Base,
  now: ProofInput & { read: Assembly },
  options: Omit<BaseOptions, 'place'>,
): Promise<Changes> {
  const { declaration, read } = now;
  const place = placeOf(read, declaration);
  return withBase(base, { ...options, place }, async (directory, declared) => {
    const found = readAssembly(directory);
    const old = declared ?? declaration;
    const where = placeOf(found, old);
    if (!isDeepStrictEqual(where, place))
      throw new ZonesError(
        'config_invalid',
        `${base.against} is for ${describe(where)}, and this is for ${describe(place)}, so nothing in them is equal: synthesize both for the same.`,
      );
    const compared = compareWithDerived(found, deriveAssembly(old, found), old.otherStacks);
    const before = readInput(resolveAssembly(found), old, compared);
    const [widened, narrowed] = [widenings(before, now), widenings(now, before)];
    const expected = declared && widened.length > 0 ? await widenedBy(declared, declaration, place) : [];
    const isIn = (list: readonly Change[], change: Change) =>
      list.some((one) => isDeepStrictEqual(one, change));
    const declaredSettings = declared
      ? changedSettings(deriveAssembly(declared, found), deriveAssembly(declaration, read), declaration)
      : [];
    const settings = changedSettings(found, read, declaration).filter((one) => !isIn(declaredSettings, one));
    return {
      narrowed,
      widened: [
        ...widened.map((change) => ({ ...change, explained: isIn(expected, change) })),
        ...settings.map((change) => ({ ...change, explained: false })),
      ],
    };
  });
}

/** What is compared by logic over every request, and code, which a base may lack. */
const NO_SETTING =
  /^AWS::(?:Lambda::Function Code|IAM::\w+ (?:Policies|PolicyDocument|ManagedPolicyArns|is not there))$/;

/** What of the system's resources is set otherwise than before, or gone: thresholds of alarms, concurrency, environments, whatever templates say. */
function changedSettings(before: Assembly, after: Assembly, { otherStacks }: SystemDeclaration): Change[] {
  const own = before.stacks.filter(({ name }) => !otherStacks.includes(name));
  return own.flatMap((stack) => {
    const now = objectOf(after.stacks.find(({ name }) => name === stack.name)?.template.Resources);
    return Object.entries(objectOf(stack.template.Resources)).flatMap(([id, resource]) => {
      const was = objectOf(resource);
      const differences = Object.hasOwn(now, id)
        ? differencesOfResource(objectOf(now[id]), was)
        : ([['is not there', 'is not there']] as const);
      return differences
        .filter(([about]) => !NO_SETTING.test(`${was.Type} ${about}`))
        .map(([, text]): Change => {
          const what = text
            .replace('than the declaration yields', 'than before')
            .replace('the declaration does not yield', 'was not there');
          return { kind: 'now', who: pathOf(stack, id), what };
        });
    });
  });
}

function placeOf({ stacks }: Assembly, { name }: SystemDeclaration): Place {
  const { account, region } = stacks.find((stack) => stack.name === sharedStackNames(name).signing) ?? {};
  return { ...(account ? { account } : {}), ...(region ? { region } : {}) };
}

const describe = ({ account = 'any account', region = 'any region' }: Place) => `${account}, ${region}`;

/** What one declaration widens against another, both synthesized here, with the files beside the code. */
function widenedBy(old: SystemDeclaration, declaration: SystemDeclaration, place: Place) {
  return inNewFolder((folder) => {
    const inputOf = (system: SystemDeclaration, name: string) => {
      const outdir = join(folder, name);
      const rest = { checkTemplates: false, withCode: 'files', extension: false } as const;
      buildApp(system, { ...place, outdir, ...rest }).synth();
      return readInput(resolveAssembly(readAssembly(outdir)), system);
    };
    return widenings(inputOf(old, 'old'), inputOf(declaration, 'new'));
  });
}

/** How a revision is synthesized: which declaration of it, and for which account and region. */
interface BaseOptions {
  declaration: string;
  stage?: string | undefined;
  place: Place;
}

/**
 * Uses the cloud assembly in the folder and its declaration, or the one that the git revision's own declaration and constructs yield: its
 * files, as they are committed, in a folder of their own with the packages of this clone. Runs what that revision holds.
 * @throws {ZonesError} config_invalid: the revision can't be synthesized
 */
async function withBase<T>(
  { against, commit }: Base,
  options: BaseOptions,
  use: (directory: string, declaration: SystemDeclaration | undefined) => Promise<T>,
): Promise<T> {
  if (commit === undefined) return use(against, readDeclaration(against));
  return inNewFolder((folder) => {
    const directory = join(folder, 'assembly');
    const files = join(folder, 'files');
    checkOut(commit, files, folder);
    synthesize(files, directory, options, against);
    return use(directory, readDeclaration(directory));
  });
}

/** Undefined where the assembly does not hold it, as those of versions before this file. */
function readDeclaration(directory: string): SystemDeclaration | undefined {
  const file = join(directory, DECLARATION_FILE);
  return existsSync(file) ? defineSystem(JSON.parse(readFileSync(file, 'utf8')) as SystemInput) : undefined;
}

/** The committed files, with the packages of this clone beside them, but for those that are folders of it. */
function checkOut(commit: string, files: string, folder: string): void {
  const archive = join(folder, 'files.tar');
  const failed = `The files of ${commit} can't be written to ${folder}.`;
  mkdirSync(files);
  run('git', ['archive', '--format=tar', '-o', archive, commit], { failed });
  run('tar', ['-xf', archive, '-C', files], { failed });
  for (const name of globSync(['[!@]*', '@*/*'], { cwd: 'node_modules' })) {
    const [own, link] = [resolve('node_modules', name), join(files, 'node_modules', name)];
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(lstatSync(own).isSymbolicLink() ? readlinkSync(own) : own, link);
  }
}

/** Without code where the revision knows how: only its templates and the files beside the code are compared. */
const SYNTHESIZE = `
const { writeFileSync } = await import('node:fs');
const [root, file, stage, outdir, place, record] = JSON.parse(process.env.ZONES_BASE);
const { loadSystem } = await import(root + '/infra/declaration/load.ts');
const { buildApp } = await import(root + '/infra/build-app.ts');
const system = await loadSystem(file, stage ?? undefined);
buildApp(system, { ...place, outdir, checkTemplates: false, withCode: 'files', extension: false }).synth();
writeFileSync(outdir + '/' + record, JSON.stringify(system));
`;

function synthesize(files: string, directory: string, options: BaseOptions, against: string): void {
  // A clone of a system that has this as a package has no constructs of its own.
  const root = pathToFileURL(existsSync(join(files, 'infra/build-app.ts')) ? files : packageRoot()).href;
  const { declaration, stage, place } = options;
  run(process.execPath, ['--input-type=module', '-e', SYNTHESIZE], {
    cwd: files,
    env: {
      ...process.env,
      ZONES_BASE: JSON.stringify([root, declaration, stage, directory, place, DECLARATION_FILE]),
    },
    failed: `The revision ${against} can't be synthesized: compare with the folder of an assembly instead.`,
  });
}
