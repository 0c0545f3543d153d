import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { required } from '@helseid-zones/protocol/values';
import { type Message, type TransformFailure, transformSync } from 'esbuild';
import { checkStages } from './checks/names.ts';
import { defineSystem } from './define.ts';
import { OWN_FUNCTIONS } from './fields.ts';
import { physicalNames } from './physical-names.ts';
import type { SystemDeclaration, SystemInput } from './schema.ts';

/** What a declaration file exports: a system, or a function that knows one for each stage. */
interface DeclarationFile {
  default?: SystemInput | ((stage: string) => SystemInput | undefined);
  /** What differs, by stage. Where it is there, its keys are all the stages, and what they have in common is checked. */
  stages?: Readonly<Record<string, unknown>>;
}

/**
 * Loads a declaration file, `zones.ts` by default, and validates its default export, or what that says of a stage.
 * @param stage for a declaration that is a function of it, and for no other
 * @throws {ZonesError} declaration_invalid: that begins with the file's name: where it can't be read, parsed or run, where what it
 * declares is not right (also of another stage, if it exports `stages`), where a stage is missing, unknown or one too many, and for
 * a name that is declared twice: an object keeps the last of two equal keys and forgets the first, so two zones with one name can
 * only be seen in the source
 */
export async function loadSystem(
  file: string | undefined,
  stage: string | undefined,
): Promise<SystemDeclaration> {
  const name = file ?? 'zones.ts';
  const path = resolve(name);
  const source = readSource(path, name);
  noteFolders();
  refuseRepeatedNames(source, name);
  try {
    return chooseSystem(await import(urlOf(path, source)), stage);
  } catch (cause) {
    // Else the file throws when it is run, or imports what is not there.
    const said = isZonesError(cause, 'declaration_invalid') ? cause : undefined;
    const message =
      said?.message ?? `It can't be run: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new ZonesError('declaration_invalid', `${name}: ${message}`, { cause, facts: said?.facts ?? {} });
  }
}

/** What the editor takes names of folders from, which TypeScript can't list; not part of the repository. */
const NAMES = '.build/functions.d.ts';

/** Writes {@link NAMES} where the clone, or a project that has such a folder too, has functions of its own. */
function noteFolders(): void {
  const all = existsSync('functions') ? readdirSync('functions', { withFileTypes: true }) : [];
  const isFunction = (name: string) =>
    !OWN_FUNCTIONS.includes(name) &&
    readdirSync(`functions/${name}`).some((file) => /^(?:handler|bootstrap)\b/.test(file));
  const names = all
    .filter((one) => one.isDirectory() && isFunction(one.name))
    .map(({ name }) => `  '${name}': never;\n`);
  const text = `interface HelseidZonesFunctions {\n${names.sort().join('')}}\n`;
  if (names.length === 0 || (existsSync(NAMES) && readFileSync(NAMES, 'utf8') === text)) return;
  try {
    mkdirSync(dirname(NAMES), { recursive: true });
    writeFileSync(NAMES, text);
  } catch {
    // Where nothing can be written nobody edits, and a declaration is loaded all the same.
  }
}

/** The sources that files were first loaded with. */
const loaded = new Map<string, string>();

/** A module is evaluated once a URL, so one that was edited meanwhile needs another. What it imports stays as it was. */
function urlOf(path: string, source: string): string {
  const url = pathToFileURL(path);
  if (!loaded.has(path)) loaded.set(path, source);
  if (loaded.get(path) !== source) url.search = createHash('sha256').update(source).digest('hex');
  return url.href;
}

function chooseSystem({ default: declared, stages }: DeclarationFile, stage: string | undefined) {
  if (declared === undefined)
    throw invalid('It exports no system: write export default defineSystem({ … }).');
  if (typeof declared !== 'function') {
    if (stage !== undefined)
      throw invalid(`It declares one system and knows no stages, so --stage ${stage} can't be chosen.`);
    return defineSystem(declared as SystemInput);
  }
  const known = stages && Object.keys(stages);
  if (known?.length === 0) throw invalid('Its stages name none: write export const stages = { NAME: … }.');
  const names = known ? `one of ${known.join(', ')}` : 'NAME';
  if (!stage) throw invalid(`It is a function of the stage: say --stage ${names} (cdk: -c stage=NAME).`);
  if (known && !known.includes(stage)) throw invalid(`It knows no stage ${stage}; say ${names}.`);
  const systems = Object.fromEntries((known ?? [stage]).map((one) => [one, defineStage(declared, one)]));
  const [problem] = checkStages(systems);
  if (problem) throw invalid(`${problem.field} ${problem.message}`);
  return required(systems[stage], `The stage ${stage}`);
}

function defineStage(declared: (stage: string) => SystemInput | undefined, stage: string) {
  try {
    const system = declared(stage);
    if (system === undefined) throw invalid('It declares no system for it.');
    return defineSystem(system);
  } catch (cause) {
    throw invalid(`The stage ${stage}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function readSource(path: string, file: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(`${file}: The declaration can't be read (${path}).`, cause);
  }
}

const invalid = (message: string, cause?: unknown): ZonesError =>
  new ZonesError('declaration_invalid', message, { cause });

/**
 * Does not see keys that are computed.
 * @throws {ZonesError} declaration_invalid: it is no TypeScript, or an object literal names a key twice; with file and line
 */
export function refuseRepeatedNames(source: string, file: string): void {
  let warnings: Message[];
  try {
    warnings = transformSync(source, { loader: 'ts', logLevel: 'silent' }).warnings;
  } catch (cause) {
    const [{ text = 'It is no TypeScript.', location = null } = {}] =
      (cause as TransformFailure).errors ?? [];
    const place = location ? `${file}:${location.line}:${location.column + 1}` : file;
    throw invalid(`${place}: ${text} Mend this line: ${location?.lineText ?? ''}`, cause);
  }
  const twice = warnings.find(({ id }) => id === 'duplicate-object-key');
  if (!twice) return;
  const place = `${file}:${twice.location?.line}`;
  throw invalid(`${place}: ${twice.text}; the first of the two would be lost: rename one.`);
}

/** The functions of a system by name, each with a role of that name; undefined where constructs of one's own, beside its file, may add some. */
export function namesOfFunctions(system: SystemDeclaration, declarationFile: string): string[] | undefined {
  if (existsSync(extensionFile(declarationFile))) return undefined;
  return physicalNames(system).flatMap(({ kind, name }) => (kind === 'function' ? [name] : []));
}

/** Where constructs of one's own are, beside a declaration: `zones.cdk.ts` beside `zones.ts`. */
export const extensionFile = (declarationFile: string): string =>
  resolve(declarationFile.replace(/\.ts$/, '.cdk.ts'));
