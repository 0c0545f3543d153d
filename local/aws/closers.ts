/** Things that were started and have to be ended, last first. */
export interface Closers {
  add(close: () => Promise<void> | void): void;
  /** Ends them all, each once; one that fails does not keep the others from ending. Throws the first failure then. */
  close(): Promise<void>;
}

/** No things yet. */
export function createClosers(): Closers {
  const closers: (() => Promise<void> | void)[] = [];
  return {
    add: (close) => void closers.push(close),
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
