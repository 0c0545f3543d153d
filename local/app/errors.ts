declare module '@helseid-zones/protocol/errors' {
  /** Of the local system. */
  interface ErrorFacts {
    local_failed: { port?: number; error?: string };
  }
}

export {};
