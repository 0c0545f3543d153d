import { required } from '@helseid-zones/protocol/values';
import type { Step } from '../steps/facts.ts';
import { STEPS } from '../steps/index.ts';
import { forgeSession } from '../steps/login-steps.ts';
import { useStolenToken } from '../steps/protected-calls.ts';
import words from './attacks.json' with { type: 'json' };

/** The invariants that attacks run into, as SECURITY.md has them. */
export const INVARIANTS = words.invariants;

/** An attack that can be run against the running system. Its step fails where the attack succeeds. */
export interface Attack {
  name: string;
  title: string;
  /** What is tried; `{calling}` and `{other}` stand for names of zones. */
  tries: string;
  /** What stops it. */
  stoppedBy: string;
  /** Those of this system that it runs into; none where what stops it is not of this system. */
  invariants: readonly (keyof typeof INVARIANTS)[];
  step: Step;
}

/**
 * The attacks of the page, in their order (`attacks.json`). Each shows first that its allowed twin works: a refusal proves nothing where
 * nobody gets through.
 */
export const ATTACKS: readonly Attack[] = words.attacks.map(({ step, invariants, ...attack }) => {
  const found = [...STEPS, forgeSession, useStolenToken].find(({ name }) => name === step);
  return { ...attack, invariants: invariants as Attack['invariants'], step: required(found, step) };
});
