import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { SystemDeclaration } from './schema.ts';

/**
 * The options by which every command is told what is declared, for `parseArgs`: `loadSystem` takes both. They stand apart from it
 * for commands that answer before so much is loaded.
 */
export const DECLARATION_OPTIONS = {
  declaration: { type: 'string', default: 'zones.ts' },
  stage: { type: 'string' },
} as const;

/** `parseArgs`, whose complaint becomes the error that `wrong` makes of its words: `config_invalid` where nothing is said. */
export function readArguments<const T extends ParseArgsConfig>(
  config: T,
  wrong: (what: string, cause: unknown) => ZonesError = (what, cause) =>
    new ZonesError('config_invalid', `${what}. See --help.`, { cause }),
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    throw wrong((cause as Error).message.replace(/\.$/, ''), cause);
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
