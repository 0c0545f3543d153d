import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { SystemDeclaration } from './schema.ts';

/**
 * The options by which every command is told what is declared, for `parseArgs`: `loadSystem` takes both. They stand apart from it
 * for commands that answer before so much is loaded.
 */
export const DECLARATION_OPTIONS = {
  declaration: { type: 'string', default: 'zones.ts' },
  stage: { type: 'string' },
} as const;

/** Options of which the first says nothing beside the second, and why: in every command that has both. */
const APART = [
  ['region', 'local', 'a local system has its own'],
  ['declaration', 'local', 'a local system has its own'],
  ['assembly', 'local', 'a local system has no stacks'],
  ['zone', 'json', 'JSON has every zone'],
  ['role', 'json', 'JSON has every role'],
  ['all', 'against', 'what differs is printed instead of the proof'],
  ['zone', 'against', 'what differs is printed instead of the proof'],
  ['role', 'against', 'what differs is printed instead of the proof'],
  ['requests', 'against', 'what differs is printed instead of the proof'],
  ['watch', 'once', 'it goes on until it is ended'],
  ['page-port', 'once', 'there is no page'],
  ['stand-in-port', 'no-stand-in', 'there is none'],
  ['challenge-keeps-assertion', 'no-stand-in', 'there is none'],
] as const;

/** Options of which the first says nothing without the second, in every command that has both. */
const TOGETHER = [
  ['json', 'once'],
  ['rebuild', 'assembly'],
] as const;

/** What is wrong with a command line; `cause` is the complaint of `parseArgs`, where it is one. */
type Wrong = (what: string, cause?: unknown) => ZonesError;

/**
 * `parseArgs`, and which options were said. What is wrong becomes the error that `wrong` makes of it, `config_invalid` where nothing is
 * said: what `parseArgs` complains of, an option that is empty or said twice otherwise, and one that would be passed over beside another
 * ({@link APART}), or without it ({@link TOGETHER}).
 */
export function readArguments<const T extends ParseArgsConfig>(
  config: T,
  wrong: Wrong = (what, cause) => new ZonesError('config_invalid', `${what}. See --help.`, { cause }),
): ReturnType<typeof parseArgs<T>> & { given: ReadonlySet<string> } {
  try {
    const read = parseArgs(config);
    return { ...read, given: readGiven(config, wrong) };
  } catch (cause) {
    throw isZonesError(cause) ? cause : wrong((cause as Error).message.replace(/\.$/, ''), cause);
  }
}

function readGiven(config: ParseArgsConfig, wrong: Wrong): ReadonlySet<string> {
  const { tokens } = parseArgs({ ...config, tokens: true });
  const given = new Map<string, string | undefined>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, value } = token;
    if (value?.trim() === '') throw wrong(`--${name} takes a value, and has none`);
    if (given.has(name) && given.get(name) !== value && config.options?.[name]?.multiple !== true)
      throw wrong(`--${name} is said twice`);
    given.set(name, value);
  }
  for (const [one, other, why] of APART)
    if (given.has(one) && given.has(other)) throw wrong(`--${one} says nothing beside --${other}: ${why}`);
  for (const [one, other] of TOGETHER)
    if (given.has(one) && config.options?.[other] && !given.has(other))
      throw wrong(`--${one} goes with --${other}`);
  return new Set(given.keys());
}

/** Refuses an option that is of other commands than the one that is meant: passed over, it would be lost what was meant by it. */
export function requireOwn(
  given: ReadonlySet<string>,
  onlyOf: Readonly<Partial<Record<string, readonly string[]>>>,
  command: string,
  wrong: Wrong,
): void {
  for (const [option, commands] of Object.entries(onlyOf))
    if (given.has(option) && commands?.includes(command) === false)
      throw wrong(`--${option} says nothing to ${command}`);
}

/**
 * Whether there is what an option names; `known` is undefined where nobody knows yet.
 * @throws {ZonesError} config_invalid: there is none, and what there is
 */
export function requireKnown(what: string, name: string | undefined, known: readonly string[] | undefined) {
  if (name === undefined || known?.includes(name) !== false) return;
  throw new ZonesError('config_invalid', `There is no ${what} ${name}; there are ${known.join(', ')}.`);
}

/**
 * Whether a file that an option names can be written, before there is anything to write.
 * @throws {ZonesError} config_invalid: it is a folder, or in none, or may not be written
 */
export function requireWritable(option: string, file: string | undefined): void {
  if (file === undefined) return;
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
    if (existsSync(file)) closeSync(openSync(file, 'a'));
  } catch (cause) {
    const { code } = Object(cause) as { code?: string };
    const message = `--${option} can't be written to ${file} (${code}): name a file in a folder that is there.`;
    throw new ZonesError('config_invalid', message, { cause });
  }
}

/** `--local` may stand without a folder, which `parseArgs` has no word for; for `flatMap`. */
export function withFolder(arg: string, index: number, all: readonly string[]): string[] {
  const next = all[index + 1];
  return arg === '--local' && (next === undefined || !/[./]/.test(next)) ? ['--local=.local'] : [arg];
}

/**
 * A running local system brings its declaration, so a stage can only be confirmed.
 * @throws {ZonesError} declaration_invalid: another one runs
 */
export function requireStage(asked: string | undefined, running: string | undefined): void {
  if (asked !== undefined && asked !== running)
    throw new ZonesError(
      'declaration_invalid',
      `The local system that runs is of ${running ? `the stage ${running}` : 'no stage'}: start it with --stage ${asked}.`,
    );
}

/**
 * Stages in accounts of their own have equal names, so credentials for another one would act on that stage's keys.
 * @throws {ZonesError} `config_invalid`: account or region are not the declared ones
 */
export function requireDeclaredPlace(
  system: Pick<SystemDeclaration, 'account' | 'region'>,
  asked: { account: string; region: string },
): void {
  for (const part of ['account', 'region'] as const)
    if (system[part] !== undefined && system[part] !== asked[part])
      throw new ZonesError(
        'config_invalid',
        `The ${part} asked is ${asked[part]}, and what is declared goes to ${system[part]}: take other credentials, --region or --stage.`,
      );
}
