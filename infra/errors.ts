import type {} from '@helseid-zones/client/errors';

declare module '@helseid-zones/protocol/errors' {
  /** Of the declaration, the proof and the commands. */
  interface ErrorFacts {
    /** zones.ts; `field` is the first that is wrong. */
    declaration_invalid: { field?: string; problems?: number };
    /** Synthesized for a region that is not supported, or that nobody chose. */
    region_unsupported: { region: string };
    /** What was synthesized can't be read. */
    assembly_invalid: object;
    /** The local system, which the operator's commands talk to as well. */
    local_failed: { port?: number; error?: string };
  }
}
