import { applyPolicies, deleteKey } from './administer.ts';
import { audit } from './audit.ts';
import { draftClient } from './draft.ts';
import type { Operator } from './operator.ts';
import type { CommandName, KeyOptions } from './options.ts';
import { redrive } from './redrive.ts';
import { retireKey, rotateKey, verifyKey } from './rotate.ts';
import { printJwks, showKeys } from './show.ts';
import { watchNow } from './watch.ts';

/** What each key command does. All take the options as they were read, and say what they throw. */
export const COMMANDS: Readonly<
  Record<CommandName, (operator: Operator, options: KeyOptions) => Promise<void>>
> = {
  show: showKeys,
  list: showKeys,
  jwk: printJwks,
  rotate: rotateKey,
  verify: verifyKey,
  retire: retireKey,
  delete: deleteKey,
  policy: applyPolicies,
  draft: draftClient,
  watch: watchNow,
  redrive,
  audit,
};
