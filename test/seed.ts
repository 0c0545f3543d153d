import fc from 'fast-check';
import { FULL } from './full.ts';

// Without FULL properties take the same cases each time: whoever changes one thing sees what that broke, and no older fault.
// In full, each night, they take new ones.
if (!FULL) fc.configureGlobal({ seed: 20_261_124 });
