import fc from 'fast-check';
import { afterEach, expect } from 'vitest';
import { takeLeaks, watchOutput } from './canaries.ts';
import { FULL } from './full.ts';

// Without FULL properties take the same cases each time: whoever changes one thing sees what that broke, and no older fault.
// In full, each night, they take new ones.
if (!FULL) fc.configureGlobal({ seed: 20_261_124 });

// No test's logs, metrics and errors show a secret that was planted (canaries.ts).
watchOutput();
afterEach(() => expect(takeLeaks()).toEqual([]));
