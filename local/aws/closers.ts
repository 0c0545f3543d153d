/** Things that were started and have to be ended, last first. */
export type Closers = ReturnType<typeof createClosers>;

/** No things yet. */
export function createClosers() {
  const closers: (() => Promise<void> | void)[] = [];
  return {
    add: (close: () => Promise<void> | void) => void closers.push(close),
    /** Ends them all, each once; one that fails does not keep the others from ending, and is thrown then. */
    async close() {
      const failures: unknown[] = [];
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
        try {
          await close();
        } catch (failure) {
          failures.push(failure);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** Runs `start`; where it throws, what it has started is ended again. */
export async function startOrClose<T>(
  start: (closers: Closers) => Promise<T>,
  closers: Closers = createClosers(),
): Promise<T> {
  try {
    return await start(closers);
  } catch (cause) {
    await closers.close();
    throw cause;
  }
}
