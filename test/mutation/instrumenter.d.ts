/** What this test uses of Stryker's instrumenter; its own types come only with its installation. */
declare module '@stryker-mutator/instrumenter' {
  export interface Position {
    /** From 0. */
    line: number;
    column: number;
  }
  export interface Mutant {
    id: string;
    fileName: string;
    location: { start: Position; end: Position };
    mutatorName: string;
    replacement: string;
    /** A comment in the code says that it is not to be counted. */
    status?: 'Ignored';
  }
  export class Instrumenter {
    constructor(log: Record<'debug' | 'info' | 'warn' | 'isDebugEnabled', () => boolean>);
    instrument(
      files: readonly { name: string; content: string; mutate: true }[],
      options: { plugins: null; excludedMutations: string[]; ignorers: never[] },
    ): Promise<{ files: { name: string; content: string }[]; mutants: Mutant[] }>;
  }
}
