import { ZonesError } from '@helseid-zones/protocol/errors';

/**
 * The options by which every command is told what is declared, for `parseArgs`: `loadSystem` takes both. They stand apart from it
 * for commands that answer before so much is loaded.
 */
export const DECLARATION_OPTIONS = {
  declaration: { type: 'string', default: 'zones.ts' },
  stage: { type: 'string' },
} as const;

/**
 * A running local system brings its declaration, so a stage can only be confirmed.
 * @throws {ZonesError} `declaration_invalid`: another one runs
 */
export function requireStage(asked: string | undefined, running: string | undefined): void {
  if (asked !== undefined && asked !== running)
    throw new ZonesError(
      'declaration_invalid',
      `The local system that runs is of ${running ? `the stage ${running}` : 'no stage'}: start it with --stage ${asked}.`,
    );
}
