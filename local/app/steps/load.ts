/** What a {@link Load} came to. */
interface LoadReport {
  /** Calls that have ended, by lane. */
  calls: Readonly<Record<string, number>>;
  /** Why lanes ended before they were stopped: one call each. */
  failures: readonly string[];
}

/** Calls that are made over and over while something else happens. */
export interface Load {
  /** Resolves when every lane has begun and ended so many further calls, or has failed. */
  more(calls: number): Promise<void>;
  /** Lets the calls that are under way end, and begins no other. */
  stop(): Promise<LoadReport>;
}

interface Lane {
  name: string;
  begun: number;
  ended: number;
  failure?: string;
}

/**
 * Begins a lane for each caller: one call after the other, with a `pause` between them, until it is stopped or one fails. A call fails
 * by throwing.
 */
export function startLoad(
  callers: Readonly<Record<string, () => Promise<unknown>>>,
  pause: () => Promise<unknown> = async () => {},
): Load {
  const waiting = new Set<() => void>();
  let stopped = false;

  async function drive(lane: Lane, call: () => Promise<unknown>): Promise<void> {
    while (!stopped && lane.failure === undefined) {
      lane.begun += 1;
      try {
        await call();
        lane.ended += 1;
      } catch (cause) {
        lane.failure = `${lane.name}: ${cause instanceof Error ? cause.message : String(cause)}`;
      }
      for (const wake of waiting) wake();
      waiting.clear();
      await pause();
    }
  }

  const lanes = Object.keys(callers).map((name): Lane => ({ name, begun: 0, ended: 0 }));
  const driven = lanes.map((lane) => drive(lane, callers[lane.name] ?? (async () => {})));

  return {
    async more(calls) {
      // What is under way now began before, and does not count.
      const goals = lanes.map((lane) => ({ lane, ended: lane.begun + calls }));
      const isOver = () =>
        goals.every(({ lane, ended }) => lane.failure !== undefined || lane.ended >= ended);
      while (!isOver()) await new Promise<void>((resolve) => waiting.add(resolve));
    },
    async stop() {
      stopped = true;
      await Promise.all(driven);
      return {
        calls: Object.fromEntries(lanes.map(({ name, ended }) => [name, ended])),
        failures: lanes.flatMap(({ failure }) => failure ?? []),
      };
    },
  };
}
